package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/transparency-dev/formats/log"
	"github.com/transparency-dev/merkle/compact"
)

const (
	mapType       = "sijill.ledger.subjects_mapped.v1"
	mapLane       = "ledger-subjects"
	linkedType    = "sijill.subjects.linked.v1"
	separatedType = "sijill.subjects.separated.v1"
	conflictType  = "sijill.subjects.conflicting.v1"
)

// Of these kinds more is read than that an entry is there: a type that came later could say anything.
var knownTypes = map[string][]string{
	"disclosure": {"sijill.data.disclosed.v1"},
	"identity":   {linkedType, separatedType, conflictType},
}

// Accounted is what an accounting proof shows; of one that proves lines alone, no kinds, and nothing that is covered.
type Accounted struct {
	Subjects      []string `json:"subjects"`
	Kinds         []string `json:"kinds"`
	Entries       int      `json:"entries"`
	Withheld      int      `json:"withheld"`
	Covered       uint64   `json:"covered"`
	OpenConflicts int      `json:"openConflicts"`
}

// checkAccountings opens each proof in accountings as PROOFS.md says, with the keys beside them. A proof that does not hold is an answer too.
func checkAccountings(directory string) (map[string]answer, error) {
	trust, err := readTrust(directory)
	if err != nil {
		return nil, err
	}
	proofs, err := os.ReadDir(filepath.Join(directory, "accountings"))
	if err != nil {
		return nil, err
	}
	answers := map[string]answer{}
	for _, entry := range proofs {
		file, err := os.ReadFile(filepath.Join(directory, "accountings", entry.Name()))
		if err != nil {
			return nil, err
		}
		accounted, err := checkAccounting(trust, file)
		answers[entry.Name()] = answerOf(accounted, err)
	}
	return answers, nil
}

func checkAccounting(trust *trust, file []byte) (*Accounted, error) {
	reader, err := openProof(file)
	if err != nil {
		return nil, fmt.Errorf("file: %w", err)
	}
	head, err := reader.head()
	if err != nil {
		return nil, fmt.Errorf("head: %w", err)
	}
	person, err := newPerson(head)
	if err != nil {
		return nil, fmt.Errorf("head: %w", err)
	}
	tree := ranges.NewEmptyRange(0)
	last, err := readItems(reader, tree, head, person)
	if err != nil {
		return nil, fmt.Errorf("leaves: %w", err)
	}
	checkpoint, err := readCheckpoint(reader, trust)
	if err != nil {
		return nil, fmt.Errorf("checkpoint: %w", err)
	}
	if err := checkRoot(tree, last.passed, checkpoint); err != nil {
		return nil, fmt.Errorf("tree: %w", err)
	}
	accounted := &Accounted{Kinds: []string{}, Entries: len(person.entries), Withheld: person.withheld()}
	for _, subject := range head.subjects {
		accounted.Subjects = append(accounted.Subjects, subject.id)
	}
	if !head.complete && last.mapped != nil {
		return nil, errors.New("map: there, where lines alone are proven")
	}
	if head.complete {
		accounted.Kinds = head.subjects[0].kinds()
		if accounted.Covered, err = checkComplete(head, last.mapped, person); err != nil {
			return nil, fmt.Errorf("map: %w", err)
		}
	}
	if err := person.checkOne(accounted.Subjects); err != nil {
		return nil, fmt.Errorf("links: %w", err)
	}
	accounted.OpenConflicts, err = person.openConflicts()
	if err != nil {
		return nil, fmt.Errorf("conflicts: %w", err)
	}
	return accounted, nil
}

// chainName tells one chain of the map from all others.
type chainName struct {
	subject, kind string
}

func (n chainName) key() []byte {
	return hashOf([]byte("sijill chain\n"), []byte(n.kind), []byte("\n"), []byte(n.subject))
}

// chain is a hash over the entries of one kind about one subject, one after the other.
type chain struct {
	count uint64
	head  []byte
}

// personEntry is an entry about one of the subjects; nil where it is withheld.
type personEntry struct {
	index uint64
	of    chainName
	entry *leafEntry
}

// person is what the leaves of a proof say of its subjects.
type person struct {
	complete bool
	chains   map[chainName]*chain
	entries  []personEntry
}

