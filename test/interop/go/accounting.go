package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/transparency-dev/formats/log"
	fproof "github.com/transparency-dev/formats/proof"
	"github.com/transparency-dev/merkle/proof"
)

const (
	mapType       = "sijill.ledger.subjects_mapped.v1"
	mapLane       = "ledger-subjects"
	linkedType    = "sijill.subjects.linked.v1"
	separatedType = "sijill.subjects.separated.v1"
	conflictType  = "sijill.subjects.conflicting.v1"
)

// Accounted is what an accounting proof shows.
type Accounted struct {
	Subjects      []string `json:"subjects"`
	Entries       int      `json:"entries"`
	Withheld      int      `json:"withheld"`
	Covered       uint64   `json:"covered"`
	OpenConflicts int      `json:"openConflicts"`
}

type accountingDocument struct {
	Format string `json:"format"`
	AsOf   struct {
		Position string `json:"position"`
		Leaves   string `json:"leaves"`
	} `json:"asOf"`
	Checkpoint string `json:"checkpoint"`
	Map        struct {
		Index string   `json:"index"`
		Path  []string `json:"path"`
		Leaf  string   `json:"leaf"`
	} `json:"map"`
	Subjects []accountedSubject `json:"subjects"`
}

type accountedSubject struct {
	Subject string `json:"subject"`
	Proof   string `json:"proof"`
	Entries []struct {
		Index string   `json:"index"`
		Path  []string `json:"path"`
		Leaf  *string  `json:"leaf"`
		Hash  *string  `json:"hash"`
	} `json:"entries"`
}

// leafEntry is an entry as its leaf says it.
type leafEntry struct {
	Type, Lane string
	Data       map[string]any
}

// placedEntry is an entry of some subject; nil where it is withheld.
type placedEntry struct {
	index uint64
	entry *leafEntry
}

// checkAccounting opens accounting.proof as PROOFS.md says, with vkey and witnesses beside it.
func checkAccounting(directory string) (*Accounted, error) {
	trust, err := readTrust(directory)
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(filepath.Join(directory, "accounting.proof"))
	if err != nil {
		return nil, err
	}
	var document accountingDocument
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&document); err != nil {
		return nil, err
	}
	if document.Format != "sijill accounting proof v2" || len(document.Subjects) == 0 {
		return nil, errors.New("no accounting proof")
	}
	checkpoint, _, err := trust.open([]byte(document.Checkpoint))
	if err != nil {
		return nil, fmt.Errorf("checkpoint: %w", err)
	}
	mapLeaf := hasher.HashLeaf([]byte(document.Map.Leaf))
	mapIndex, err := included(checkpoint, mapLeaf, document.Map.Index, document.Map.Path)
	if err != nil {
		return nil, fmt.Errorf("map: %w", err)
	}
	size, root, err := readMap(document.Map.Leaf)
	if err != nil {
		return nil, fmt.Errorf("map: %w", err)
	}
	if size > mapIndex {
		return nil, errors.New("map: it covers leaves behind its own")
	}
	accounted := &Accounted{Covered: size}
	chains := map[string][]placedEntry{}
	for _, subject := range document.Subjects {
		if _, known := chains[subject.Subject]; known {
			return nil, fmt.Errorf("subject %s: twice", subject.Subject)
		}
		chain, err := checkChain(checkpoint, size, root, subject)
		if err != nil {
			return nil, fmt.Errorf("subject %s: %w", subject.Subject, err)
		}
		chains[subject.Subject] = chain
		accounted.Subjects = append(accounted.Subjects, subject.Subject)
		accounted.Entries += len(chain)
		for _, placed := range chain {
			if placed.entry == nil {
				accounted.Withheld++
			}
		}
	}
	if err := checkOnePerson(accounted.Subjects, chains); err != nil {
		return nil, fmt.Errorf("links: %w", err)
	}
	accounted.OpenConflicts = openConflicts(chains)
	return accounted, nil
}

