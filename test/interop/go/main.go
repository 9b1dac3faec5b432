// Readers reads what Sijill has written, with the libraries of others only.
//
// It is given a directory with vkey and witnesses (verifier keys, one a line), and beside them a log: checkpoint and checkpoint.old
// (signed notes), consistency (hashes in base64, one a line), proofs/* with the leaves/* of the same names, and tile/. Or, with the
// word accounting before the directory, accountings/*, proofs of accountings, for each of which there is an answer by its name; or, with
// the word entry before it and a type behind it, a leaf and its proof, which are believed to be an entry of that type; or, with the word
// receipt, a receipt and receipt.vkey, and a log beside them.
// It prints one line of JSON, and ends with 1 where something does not hold.
package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/transparency-dev/formats/log"
	fnote "github.com/transparency-dev/formats/note"
	fproof "github.com/transparency-dev/formats/proof"
	"github.com/transparency-dev/merkle/compact"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const (
	tileHeight = 8
	tileWidth  = 1 << tileHeight
)

var (
	hasher = rfc6962.DefaultHasher
	ranges = compact.RangeFactory{Hash: hasher.HashChildren}
)

// Checked is what was looked at, so that whoever asked sees that it was all.
type Checked struct {
	Size       uint64           `json:"size"`
	OldSize    uint64           `json:"oldSize"`
	CosignedAt map[string]int64 `json:"cosignedAt"`
	Proofs     int              `json:"proofs"`
	Tiles      int              `json:"tiles"`
}

func main() {
	var checked any
	var err error
	switch {
	case len(os.Args) == 2:
		checked, err = check(os.Args[1])
	case len(os.Args) == 3 && os.Args[1] == "accounting":
		checked, err = checkAccountings(os.Args[2])
	case len(os.Args) == 3 && os.Args[1] == "receipt":
		checked, err = checkReceipt(os.Args[2])
	case len(os.Args) == 4 && os.Args[1] == "entry":
		checked, err = checkEntry(os.Args[2], os.Args[3])
	default:
		fmt.Fprintln(os.Stderr, "usage: readers [accounting | receipt | entry] DIRECTORY [TYPE]")
		os.Exit(2)
	}
	if err := json.NewEncoder(os.Stdout).Encode(answerOf(checked, err)); err != nil {
		panic(err)
	}
	if err != nil {
		os.Exit(1)
	}
}

// answer is what is printed.
type answer struct {
	OK      bool   `json:"ok"`
	Reason  string `json:"reason,omitempty"`
	Checked any    `json:"checked"`
}

func answerOf(checked any, err error) answer {
	if err != nil {
		return answer{Reason: err.Error(), Checked: checked}
	}
	return answer{OK: true, Checked: checked}
}

func check(directory string) (*Checked, error) {
	trust, err := readTrust(directory)
	if err != nil {
		return nil, err
	}
	latest, signatures, err := trust.openFile(directory, "checkpoint")
	if err != nil {
		return nil, err
	}
	old, _, err := trust.openFile(directory, "checkpoint.old")
	if err != nil {
		return nil, err
	}
	checked := &Checked{Size: latest.Size, OldSize: old.Size, CosignedAt: map[string]int64{}}
	for _, signature := range signatures {
		if signature.Name == trust.log.Name() {
			continue
		}
		at, err := fnote.CoSigV1Timestamp(signature)
		if err != nil {
			return checked, fmt.Errorf("cosignature of %s: %w", signature.Name, err)
		}
		checked.CosignedAt[signature.Name] = at.Unix()
	}
	if err := checkConsistency(directory, old, latest); err != nil {
		return checked, fmt.Errorf("consistency: %w", err)
	}
	leafHashes, err := checkTiles(directory, latest, &checked.Tiles)
	if err != nil {
		return checked, fmt.Errorf("tiles: %w", err)
	}
	if err := checkProofs(directory, trust, leafHashes, &checked.Proofs); err != nil {
		return checked, fmt.Errorf("proofs: %w", err)
	}
	return checked, nil
}

type trust struct {
	log       note.Verifier
	witnesses []note.Verifier
}

func readTrust(directory string) (*trust, error) {
	keys, err := readLines(filepath.Join(directory, "vkey"))
	if err != nil || len(keys) != 1 {
		return nil, errors.Join(errors.New("vkey: not one line"), err)
	}
	verifier, err := note.NewVerifier(keys[0])
	if err != nil {
		return nil, fmt.Errorf("vkey: %w", err)
	}
	keys, err = readLines(filepath.Join(directory, "witnesses"))
	if err != nil {
		return nil, err
	}
	read := &trust{log: verifier}
	for _, key := range keys {
		witness, err := fnote.NewVerifierForCosignatureV1(key)
		if err != nil {
			return nil, fmt.Errorf("witnesses: %w", err)
		}
		// The library computes the id anew and passes over the one that is written.
		if !strings.HasPrefix(key, fmt.Sprintf("%s+%08x+", witness.Name(), witness.KeyHash())) {
			return nil, fmt.Errorf("witnesses: the id of %s is not that of its key", witness.Name())
		}
		read.witnesses = append(read.witnesses, witness)
	}
	return read, nil
}

func (t *trust) openFile(directory, name string) (*log.Checkpoint, []note.Signature, error) {
	signed, err := os.ReadFile(filepath.Join(directory, name))
	if err != nil {
		return nil, nil, err
	}
	checkpoint, signatures, err := t.open(signed)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", name, err)
	}
	return checkpoint, signatures, nil
}