// newPerson wants the same kinds of each subject: some where the proof is to be complete, and among them who is linked; else none.
func newPerson(head *proofHead) (*person, error) {
	shown := head.subjects[0].kinds()
	if head.complete != (len(shown) > 0) {
		return nil, errors.New("not said whether it is complete")
	}
	if head.complete && !slices.Contains(shown, "identity") {
		return nil, errors.New("not shown who is linked")
	}
	of := &person{complete: head.complete, chains: map[chainName]*chain{}}
	for _, subject := range head.subjects {
		if !slices.Equal(subject.kinds(), shown) {
			return nil, errors.New("not the same kinds of each subject")
		}
		kinds := shown
		if !head.complete {
			kinds = []string{"disclosure", "identity"}
		}
		for _, kind := range kinds {
			name := chainName{subject.id, kind}
			if of.chains[name] != nil {
				return nil, fmt.Errorf("the %s of %s twice", kind, subject.id)
			}
			of.chains[name] = &chain{head: make([]byte, sha256.Size)}
		}
	}
	return of, nil
}

// add puts a leaf behind the others of its chain.
func (p *person) add(item *proofItem) error {
	placed := personEntry{index: item.index, of: item.chain}
	if item.word == "leaf" {
		var err error
		if placed.entry, err = readEntry(item.leaf); err != nil {
			return err
		}
		subject, _ := placed.entry.Data["subjectId"].(string)
		placed.of = chainName{subject, kindOf(placed.entry.Type)}
		if known, some := knownTypes[placed.of.kind]; some && !slices.Contains(known, placed.entry.Type) {
			return errors.New("of a type that is not known here")
		}
	} else if !p.complete {
		return errors.New("withheld, where lines alone are proven")
	} else if placed.of.kind == "identity" {
		return errors.New("withheld, so that who is linked is not seen")
	}
	at := p.chains[placed.of]
	if at == nil {
		return errors.New("about another subject, or of another kind")
	}
	at.head = hashOf([]byte{2}, at.head, uint64Bytes(item.index), item.hash)
	at.count++
	p.entries = append(p.entries, placed)
	return nil
}

// Beginnings of types, and what an entry is that begins so. The longer one counts, and whatever has none is handling.
var kindsByBeginning = map[string]string{
	"sijill.data.":                     "activity",
	"sijill.data.disclosed.":           "disclosure",
	"sijill.consent.":                  "activity",
	"sijill.objection.":                "activity",
	"sijill.request.":                  "activity",
	"sijill.subject.minor_identified.": "activity",
	"sijill.identifier.":               "activity",
	"sijill.ledger.consulted.":         "consultation",
	"sijill.subjects.":                 "identity",
}

func kindOf(entryType string) string {
	longest, kind := "", "handling"
	for beginning, of := range kindsByBeginning {
		if strings.HasPrefix(entryType, beginning) && len(beginning) > len(longest) {
			longest, kind = beginning, of
		}
	}
	return kind
}

// lastItems is what stands behind the last entry: the leaf of the map, if there is one, and the subtrees up to the end.
type lastItems struct {
	mapped *proofItem
	passed [][]byte
}

// readItems grows the tree by each leaf, and by all that is passed over before it.
func readItems(reader *proofReader, tree *compact.Range, head *proofHead, of *person) (*lastItems, error) {
	last := &lastItems{}
	for {
		item, err := reader.item(head.subjects)
		if item == nil || err != nil {
			return last, err
		}
		if item.word == "" {
			last.passed = append(last.passed, item.hash)
			continue
		}
		if last.mapped != nil {
			return nil, fmt.Errorf("%d: behind the map", item.index)
		}
		if err := passTo(tree, item.index, last.passed); err != nil {
			return nil, fmt.Errorf("%d: %w", item.index, err)
		}
		last.passed = nil
		if err := tree.Append(item.hash, nil); err != nil {
			return nil, err
		}
		if item.word == "map" {
			last.mapped = item
		} else if err := of.add(item); err != nil {
			return nil, fmt.Errorf("%d: %w", item.index, err)
		}
	}
}