// checkChain wants each entry in the log and the subject's, and all of them to be what the map holds.
func checkChain(checkpoint *log.Checkpoint, size uint64, root []byte, of accountedSubject) ([]placedEntry, error) {
	head := make([]byte, sha256.Size)
	var chain []placedEntry
	for i, given := range of.Entries {
		if (given.Leaf == nil) == (given.Hash == nil) {
			return nil, fmt.Errorf("entry %d: a leaf or a hash", i)
		}
		placed := placedEntry{}
		var leafHash []byte
		var err error
		if given.Leaf != nil {
			leafHash = hasher.HashLeaf([]byte(*given.Leaf))
			if placed.entry, err = readEntry(*given.Leaf); err != nil {
				return nil, fmt.Errorf("entry %d: %w", i, err)
			}
			if placed.entry.Data["subjectId"] != of.Subject {
				return nil, fmt.Errorf("entry %d: about another subject", i)
			}
		} else if leafHash, err = readHash(*given.Hash); err != nil {
			return nil, fmt.Errorf("entry %d: %w", i, err)
		}
		if placed.index, err = included(checkpoint, leafHash, given.Index, given.Path); err != nil {
			return nil, fmt.Errorf("entry %d: %w", i, err)
		}
		if placed.index >= size || (i > 0 && placed.index <= chain[i-1].index) {
			return nil, fmt.Errorf("entry %d: out of place", i)
		}
		head = hashOf([]byte{2}, head, uint64Bytes(placed.index), leafHash)
		chain = append(chain, placed)
	}
	return chain, checkMapProof(root, of.Subject, of.Proof, uint64(len(chain)), head)
}

// checkMapProof wants the map to hold exactly this chain for the subject.
func checkMapProof(root []byte, subject, text string, count uint64, head []byte) error {
	lines := strings.Split(text, "\n")
	if len(lines) < 4 || lines[0] != "sijill map proof v1" || lines[len(lines)-1] != "" || lines[len(lines)-3] != "" {
		return errors.New("no proof of a map")
	}
	siblings, end := lines[1:len(lines)-3], strings.Split(lines[len(lines)-2], " ")
	key := hashOf([]byte("sijill subject\n"), []byte(subject))
	nothing := make([]byte, sha256.Size)
	node, found, held := nothing, false, uint64(0)
	switch {
	case len(end) == 1 && end[0] == "nobody":
	case len(end) == 4 && end[0] == "subject":
		theirs, err := readHash(end[1])
		if err != nil {
			return err
		}
		if held, err = strconv.ParseUint(end[2], 10, 64); err != nil || held == 0 {
			return errors.Join(errors.New("no count"), err)
		}
		theirHead, err := readHash(end[3])
		if err != nil {
			return err
		}
		for bit := range siblings {
			if bitOf(theirs, bit) != bitOf(key, bit) {
				return errors.New("the subject found is elsewhere")
			}
		}
		found = bytes.Equal(theirs, key) && bytes.Equal(theirHead, head)
		if bytes.Equal(theirs, key) && !found {
			return errors.New("the entries are not those of the map")
		}
		node = hashOf([]byte{3}, theirs, uint64Bytes(held), theirHead)
	default:
		return errors.New("the proof does not say whom it found")
	}
	if len(siblings) > 256 || (len(siblings) > 0 && siblings[len(siblings)-1] == "-") {
		return errors.New("the proof goes on where the map ends")
	}
	for bit := len(siblings) - 1; bit >= 0; bit-- {
		sibling := nothing
		if siblings[bit] != "-" {
			var err error
			if sibling, err = readHash(siblings[bit]); err != nil {
				return err
			}
		}
		if bitOf(key, bit) == 1 {
			node = hashOf([]byte{4}, sibling, node)
		} else {
			node = hashOf([]byte{4}, node, sibling)
		}
	}
	if !bytes.Equal(node, root) {
		return errors.New("the proof of the map leads to another root")
	}
	if found != (count > 0) || (found && held != count) {
		return fmt.Errorf("the map has another count than %d", count)
	}
	return nil
}

