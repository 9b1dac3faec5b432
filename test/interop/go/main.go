// Reads a copy of a log, and proofs of some of its leaves, with libraries that are not ours, and says whether all of it holds.
//
// The folder holds: vkey, checkpoint, checkpoint.old, consistency (a hash a line), leaves/N and proofs/N (tlog-proof), tile/…
package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/transparency-dev/formats/log"
	"github.com/transparency-dev/merkle/compact"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func main() {
	checked, err := check(os.Args[1])
	if err != nil {
		answer(map[string]any{"ok": false, "reason": err.Error()})
		os.Exit(1)
	}
	answer(map[string]any{"ok": true, "checked": checked})
}

func answer(value any) {
	text, _ := json.Marshal(value)
	fmt.Println(string(text))
}

func check(folder string) (map[string]int, error) {
	read := func(name string) ([]byte, error) { return os.ReadFile(filepath.Join(folder, name)) }
	vkey, err := read("vkey")
	if err != nil {
		return nil, err
	}
	verifier, err := note.NewVerifier(strings.TrimSpace(string(vkey)))
	if err != nil {
		return nil, fmt.Errorf("vkey: %w", err)
	}
	open := func(name string) (*log.Checkpoint, error) {
		text, err := read(name)
		if err != nil {
			return nil, err
		}
		checkpoint, _, _, err := log.ParseCheckpoint(text, verifier.Name(), verifier)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		return checkpoint, nil
	}
	now, err := open("checkpoint")
	if err != nil {
		return nil, err
	}
	old, err := open("checkpoint.old")
	if err != nil {
		return nil, err
	}
	lines, err := read("consistency")
	if err != nil {
		return nil, err
	}
	path, err := hashes(strings.Fields(string(lines)))
	if err != nil {
		return nil, err
	}
	if err := proof.VerifyConsistency(rfc6962.DefaultHasher, old.Size, now.Size, path, old.Hash, now.Hash); err != nil {
		return nil, fmt.Errorf("consistency: %w", err)
	}
	tiles, err := checkTiles(read, now)
	if err != nil {
		return nil, err
	}
	names, err := filepath.Glob(filepath.Join(folder, "proofs", "*"))
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		index := filepath.Base(name)
		leaf, err := read(filepath.Join("leaves", index))
		if err != nil {
			return nil, err
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		if err := checkProof(string(text), index, leaf, verifier); err != nil {
			return nil, fmt.Errorf("proof %s: %w", index, err)
		}
	}
	return map[string]int{"leaves": int(now.Size), "tiles": tiles, "proofs": len(names)}, nil
}

// Recomputes the root from the tiles of the leaves, and each tile above from those below.
func checkTiles(read func(string) ([]byte, error), now *log.Checkpoint) (int, error) {
	ranges := (&compact.RangeFactory{Hash: rfc6962.DefaultHasher.HashChildren}).NewEmptyRange(0)
	count := 0
	var below [][]byte
	for level := 0; now.Size>>(8*level) > 0; level++ {
		var here [][]byte
		width := now.Size >> (8 * level)
		for index := uint64(0); index*256 < width; index++ {
			hashes := min(256, width-index*256)
			tile := tlog.Tile{H: 8, L: level, N: int64(index), W: int(hashes)}
			// The library's path begins with tile/8/, for the height; ours is always 8.
			data, err := read("tile/" + strings.TrimPrefix(tile.Path(), "tile/8/"))
			if err != nil {
				return 0, err
			}
			if len(data) != int(hashes)*32 {
				return 0, fmt.Errorf("%s has %d bytes", tile.Path(), len(data))
			}
			count++
			for i := 0; i < int(hashes); i++ {
				hash := data[i*32 : (i+1)*32]
				if level == 0 {
					if err := ranges.Append(hash, nil); err != nil {
						return 0, err
					}
				}
				here = append(here, hash)
			}
		}
		for i := range here {
			if level > 0 && !bytes.Equal(here[i], rootOf(below[i*256:(i+1)*256])) {
				return 0, fmt.Errorf("hash %d of level %d is not that of the tile below", i, level)
			}
		}
		below = here
	}
	root, err := ranges.GetRootHash(nil)
	if err != nil {
		return 0, err
	}
	if !bytes.Equal(root, now.Hash) {
		return 0, fmt.Errorf("the tiles do not have the root of the checkpoint")
	}
	return count, nil
}

func rootOf(hashes [][]byte) []byte {
	for len(hashes) > 1 {
		var above [][]byte
		for i := 0; i < len(hashes); i += 2 {
			above = append(above, rfc6962.DefaultHasher.HashChildren(hashes[i], hashes[i+1]))
		}
		hashes = above
	}
	return hashes[0]
}

func checkProof(text, index string, leaf []byte, verifier note.Verifier) error {
	head, signed, found := strings.Cut(text, "\n\n")
	lines := strings.Split(head, "\n")
	if !found || lines[0] != "c2sp.org/tlog-proof@v1" || lines[1] != "index "+index {
		return fmt.Errorf("not a proof of leaf %s", index)
	}
	checkpoint, _, _, err := log.ParseCheckpoint([]byte(signed), verifier.Name(), verifier)
	if err != nil {
		return err
	}
	path, err := hashes(lines[2:])
	if err != nil {
		return err
	}
	at, err := strconv.ParseUint(index, 10, 64)
	if err != nil {
		return err
	}
	hash := rfc6962.DefaultHasher.HashLeaf(leaf)
	return proof.VerifyInclusion(rfc6962.DefaultHasher, at, checkpoint.Size, hash, path, checkpoint.Hash)
}

func hashes(lines []string) ([][]byte, error) {
	var all [][]byte
	for _, line := range lines {
		hash, err := base64.StdEncoding.DecodeString(line)
		if err != nil {
			return nil, err
		}
		all = append(all, hash)
	}
	return all, nil
}