// passTo wants just as many hashes as there are subtrees between the end of the tree and a leaf.
func passTo(tree *compact.Range, index uint64, passed [][]byte) error {
	between, err := ranges.NewRange(tree.End(), index, passed)
	if err != nil {
		return err
	}
	return tree.AppendRange(between, nil)
}

func checkRoot(tree *compact.Range, passed [][]byte, checkpoint *log.Checkpoint) error {
	if err := passTo(tree, checkpoint.Size, passed); err != nil {
		return err
	}
	root, err := tree.GetRootHash(nil)
	if err != nil {
		return err
	}
	if tree.End() == 0 {
		root = hasher.EmptyRoot()
	}
	if !bytes.Equal(root, checkpoint.Hash) {
		return errors.New("another root than the checkpoint's")
	}
	return nil
}

// readCheckpoint wants each signature to be written in one form only, which the library of notes does not look at.
func readCheckpoint(reader *proofReader, trust *trust) (*log.Checkpoint, error) {
	signed, err := reader.rest()
	if err != nil {
		return nil, err
	}
	checkpoint, signatures, err := trust.open(signed)
	if err != nil {
		return nil, err
	}
	for _, signature := range signatures {
		if _, err := readBase64(signature.Base64); err != nil {
			return nil, fmt.Errorf("signature of %s: %w", signature.Name, err)
		}
	}
	return checkpoint, nil
}

// checkComplete wants the map to hold just the chains that the entries make, and tells how many leaves it covers.
func checkComplete(head *proofHead, mapped *proofItem, of *person) (uint64, error) {
	if mapped == nil {
		return 0, errors.New("missing")
	}
	size, root, err := readMap(mapped.leaf)
	if err != nil {
		return 0, err
	}
	if size > mapped.index {
		return 0, errors.New("it covers leaves behind its own")
	}
	if count := len(of.entries); count > 0 && of.entries[count-1].index >= size {
		return 0, fmt.Errorf("leaf %d is not among the %d that it covers", of.entries[count-1].index, size)
	}
	for _, subject := range head.subjects {
		for _, shown := range subject.chains {
			name := chainName{subject.id, shown.kind}
			if err := checkMapProof(root, name.key(), shown.mapProof, of.chains[name]); err != nil {
				return 0, fmt.Errorf("%s of %s: %w", shown.kind, subject.id, err)
			}
		}
	}
	return size, nil
}

