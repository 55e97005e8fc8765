package spool

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden returns the files of a small log with fixed identities: format version 1, byte by byte.
func golden() map[string][]byte {
	const id, epoch, salt = 0x1111111111111111, 0x2222222222222222, 0x0123456789abcdef
	b := &block{buf: make([]byte, frameHeader), first: 41}
	var batch Batch
	batch.Stamp = 1763712000_000000000
	batch.Add([]byte("head "), []byte("and data"))
	batch.Add(nil, nil)
	batch.Add(nil, []byte("<181>2014-12-10T19:23:45.733Z esx1 vmkernel: hello"))
	b.add(&batch)
	b.seal(newKey(salt))

	seg := make([]byte, segmentStart, segmentStart+len(b.buf))
	l := label{seq: 3, values: [8]uint64{segLog: id, segEpoch: epoch, segSalt: salt, segBase: 41, segPrevEnd: 40, segPrevSynced: 9000, segPrevStamp: 1763711999_000000000, segClock: 3600_000000000}}
	l.put(seg, magicSegment)
	l.put(seg[labelSpacing:], magicSegment)
	seg = append(seg, b.buf...)

	slots := func(magic string, first, second label) []byte {
		file := make([]byte, slotFileSize)
		first.put(file, magic)
		second.put(file[labelSpacing:], magic)
		return file
	}
	return map[string][]byte{
		"00000000000000000041.seg": seg,
		"events.cursor": slots(magicCursor, label{seq: 8, name: "events", values: [8]uint64{curLog: id, curPosition: 39}},
			label{seq: 9, name: "events", values: [8]uint64{curLog: id, curPosition: 41}}),
		"state": slots(magicState, label{seq: 4, values: [8]uint64{stLog: id, stNext: 44, stBase: 41, stOffset: uint64(len(seg)), stOldest: 40, stClock: 7200_000000000, stStamp: 1763712000_000000000, stFloor: 41}},
			label{seq: 3, values: [8]uint64{stLog: id}}),
	}
}

// TestGolden: the bytes on disk are what they were, and a log of version 1 can be read for ever.
func TestGolden(t *testing.T) {
	dir := filepath.Join("testdata", "v1")
	fsys := newCrashFS(rand.New(rand.NewPCG(1, 1)))
	for name, data := range golden() {
		path := filepath.Join(dir, name)
		if *update {
			if err := errors.Join(os.MkdirAll(dir, 0o755), os.WriteFile(path, data, 0o644)); err != nil {
				t.Fatal(err)
			}
		}
		old, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(old, data) {
			t.Errorf("%s is written in other bytes than before", name)
		}
		fsys.names[filepath.Join("log", name)] = &crashInode{data: old}
	}
	l := openSmall(t, fsys, testConfig(), 0)
	if d := l.TakeDamage(); d != nil || l.Last() != 43 || l.LastStamp() != 1763712000_000000000 {
		t.Fatalf("last %d, stamp %d, damage %+v", l.Last(), l.LastStamp(), d)
	}
	c := cursor(t, l, "events", StartOldest)
	if err := l.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	records, skipped := readAll(t, c)
	want := []got{{42, 0x2222222222222222, ""}, {43, 0x2222222222222222, "<181>2014-12-10T19:23:45.733Z esx1 vmkernel: hello"}}
	if !slices.Equal(records, want) || skipped != 0 {
		t.Fatalf("got %v", records)
	}
}

// TestForgedRecord: a sender that knows the format and all of a log but its salt writes items into
// his lines. Damage before them makes the reader look for items, and it takes none of his.
func TestForgedRecord(t *testing.T) {
	fsys := newCrashFS(rand.New(rand.NewPCG(1, 1)))
	l := openSmall(t, fsys, testConfig(), 0)
	var forged []byte
	for salt := range uint64(2000) {
		for p := range Position(20) {
			item := make([]byte, itemHeader, 64)
			item = fmt.Appendf(item, "forged %d", p)
			le.PutUint32(item[4:], uint32(len(item)-itemHeader))
			newKey(salt).seal(item, p)
			forged = append(forged, item...)
		}
	}
	var b Batch
	b.Add(nil, []byte("one"))
	b.Add(nil, forged)
	b.Add(nil, []byte("three"))
	if _, err := l.Append(&b); err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	file := fsys.names[filepath.Join("log", "00000000000000000001.seg")]
	at := segmentStart + frameHeader + itemHeader + len("one")
	file.data[at+4] ^= 1 // The length of the second record.
	l = openSmall(t, fsys, testConfig(), 0)
	c := cursor(t, l, "a", StartOldest)
	if err := l.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	records, skipped := readAll(t, c)
	if len(records) != 2 || records[0].data != "one" || records[1].data != "three" || skipped != 1 {
		t.Fatalf("got %.200v, skipped %d", records, skipped)
	}
}

// FuzzSegment reads arbitrary bytes as a segment: no panic, no endless loop, and no record that
// does not stand in the bytes with a checksum of its own. With mend the labels' checksums are made
// right, so that their values are tried too.
func FuzzSegment(f *testing.F) {
	v := newVictim(f, 12, 6<<10)
	for i, name := range v.segs {
		f.Add(v.files[name], i%2 == 0)
	}
	f.Add(golden()["00000000000000000041.seg"], true)
	f.Add([]byte{}, false)
	f.Fuzz(func(t *testing.T, data []byte, mend bool) {
		data = slices.Clone(data)
		for _, off := range []int{0, labelSpacing} {
			if mend && len(data) >= off+labelSize {
				b := data[off : off+labelSize]
				copy(b, magicSegment)
				le.PutUint32(b[8:], formatVersion)
				le.PutUint32(b[20:], 0)
				le.PutUint32(b[12:], checksum(b[:12]))
				le.PutUint32(b[16:], checksum(b[20:]))
			}
		}
		fsys := newCrashFS(rand.New(rand.NewPCG(1, 1)))
		fsys.names[filepath.Join("log", "00000000000000000001.seg")] = &crashInode{data: slices.Clone(data)}
		l, err := Open(fsys, "log", testConfig())
		if _, newer := errors.AsType[*FormatError](err); newer {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		var k key
		if len(l.segs) > 0 {
			k = l.segs[0].key
		}
		c := cursor(t, l, "a", StartOldest)
		if err := l.CloseWrite(); err != nil {
			t.Fatal(err)
		}
		records, _ := readAll(t, c)
		last := Position(0)
		for _, r := range records {
			item := make([]byte, itemHeader, itemHeader+len(r.data))
			le.PutUint32(item[4:], uint32(len(r.data)))
			item = append(item, r.data...)
			k.seal(item, r.pos)
			if !bytes.Contains(data, item) || r.pos <= last {
				t.Fatalf("record %d %q does not stand in the segment", r.pos, r.data)
			}
			last = r.pos
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

// FuzzSlots reads arbitrary bytes as a cursor file.
func FuzzSlots(f *testing.F) {
	f.Add(golden()["events.cursor"])
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		fsys := newCrashFS(rand.New(rand.NewPCG(1, 1)))
		fsys.names[filepath.Join("log", "events.cursor")] = &crashInode{data: data}
		l, err := Open(fsys, "log", testConfig())
		_, refused := errors.AsType[*CursorError](err)
		_, newer := errors.AsType[*FormatError](err)
		switch {
		case refused, newer:
			return
		case err != nil:
			t.Fatal(err)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	})
}
