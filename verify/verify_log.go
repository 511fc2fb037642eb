// verify_log checks an exported log of a reading room with golang.org/x/mod alone: nothing in it comes from the room.
//
//	verify_log -key KEYFILE -log FOLDER [-older CHECKPOINT]
//	verify_log -key KEYFILE -proof PROOF [-log FOLDER]
//
// It shows that the checkpoint is signed by the key, that the tiles have the checkpoint's root, that every entry is
// included where it stands, that the log still begins with an older checkpoint that somebody kept, and that a proof
// leads to the log. It answers one line a check, and leaves with 1 at the first thing that does not hold.
package main

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const (
	tileHeight  = 8
	tileWidth   = 1 << tileHeight
	proofHeader = "c2sp.org/tlog-proof@v1"
)

type checkpoint struct {
	origin string
	tree   tlog.Tree
}

func main() {
	keyFile := flag.String("key", "", "file with the log's verifier key (name+id+key)")
	folder := flag.String("log", "", "folder of the exported log")
	proof := flag.String("proof", "", "file with an inclusion proof (c2sp.org/tlog-proof@v1)")
	older := flag.String("older", "", "file with a checkpoint of this log that was kept from before")
	flag.Parse()
	if err := run(*keyFile, *folder, *proof, *older); err != nil {
		fmt.Fprintln(os.Stderr, "does not verify:", err)
		os.Exit(1)
	}
}

func run(keyFile, folder, proof, older string) error {
	if keyFile == "" || (folder == "" && proof == "") || (older != "" && folder == "") {
		return errors.New("name -key, and -log or -proof; -older goes with -log")
	}
	text, err := os.ReadFile(keyFile)
	if err != nil {
		return err
	}
	verifier, err := note.NewVerifier(strings.TrimSpace(string(text)))
	if err != nil {
		return err
	}
	var head *checkpoint
	if folder != "" {
		if head, err = checkLog(folder, verifier); err != nil {
			return err
		}
	}
	if older != "" {
		if err = checkOlder(folder, older, head, verifier); err != nil {
			return err
		}
	}
	if proof != "" {
		return checkProof(proof, folder, head, verifier)
	}
	return nil
}

// openCheckpoint gives the checkpoint in a signed note, if the key signed it and it is of the key's own log.
func openCheckpoint(data []byte, verifier note.Verifier) (*checkpoint, error) {
	opened, err := note.Open(data, note.VerifierList(verifier))
	if err != nil {
		return nil, err
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 || lines[3] != "" {
		return nil, errors.New("the checkpoint has not three lines")
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || size < 0 || strconv.FormatInt(size, 10) != lines[1] {
		return nil, errors.New("the checkpoint has no size")
	}
	root, err := base64.StdEncoding.Strict().DecodeString(lines[2])
	if err != nil || len(root) != tlog.HashSize {
		return nil, errors.New("the checkpoint has no root")
	}
	if lines[0] != verifier.Name() {
		return nil, errors.New("the checkpoint is of another log")
	}
	found := &checkpoint{origin: lines[0], tree: tlog.Tree{N: size}}
	copy(found.tree.Hash[:], root)
	return found, nil
}

func checkLog(folder string, verifier note.Verifier) (*checkpoint, error) {
	data, err := os.ReadFile(filepath.Join(folder, "checkpoint"))
	if err != nil {
		return nil, err
	}
	head, err := openCheckpoint(data, verifier)
	if err != nil {
		return nil, err
	}
	fmt.Printf("checkpoint of %s: %d entries, signed by %s\n", head.origin, head.tree.N, verifier.Name())
	if head.tree.N == 0 {
		return head, nil
	}
	reader := tlog.TileHashReader(head.tree, tiles(folder))
	if err := checkEntries(folder, head, reader); err != nil {
		return nil, err
	}
	fmt.Printf("tiles and entries: all %d are included where they stand\n", head.tree.N)
	return head, nil
}

// checkEntries recomputes the tree from the entries alone, then asks the tiles for each entry's own proof.
func checkEntries(folder string, head *checkpoint, reader tlog.HashReader) error {
	size := head.tree.N
	var stored []tlog.Hash
	own := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		found := make([]tlog.Hash, len(indexes))
		for i, index := range indexes {
			found[i] = stored[index]
		}
		return found, nil
	})
	for number := int64(0); number < size; number++ {
		if number%tileWidth != 0 {
			continue
		}
		entries, err := bundle(folder, number/tileWidth, size)
		if err != nil {
			return err
		}
		for i, entry := range entries {
			index := number + int64(i)
			hashes, err := tlog.StoredHashesForRecordHash(index, tlog.RecordHash(entry), own)
			if err != nil {
				return err
			}
			stored = append(stored, hashes...)
			proof, err := tlog.ProveRecord(size, index, reader)
			if err != nil {
				return err
			}
			if err := tlog.CheckRecord(proof, size, head.tree.Hash, index, tlog.RecordHash(entry)); err != nil {
				return fmt.Errorf("entry %d: %w", index, err)
			}
		}
	}
	root, err := tlog.TreeHash(size, own)
	if err != nil {
		return err
	}
	if root != head.tree.Hash {
		return errors.New("the entries do not have the checkpoint's root")
	}
	return nil
}

