package main

import (
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

// CheckedReceipt is what a receipt promised, and what the log holds of it.
type CheckedReceipt struct {
	Log      string   `json:"log"`
	Accepted string   `json:"accepted"`
	Due      string   `json:"due"`
	Entries  int      `json:"entries"`
	Missing  []string `json:"missing"`
}

// checkReceipt opens a receipt with the key in receipt.vkey, and looks for its entries among the leaves of the log beside it.
func checkReceipt(directory string) (*CheckedReceipt, error) {
	keys, err := readLines(filepath.Join(directory, "receipt.vkey"))
	if err != nil || len(keys) != 1 {
		return nil, errors.Join(errors.New("receipt.vkey: not one line"), err)
	}
	verifier, err := note.NewVerifier(keys[0])
	if err != nil {
		return nil, fmt.Errorf("receipt.vkey: %w", err)
	}
	signed, err := os.ReadFile(filepath.Join(directory, "receipt"))
	if err != nil {
		return nil, err
	}
	opened, err := note.Open(signed, note.VerifierList(verifier))
	if err != nil {
		return nil, fmt.Errorf("receipt: %w", err)
	}
	lines := strings.Split(strings.TrimSuffix(opened.Text, "\n"), "\n")
	if len(lines) < 6 || lines[0] != "sijill receipt v1" {
		return nil, errors.New("receipt: not one of the first form")
	}
	read := &CheckedReceipt{Log: lines[1], Entries: len(lines) - 5, Missing: []string{}}
	var leaves string
	for i, value := range []*string{&read.Accepted, &read.Due, &leaves} {
		name := []string{"accepted ", "due ", "leaves "}[i]
		if !strings.HasPrefix(lines[2+i], name) {
			return nil, fmt.Errorf("receipt: no line %q in its place", name)
		}
		*value = strings.TrimPrefix(lines[2+i], name)
	}
	before, err := strconv.ParseUint(leaves, 10, 63)
	if err != nil {
		return nil, fmt.Errorf("receipt: %w", err)
	}
	trust, err := readTrust(directory)
	if err != nil {
		return nil, err
	}
	latest, _, err := trust.openFile(directory, "checkpoint")
	if err != nil {
		return nil, err
	}
	if latest.Origin != read.Log || verifier.Name() != read.Log+"/receipt" {
		return nil, errors.New("receipt: of another log")
	}
	var tiles int
	hashes, err := checkTiles(directory, latest, &tiles)
	if err != nil {
		return nil, fmt.Errorf("tiles: %w", err)
	}
	held := map[string]bool{}
	for _, hash := range hashes[min(before, uint64(len(hashes))):] {
		held[base64.StdEncoding.EncodeToString(hash)] = true
	}
	for _, line := range lines[5:] {
		id, hash, ok := strings.Cut(line, " ")
		if !ok {
			return nil, errors.New("receipt: a line names no entry")
		}
		if !held[hash] {
			read.Missing = append(read.Missing, id)
		}
	}
	return read, nil
}