var instant = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$`)

// readMap believes a map only where the ledger has written it, of its type and in its lane; one that counts no chains is of another kind.
func readMap(leaf string) (uint64, []byte, error) {
	entry, err := believed(leaf, mapType)
	if err != nil {
		return 0, nil, err
	}
	if entry.Lane != mapLane {
		return 0, nil, errors.New("in another lane")
	}
	said := map[string]string{}
	for _, name := range []string{"chains", "occurredAt", "root", "size"} {
		text, is := entry.Data[name].(string)
		if !is {
			return 0, nil, fmt.Errorf("not said: %s", name)
		}
		said[name] = text
	}
	if !instant.MatchString(said["occurredAt"]) {
		return 0, nil, errors.New("not said when it was made")
	}
	if _, err := readDecimal(said["chains"]); err != nil {
		return 0, nil, err
	}
	size, err := readDecimal(said["size"])
	if err != nil {
		return 0, nil, err
	}
	root, err := readHash(said["root"])
	return size, root, err
}

// checkMapProof wants the map to hold exactly this chain under the key.
func checkMapProof(root, key []byte, text string, of *chain) error {
	lines := strings.Split(text, "\n")
	if len(lines) < 4 || lines[0] != "sijill map proof v1" || lines[len(lines)-3] != "" || lines[len(lines)-1] != "" {
		return errors.New("no proof of a map")
	}
	siblings := lines[1 : len(lines)-3]
	if len(siblings) > 8*len(key) || (len(siblings) > 0 && siblings[len(siblings)-1] == "-") {
		return errors.New("the proof goes on where the map ends")
	}
	node, held, err := readFound(key, lines[len(lines)-2], len(siblings))
	if err != nil {
		return err
	}
	for bit := len(siblings) - 1; bit >= 0; bit-- {
		sibling, err := readSibling(siblings[bit])
		if err != nil {
			return err
		}
		if bitOf(key, bit) == 1 {
			node = hashOf([]byte{4}, sibling, node)
		} else {
			node = hashOf([]byte{4}, node, sibling)
		}
	}
	if !bytes.Equal(node, root) {
		return errors.New("the proof leads to another root")
	}
	if held.count != of.count || !bytes.Equal(held.head, of.head) {
		return fmt.Errorf("the map holds %d entries, not these %d", held.count, of.count)
	}
	return nil
}

// readFound reads where the way along the key ends: the hash of what is there, and the chain that this is of the key, which may have none.
func readFound(key []byte, line string, depth int) ([]byte, chain, error) {
	none := chain{head: make([]byte, sha256.Size)}
	if line == "nobody" {
		return none.head, none, nil
	}
	words := strings.Split(line, " ")
	if len(words) != 4 || words[0] != "subject" {
		return nil, none, errors.New("the proof does not say whom it found")
	}
	theirs, errKey := readHash(words[1])
	count, errCount := readDecimal(words[2])
	head, errHead := readHash(words[3])
	if err := errors.Join(errKey, errCount, errHead); err != nil {
		return nil, none, err
	}
	if count == 0 {
		return nil, none, errors.New("a chain without entries is in no map")
	}
	for bit := range depth {
		if bitOf(theirs, bit) != bitOf(key, bit) {
			return nil, none, errors.New("the subject found is elsewhere")
		}
	}
	node := hashOf([]byte{3}, theirs, uint64Bytes(count), head)
	if !bytes.Equal(theirs, key) {
		return node, none, nil
	}
	return node, chain{count, head}, nil
}

func readSibling(line string) ([]byte, error) {
	empty := make([]byte, sha256.Size)
	if line == "-" {
		return empty, nil
	}
	sibling, err := readHash(line)
	if err == nil && bytes.Equal(sibling, empty) {
		err = errors.New("an empty half in another form")
	}
	return sibling, err
}

func (p *person) withheld() int {
	count := 0
	for _, placed := range p.entries {
		if placed.entry == nil {
			count++
		}
	}
	return count
}

// checkOne wants each link to stand open in the chains of exactly two subjects, and the first to reach everybody by them.
func (p *person) checkOne(subjects []string) error {
	ends := map[string][]string{}
	for _, placed := range p.entries {
		if placed.entry == nil || (placed.entry.Type != linkedType && placed.entry.Type != separatedType) {
			continue
		}
		edges, err := idsIn(placed.entry, "edges")
		if err != nil {
			return fmt.Errorf("leaf %d: %w", placed.index, err)
		}
		for _, edge := range edges {
			others := slices.DeleteFunc(ends[edge], func(end string) bool { return end == placed.of.subject })
			if placed.entry.Type == linkedType {
				others = append(others, placed.of.subject)
			}
			ends[edge] = others
		}
	}
	reached := subjects[:1:1]
	for at := 0; at < len(reached); at++ {
		for _, pair := range ends {
			if here := slices.Index(pair, reached[at]); here >= 0 && len(pair) == 2 && !slices.Contains(reached, pair[1-here]) {
				reached = append(reached, pair[1-here])
			}
		}
	}
	for _, open := range ends {
		if len(open) != 0 && len(open) != 2 {
			return fmt.Errorf("%d subjects at a link of %s", len(open), open[0])
		}
	}
	if len(reached) != len(subjects) {
		return fmt.Errorf("the first subject reaches %d of %d", len(reached), len(subjects))
	}
	return nil
}

// openConflicts counts the cases that no later decision in any of the chains has closed.
func (p *person) openConflicts() (int, error) {
	open := map[string]bool{}
	for _, placed := range p.entries {
		if placed.entry == nil {
			continue
		}
		switch placed.entry.Type {
		case conflictType:
			name, is := placed.entry.Data["case"].(string)
			if !is {
				return 0, fmt.Errorf("leaf %d: of no case", placed.index)
			}
			open[name] = true
		case linkedType, separatedType:
			closed, err := idsIn(placed.entry, "closes")
			if err != nil {
				return 0, fmt.Errorf("leaf %d: %w", placed.index, err)
			}
			for _, name := range closed {
				delete(open, name)
			}
		}
	}
	return len(open), nil
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
