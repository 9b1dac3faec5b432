package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	fproof "github.com/transparency-dev/formats/proof"
	"github.com/transparency-dev/merkle/proof"
)

// leafEntry is an entry as its leaf says it.
type leafEntry struct {
	Type, Lane string
	Data       map[string]any
}

// Numbers of JSON are exact up to here.
const mostExact = 1<<53 - 1

// readEntry reads a leaf of the ledger's own, in the one form that it has. What somebody else has put into its lanes is a leaf too, of
// another form.
func readEntry(leaf string) (*leafEntry, error) {
	var read any
	if err := json.Unmarshal([]byte(leaf), &read); err != nil {
		return nil, err
	}
	if !utf8.ValidString(leaf) || canonical(read) != leaf {
		return nil, errors.New("not canonical JSON")
	}
	members, _ := read.(map[string]any)
	if _, foreign := members["foreign"]; foreign {
		return nil, errors.New("of an event that the ledger has not written")
	}
	entry := &leafEntry{}
	_, hasID := members["id"].(string)
	_, hasMetadata := members["metadata"].(map[string]any)
	revision, hasRevision := members["revision"].(float64)
	var hasType, hasLane, hasData bool
	entry.Type, hasType = members["type"].(string)
	entry.Lane, hasLane = members["lane"].(string)
	entry.Data, hasData = members["data"].(map[string]any)
	whole := revision >= 0 && revision <= mostExact && revision == math.Trunc(revision)
	if len(members) != 6 || !(hasID && hasMetadata && hasRevision && whole && hasType && hasLane && hasData) {
		return nil, errors.New("no entry")
	}
	return entry, nil
}

// checkEntry believes what an entry says: leaf and proof lie in the directory, and the entry must be of this type.
func checkEntry(directory, entryType string) (*leafEntry, error) {
	trust, err := readTrust(directory)
	if err != nil {
		return nil, err
	}
	leaf, err := os.ReadFile(filepath.Join(directory, "leaf"))
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(filepath.Join(directory, "proof"))
	if err != nil {
		return nil, err
	}
	var read fproof.TLogProof
	if err := read.Unmarshal(text); err != nil {
		return nil, err
	}
	checkpoint, _, err := trust.open(read.Checkpoint)
	if err != nil {
		return nil, err
	}
	var path [][]byte
	for _, hash := range read.Hashes {
		path = append(path, hash[:])
	}
	hash := hasher.HashLeaf(leaf)
	if err := proof.VerifyInclusion(hasher, read.Index, checkpoint.Size, hash, path, checkpoint.Hash); err != nil {
		return nil, err
	}
	return believed(string(leaf), entryType)
}

// believed reads an entry of one type.
func believed(leaf, entryType string) (*leafEntry, error) {
	entry, err := readEntry(leaf)
	if err != nil {
		return nil, err
	}
	if entry.Type != entryType {
		return nil, fmt.Errorf("of the type %s", entry.Type)
	}
	return entry, nil
}

// idsIn reads a list of ids that an entry may have.
func idsIn(entry *leafEntry, member string) ([]string, error) {
	if entry.Data[member] == nil {
		return nil, nil
	}
	list, isList := entry.Data[member].([]any)
	var ids []string
	for _, each := range list {
		if id, is := each.(string); is {
			ids = append(ids, id)
		}
	}
	if !isList || len(ids) != len(list) {
		return nil, fmt.Errorf("%s: no list of ids", member)
	}
	return ids, nil
}

// canonical writes what JSON was read as RFC 8785 has it.
func canonical(value any) string {
	switch value := value.(type) {
	case nil:
		return "null"
	case bool:
		return strconv.FormatBool(value)
	case float64:
		return canonicalNumber(value)
	case string:
		return canonicalString(value)
	case []any:
		var items []string
		for _, item := range value {
			items = append(items, canonical(item))
		}
		return "[" + strings.Join(items, ",") + "]"
	case map[string]any:
		var names, members []string
		for name := range value {
			names = append(names, name)
		}
		slices.SortFunc(names, func(a, b string) int {
			return slices.Compare(utf16.Encode([]rune(a)), utf16.Encode([]rune(b)))
		})
		for _, name := range names {
			members = append(members, canonicalString(name)+":"+canonical(value[name]))
		}
		return "{" + strings.Join(members, ",") + "}"
	}
	panic("not read from JSON")
}

// canonicalNumber writes a number as ECMAScript does.
func canonicalNumber(number float64) string {
	size := math.Abs(number)
	if size == 0 {
		return "0"
	}
	if size >= 1e-6 && size < 1e21 {
		return strconv.FormatFloat(number, 'f', -1, 64)
	}
	mantissa, exponent, _ := strings.Cut(strconv.FormatFloat(number, 'e', -1, 64), "e")
	return mantissa + "e" + exponent[:1] + strings.TrimLeft(exponent[1:], "0")
}

var escapes = map[rune]string{
	'"': `\"`, '\\': `\\`, '\b': `\b`, '\f': `\f`, '\n': `\n`, '\r': `\r`, '\t': `\t`,
}

func canonicalString(text string) string {
	var out strings.Builder
	out.WriteByte('"')
	for _, character := range text {
		if escaped, is := escapes[character]; is {
			out.WriteString(escaped)
		} else if character < ' ' {
			fmt.Fprintf(&out, `\u%04x`, character)
		} else {
			out.WriteRune(character)
		}
	}
	out.WriteByte('"')
	return out.String()
}