// bundle reads one bundle of entries: each after its length in two bytes.
func bundle(folder string, index, size int64) ([][]byte, error) {
	width := size - index*tileWidth
	if width > tileWidth {
		width = tileWidth
	}
	path := tlog.Tile{H: tileHeight, L: 0, N: index, W: int(width)}.Path()
	data, err := os.ReadFile(filepath.Join(folder, "tile", "entries", strings.TrimPrefix(path, "tile/8/0/")))
	if err != nil {
		return nil, err
	}
	var entries [][]byte
	for len(data) > 0 {
		if len(data) < 2 || len(data) < 2+int(binary.BigEndian.Uint16(data)) {
			return nil, fmt.Errorf("bundle %d breaks off", index)
		}
		end := 2 + int(binary.BigEndian.Uint16(data))
		entries = append(entries, data[2:end])
		data = data[end:]
	}
	if int64(len(entries)) != width {
		return nil, fmt.Errorf("bundle %d has %d entries instead of %d", index, len(entries), width)
	}
	return entries, nil
}

func checkOlder(folder, older string, head *checkpoint, verifier note.Verifier) error {
	data, err := os.ReadFile(older)
	if err != nil {
		return err
	}
	before, err := openCheckpoint(data, verifier)
	if err != nil {
		return err
	}
	return extends(folder, before, head)
}

// extends shows that the log of `head` begins with the log of `before`.
func extends(folder string, before, head *checkpoint) error {
	if before.tree.N > head.tree.N {
		return fmt.Errorf("the log had %d entries and has %d now: it was cut", before.tree.N, head.tree.N)
	}
	if before.tree.N > 0 && head.tree.N > 0 {
		reader := tlog.TileHashReader(head.tree, tiles(folder))
		proof, err := tlog.ProveTree(head.tree.N, before.tree.N, reader)
		if err != nil {
			return err
		}
		if err := tlog.CheckTree(proof, head.tree.N, head.tree.Hash, before.tree.N, before.tree.Hash); err != nil {
			return fmt.Errorf("the log was rewritten: %w", err)
		}
	}
	fmt.Printf("the older checkpoint of %d entries is its beginning\n", before.tree.N)
	return nil
}

func checkProof(path, folder string, head *checkpoint, verifier note.Verifier) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	above, below, found := strings.Cut(string(data), "\n\n")
	lines := strings.Split(above, "\n")
	if !found || len(lines) < 3 || lines[0] != proofHeader {
		return errors.New("the file is not a " + proofHeader)
	}
	entry, err := base64.StdEncoding.Strict().DecodeString(strings.TrimPrefix(lines[1], "extra "))
	if err != nil || !strings.HasPrefix(lines[1], "extra ") {
		return errors.New("the proof carries no event")
	}
	index, err := strconv.ParseInt(strings.TrimPrefix(lines[2], "index "), 10, 64)
	if err != nil || !strings.HasPrefix(lines[2], "index ") {
		return errors.New("the proof has no index")
	}
	var steps tlog.RecordProof
	for _, line := range lines[3:] {
		hash, err := tlog.ParseHash(line)
		if err != nil {
			return err
		}
		steps = append(steps, hash)
	}
	at, err := openCheckpoint([]byte(below), verifier)
	if err != nil {
		return err
	}
	if err := tlog.CheckRecord(steps, at.tree.N, at.tree.Hash, index, tlog.RecordHash(entry)); err != nil {
		return fmt.Errorf("the proof: %w", err)
	}
	fmt.Printf("the proof shows entry %d of %s: %s\n", index, at.origin, entry)
	if head != nil {
		return extends(folder, at, head)
	}
	return nil
}

// tileFolder reads tiles as c2sp.org/tlog-tiles lays them out; TileHashReader authenticates what it reads.
type tileFolder string

func tiles(folder string) tileFolder { return tileFolder(folder) }

func (folder tileFolder) Height() int { return tileHeight }

func (folder tileFolder) ReadTiles(wanted []tlog.Tile) ([][]byte, error) {
	found := make([][]byte, len(wanted))
	for i, tile := range wanted {
		path := strings.Replace(tile.Path(), "tile/8/", "tile/", 1)
		data, err := os.ReadFile(filepath.Join(string(folder), path))
		if errors.Is(err, os.ErrNotExist) && tile.W < tileWidth {
			tile.W = tileWidth
			whole := strings.Replace(tile.Path(), "tile/8/", "tile/", 1)
			data, err = os.ReadFile(filepath.Join(string(folder), whole))
			if len(data) > wanted[i].W*tlog.HashSize {
				data = data[:wanted[i].W*tlog.HashSize]
			}
		}
		if err != nil {
			return nil, err
		}
		found[i] = data
	}
	return found, nil
}

func (folder tileFolder) SaveTiles([]tlog.Tile, [][]byte) {}