// open wants the signature of the log and of each witness, and no signature that it does not know.
func (t *trust) open(signed []byte) (*log.Checkpoint, []note.Signature, error) {
	checkpoint, _, opened, err := log.ParseCheckpoint(signed, t.log.Name(), t.log, t.witnesses...)
	if err != nil {
		return nil, nil, err
	}
	if len(opened.Sigs) != 1+len(t.witnesses) {
		return nil, nil, fmt.Errorf("%d signatures hold, of %d keys", len(opened.Sigs), 1+len(t.witnesses))
	}
	if len(opened.UnverifiedSigs) > 0 {
		return nil, nil, fmt.Errorf("signed by %s too, whom nobody knows", opened.UnverifiedSigs[0].Name)
	}
	return checkpoint, opened.Sigs, nil
}

func checkConsistency(directory string, old, latest *log.Checkpoint) error {
	lines, err := readLines(filepath.Join(directory, "consistency"))
	if err != nil {
		return err
	}
	var hashes [][]byte
	for _, line := range lines {
		hash, err := base64.StdEncoding.Strict().DecodeString(line)
		if err != nil {
			return err
		}
		hashes = append(hashes, hash)
	}
	return proof.VerifyConsistency(hasher, old.Size, latest.Size, hashes, old.Hash, latest.Hash)
}

// checkTiles wants exactly the tiles that a tree of this size has, each the hashes of the full tiles below it, and the root
// over the hashes of the leaves; these it returns.
func checkTiles(directory string, latest *log.Checkpoint, read *int) ([][]byte, error) {
	var leafHashes, below [][]byte
	for level := 0; latest.Size>>(tileHeight*level) > 0; level++ {
		var hashes [][]byte
		for count := latest.Size >> (tileHeight * level); uint64(len(hashes)) < count; *read++ {
			width := min(tileWidth, int(count)-len(hashes))
			tile, err := readTile(directory, tlog.Tile{H: tileHeight, L: level, N: int64(len(hashes) / tileWidth), W: width})
			if err != nil {
				return nil, err
			}
			hashes = append(hashes, tile...)
		}
		if level == 0 {
			leafHashes = hashes
		} else if err := checkParents(level, hashes, below); err != nil {
			return nil, err
		}
		below = hashes
	}
	root, err := rootOf(leafHashes)
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(root, latest.Hash) {
		return nil, errors.New("the leaves have another root than the checkpoint")
	}
	return leafHashes, checkNothingElse(filepath.Join(directory, "tile"), *read)
}

func readTile(directory string, tile tlog.Tile) ([][]byte, error) {
	// The library's addresses name the height too, which C2SP tlog-tiles leaves out, for it is always 8.
	path := strings.Replace(tile.Path(), fmt.Sprintf("tile/%d/", tile.H), "tile/", 1)
	data, err := os.ReadFile(filepath.Join(directory, filepath.FromSlash(path)))
	if err != nil {
		return nil, err
	}
	if len(data) != tile.W*hasher.Size() {
		return nil, fmt.Errorf("%s has %d bytes, for %d hashes", path, len(data), tile.W)
	}
	var hashes [][]byte
	for ; len(data) > 0; data = data[hasher.Size():] {
		hashes = append(hashes, data[:hasher.Size()])
	}
	return hashes, nil
}

func checkParents(level int, hashes, below [][]byte) error {
	for i, hash := range hashes {
		root, err := rootOf(below[i*tileWidth : (i+1)*tileWidth])
		if err != nil {
			return err
		}
		if !bytes.Equal(root, hash) {
			return fmt.Errorf("hash %d of level %d is not that of the tile below it", i, level)
		}
	}
	return nil
}

func rootOf(hashes [][]byte) ([]byte, error) {
	tree := ranges.NewEmptyRange(0)
	for _, hash := range hashes {
		if err := tree.Append(hash, nil); err != nil {
			return nil, err
		}
	}
	return tree.GetRootHash(nil)
}

func checkNothingElse(tiles string, expected int) error {
	files := 0
	err := filepath.WalkDir(tiles, func(_ string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			files++
		}
		return err
	})
	if err == nil && files != expected {
		return fmt.Errorf("%d files for %d tiles", files, expected)
	}
	return err
}

func checkProofs(directory string, trust *trust, leafHashes [][]byte, verified *int) error {
	entries, err := os.ReadDir(filepath.Join(directory, "proofs"))
	if err != nil {
		return err
	}
	for ; *verified < len(entries); *verified++ {
		name := entries[*verified].Name()
		if err := checkProof(directory, name, trust, leafHashes); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

func checkProof(directory, name string, trust *trust, leafHashes [][]byte) error {
	text, err := os.ReadFile(filepath.Join(directory, "proofs", name))
	if err != nil {
		return err
	}
	leaf, err := os.ReadFile(filepath.Join(directory, "leaves", name))
	if err != nil {
		return err
	}
	var read fproof.TLogProof
	if err := read.Unmarshal(text); err != nil {
		return err
	}
	if !bytes.Equal(read.Marshal(), text) {
		return errors.New("written again, it is another text")
	}
	checkpoint, _, err := trust.open(read.Checkpoint)
	if err != nil {
		return err
	}
	var path [][]byte
	for _, hash := range read.Hashes {
		path = append(path, hash[:])
	}
	leafHash := hasher.HashLeaf(leaf)
	if err := proof.VerifyInclusion(hasher, read.Index, checkpoint.Size, leafHash, path, checkpoint.Hash); err != nil {
		return err
	}
	if read.Index >= uint64(len(leafHashes)) || !bytes.Equal(leafHash, leafHashes[read.Index]) {
		return errors.New("the tiles have another leaf there")
	}
	return nil
}

func readLines(path string) ([]string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return strings.FieldsFunc(string(text), func(character rune) bool { return character == '\n' }), nil
}
