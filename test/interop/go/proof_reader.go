package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

const (
	proofFormat = "sijill accounting proof v3"
	// What is longer unpacked is refused.
	mostBytes = 1 << 31
)

var (
	kinds = []string{"disclosure", "activity", "consultation", "identity", "handling"}
	uuid  = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)
)

// proofHead is what a proof says before its leaves.
type proofHead struct {
	complete bool
	subjects []provenSubject
}

type provenSubject struct {
	id     string
	chains []provenChain
}

type provenChain struct {
	kind, mapProof string
}

func (s provenSubject) kinds() []string {
	var shown []string
	for _, chain := range s.chains {
		shown = append(shown, chain.kind)
	}
	return shown
}

// proofItem is a line between head and checkpoint.
type proofItem struct {
	word  string // leaf, withheld or map; nothing where a subtree is passed over
	index uint64
	leaf  string
	hash  []byte
	chain chainName
}

// proofReader reads a proof line by line, and knows of each only its form.
type proofReader struct {
	lines *bufio.Reader
}

// openProof takes the text, and the text packed with gzip.
func openProof(file []byte) (*proofReader, error) {
	if !bytes.HasPrefix(file, []byte{0x1f, 0x8b}) {
		return &proofReader{bufio.NewReader(bytes.NewReader(file))}, nil
	}
	packed := bytes.NewReader(file)
	unpacked, err := gzip.NewReader(packed)
	if err != nil {
		return nil, err
	}
	unpacked.Multistream(false)
	text, err := io.ReadAll(io.LimitReader(unpacked, mostBytes+1))
	if err != nil {
		return nil, err
	}
	if len(text) > mostBytes || packed.Len() > 0 {
		return nil, errors.New("longer than a proof")
	}
	return &proofReader{bufio.NewReader(bytes.NewReader(text))}, nil
}

func (r *proofReader) line() (string, error) {
	line, err := r.lines.ReadString('\n')
	if err != nil {
		return "", fmt.Errorf("cut off: %w", err)
	}
	if !utf8.ValidString(line) {
		return "", errors.New("not UTF-8")
	}
	return strings.TrimSuffix(line, "\n"), nil
}

// words reads a line of some words, the first of which it wants to be these.
func (r *proofReader) words(first ...string) ([]string, error) {
	line, err := r.line()
	if err != nil {
		return nil, err
	}
	words := strings.Split(line, " ")
	if len(words) <= len(first) || !slices.Equal(words[:len(first)], first) {
		return nil, fmt.Errorf("a line that does not begin with %s", strings.Join(first, " "))
	}
	return words[len(first):], nil
}

func (r *proofReader) begins(with string) bool {
	ahead, _ := r.lines.Peek(len(with))
	return string(ahead) == with
}

func (r *proofReader) head() (*proofHead, error) {
	if first, err := r.line(); err != nil || first != proofFormat {
		return nil, errors.Join(errors.New("not "+proofFormat), err)
	}
	asOf, err := r.words("as", "of")
	if err != nil || len(asOf) > 2 {
		return nil, errors.Join(errors.New("not said what it is as of"), err)
	}
	for _, number := range asOf {
		if _, err := readDecimal(number); err != nil {
			return nil, err
		}
	}
	head := &proofHead{complete: len(asOf) == 2}
	for !r.begins("\n") {
		subject, err := r.subject()
		if err != nil {
			return nil, err
		}
		head.subjects = append(head.subjects, *subject)
	}
	if len(head.subjects) == 0 {
		return nil, errors.New("about nobody")
	}
	_, err = r.line()
	return head, err
}

func (r *proofReader) subject() (*provenSubject, error) {
	words, err := r.words("subject")
	if err != nil {
		return nil, err
	}
	if len(words) != 1 || !uuid.MatchString(words[0]) {
		return nil, errors.New("a subject that is no UUID")
	}
	subject := &provenSubject{id: words[0]}
	for r.begins("chain ") {
		words, err := r.words("chain")
		if err != nil {
			return nil, err
		}
		if len(words) != 1 || !slices.Contains(kinds, words[0]) {
			return nil, errors.New("a chain of no kind")
		}
		// Its siblings end with an empty line, and one more line says who was found.
		text, line := "", "not empty"
		for line != "" {
			if line, err = r.line(); err != nil {
				return nil, err
			}
			text += line + "\n"
		}
		found, err := r.line()
		if err != nil {
			return nil, err
		}
		subject.chains = append(subject.chains, provenChain{words[0], text + found + "\n"})
	}
	return subject, nil
}

// item reads the next leaf or subtree; nil behind the last.
func (r *proofReader) item(subjects []provenSubject) (*proofItem, error) {
	line, err := r.line()
	if err != nil || line == "" {
		return nil, err
	}
	word, rest, isLeaf := strings.Cut(line, " ")
	if !isLeaf {
		hash, err := readHash(line)
		return &proofItem{hash: hash}, err
	}
	item := &proofItem{word: word}
	number, rest, _ := strings.Cut(rest, " ")
	if item.index, err = readDecimal(number); err != nil {
		return nil, err
	}
	switch word {
	case "leaf", "map":
		item.leaf = rest
		item.hash = hasher.HashLeaf([]byte(rest))
		return item, nil
	case "withheld":
		words := strings.Split(rest, " ")
		if len(words) != 3 || !slices.Contains(kinds, words[2]) {
			return nil, errors.New("withheld: not a hash, a subject and a kind")
		}
		if item.hash, err = readHash(words[0]); err != nil {
			return nil, err
		}
		of, err := readDecimal(words[1])
		if err != nil || of < 1 || of > uint64(len(subjects)) {
			return nil, errors.Join(errors.New("withheld: of nobody"), err)
		}
		item.chain = chainName{subjects[of-1].id, words[2]}
		return item, nil
	}
	return nil, errors.New("a line that is no leaf and no hash")
}

// rest is what stands behind the leaves: the checkpoint.
func (r *proofReader) rest() ([]byte, error) {
	return io.ReadAll(r.lines)
}

// readDecimal takes a number in one form only, and none that a signed one of 64 bits cannot hold.
func readDecimal(text string) (uint64, error) {
	number, err := strconv.ParseUint(text, 10, 63)
	if err == nil && strconv.FormatUint(number, 10) != text {
		err = errors.New("a number in another form")
	}
	return number, err
}

// readBase64 takes bytes in one form only: decoders pass over line ends, and over bits behind the last byte.
func readBase64(text string) ([]byte, error) {
	decoded, err := base64.StdEncoding.DecodeString(text)
	if err == nil && base64.StdEncoding.EncodeToString(decoded) != text {
		err = errors.New("base64 in another form")
	}
	return decoded, err
}

func readHash(text string) ([]byte, error) {
	hash, err := readBase64(text)
	if err == nil && len(hash) != hasher.Size() {
		err = errors.New("no hash")
	}
	return hash, err
}