// checkOnePerson wants each link to stand open in the chains of exactly two, and the first to reach everybody by them.
func checkOnePerson(subjects []string, chains map[string][]placedEntry) error {
	ends := map[string][]string{}
	for _, subject := range subjects {
		open := map[string]bool{}
		for _, placed := range chains[subject] {
			for _, edge := range idsIn(placed.entry, "edges") {
				switch placed.entry.Type {
				case linkedType:
					open[edge] = true
				case separatedType:
					delete(open, edge)
				}
			}
		}
		for edge := range open {
			ends[edge] = append(ends[edge], subject)
		}
	}
	reached := []string{subjects[0]}
	for at := 0; at < len(reached); at++ {
		for _, pair := range ends {
			if len(pair) != 2 {
				return fmt.Errorf("%d subjects at a link of %s", len(pair), pair[0])
			}
			if here := slices.Index(pair, reached[at]); here >= 0 && !slices.Contains(reached, pair[1-here]) {
				reached = append(reached, pair[1-here])
			}
		}
	}
	if len(reached) != len(subjects) {
		return fmt.Errorf("the first subject reaches %d of %d", len(reached), len(subjects))
	}
	return nil
}

func openConflicts(chains map[string][]placedEntry) int {
	var all []placedEntry
	for _, chain := range chains {
		all = append(all, chain...)
	}
	slices.SortFunc(all, func(a, b placedEntry) int { return int(a.index) - int(b.index) })
	open := map[string]bool{}
	for _, placed := range all {
		if placed.entry == nil {
			continue
		}
		if name, is := placed.entry.Data["case"].(string); is && placed.entry.Type == conflictType {
			open[name] = true
		}
		if placed.entry.Type == linkedType || placed.entry.Type == separatedType {
			for _, name := range idsIn(placed.entry, "closes") {
				delete(open, name)
			}
		}
	}
	return len(open)
}

func idsIn(entry *leafEntry, member string) []string {
	if entry == nil {
		return nil
	}
	list, _ := entry.Data[member].([]any)
	var ids []string
	for _, id := range list {
		if text, is := id.(string); is {
			ids = append(ids, text)
		}
	}
	return ids
}

// readMap believes a map only where the ledger has written it, of its type and in its lane.
func readMap(leaf string) (uint64, []byte, error) {
	entry, err := believed(leaf, mapType)
	if err != nil {
		return 0, nil, err
	}
	if entry.Lane != mapLane {
		return 0, nil, errors.New("in another lane")
	}
	text, _ := entry.Data["size"].(string)
	size, err := strconv.ParseUint(text, 10, 63)
	if err != nil {
		return 0, nil, err
	}
	text, _ = entry.Data["root"].(string)
	root, err := readHash(text)
	return size, root, err
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

// readEntry reads a leaf of the ledger's own. What somebody else has put into its lanes is a leaf too, of another form.
func readEntry(leaf string) (*leafEntry, error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal([]byte(leaf), &members); err != nil {
		return nil, err
	}
	if _, foreign := members["foreign"]; foreign {
		return nil, errors.New("of an event that the ledger has not written")
	}
	entry := &leafEntry{}
	into := map[string]any{
		"data": &entry.Data, "id": new(string), "lane": &entry.Lane,
		"metadata": new(map[string]any), "revision": new(uint64), "type": &entry.Type,
	}
	if len(members) != len(into) {
		return nil, errors.New("no entry")
	}
	for name, member := range into {
		if err := json.Unmarshal(members[name], member); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	return entry, nil
}

func included(checkpoint *log.Checkpoint, leafHash []byte, index string, path []string) (uint64, error) {
	at, err := strconv.ParseUint(index, 10, 63)
	if err != nil {
		return 0, err
	}
	var hashes [][]byte
	for _, text := range path {
		hash, err := readHash(text)
		if err != nil {
			return 0, err
		}
		hashes = append(hashes, hash)
	}
	return at, proof.VerifyInclusion(hasher, at, checkpoint.Size, leafHash, hashes, checkpoint.Hash)
}

func readHash(text string) ([]byte, error) {
	hash, err := base64.StdEncoding.Strict().DecodeString(text)
	if err == nil && len(hash) != sha256.Size {
		err = errors.New("no hash")
	}
	return hash, err
}

func hashOf(parts ...[]byte) []byte {
	hash := sha256.Sum256(bytes.Join(parts, nil))
	return hash[:]
}

func uint64Bytes(number uint64) []byte {
	return binary.BigEndian.AppendUint64(nil, number)
}

func bitOf(key []byte, bit int) byte {
	return key[bit/8] >> (7 - bit%8) & 1
}
