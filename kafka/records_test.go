package kafka

import (
	"encoding/binary"
	"hash/crc32"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
)

// reader reads partition 0 of topic t from an offset on.
func reader(t testing.TB, c *kfake.Cluster, from int64) *Reader {
	t.Helper()
	cfg := DefaultConfig()
	cfg.Brokers = c.ListenAddrs()
	r := newReader(&cfg, newLookup(&cfg, "t", toRead), 0, from)
	t.Cleanup(r.Close)
	return r
}

// takeAll returns the messages of the batches in b from an offset on, and the offset behind them.
func takeAll(b []byte, from int64) (all []Stored, next int64, err error) {
	s := batches{next: from}
	s.answer(b, nil)
	for len(s.rest) > 0 && err == nil {
		var found []Stored
		found, err = s.take(100)
		all = append(all, found...)
	}
	return all, s.next, err
}

// readAll reads n messages.
func readAll(t testing.TB, r *Reader, n int) (all []Stored) {
	t.Helper()
	for len(all) < n {
		got, err := r.Read(t.Context())
		if err != nil {
			t.Fatalf("after %d messages: %v", len(all), err)
		}
		all = append(all, got...)
	}
	return all
}

func TestWhatOthersWriteIsRead(t *testing.T) {
	c := fake(t, 1)
	at := time.UnixMilli(1_800_000_000_123)
	n := 0
	for _, codec := range []kgo.CompressionCodec{kgo.NoCompression(), kgo.GzipCompression(), kgo.SnappyCompression(), kgo.Lz4Compression(), kgo.ZstdCompression()} {
		cl, err := kgo.NewClient(kgo.SeedBrokers(c.ListenAddrs()...), kgo.DefaultProduceTopic("t"), kgo.ProducerBatchCompression(codec))
		if err != nil {
			t.Fatal(err)
		}
		var all []*kgo.Record
		for range 50 {
			all = append(all, &kgo.Record{
				Key: []byte("k"), Value: []byte(strings.Repeat("v", n*10)), Timestamp: at.Add(time.Duration(n) * time.Millisecond),
				Headers: []kgo.RecordHeader{{Key: "a", Value: []byte("1")}, {Key: "", Value: nil}},
			})
			n++
		}
		all[7].Key, all[7].Value, all[7].Headers = nil, nil, nil
		if err := cl.ProduceSync(t.Context(), all...).FirstErr(); err != nil {
			t.Fatal(err)
		}
		cl.Close()
	}
	got := readAll(t, reader(t, c, 0), n)
	for i, m := range got {
		want := Message{Key: "k", Time: at.UnixMilli() + int64(i), Value: []byte(strings.Repeat("v", i*10)), Headers: []Header{{"a", "1"}, {"", ""}}}
		if i%50 == 7 {
			want = Message{Time: want.Time, Value: []byte{}}
		}
		if !same(m.Message, want) || m.Offset != int64(i) {
			t.Fatalf("message %d is %+v, want %+v", i, m, want)
		}
	}
	if got := readAll(t, reader(t, c, 123), n-123); got[0].Offset != 123 {
		t.Errorf("reading from offset 123 began at %d", got[0].Offset)
	}
}

// Markers of transactions are no messages, and are stepped over.
func TestTransactionsAreRead(t *testing.T) {
	c := fake(t, 1)
	cl, err := kgo.NewClient(kgo.SeedBrokers(c.ListenAddrs()...), kgo.DefaultProduceTopic("t"), kgo.TransactionalID("x"))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	for range 3 {
		if err := cl.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		if err := cl.ProduceSync(t.Context(), kgo.StringRecord("v")).FirstErr(); err != nil {
			t.Fatal(err)
		}
		if err := cl.EndTransaction(t.Context(), kgo.TryCommit); err != nil {
			t.Fatal(err)
		}
	}
	r := reader(t, c, 0)
	got := readAll(t, r, 3)
	if got[2].Offset != 4 {
		t.Errorf("offsets %d %d %d", got[0].Offset, got[1].Offset, got[2].Offset)
	}
}

func TestWhatWeWriteWeRead(t *testing.T) {
	for _, compression := range compressions {
		c := fake(t, 1)
		all := mixed(5, 1000)
		mustProduce(t, producer(t, c, func(cfg *ProducerConfig) { cfg.Compression = compression }), all)
		got := readAll(t, reader(t, c, 0), len(all))
		for i := range all {
			if !same(got[i].Message, all[i]) {
				t.Fatalf("%s: message %d is %+v, want %+v", compression, i, got[i], all[i])
			}
		}
	}
}

func TestBatchesThatAreNone(t *testing.T) {
	good := packed(t, CompressNone, numbered("k", 0, 10))[4:]
	f := func(name string, spoil func(b []byte), says string) {
		t.Helper()
		b := slices.Clone(good)
		spoil(b)
		all, next, err := takeAll(slices.Concat(good, b), 0)
		if err == nil || !strings.Contains(err.Error(), says) || len(all) != 10 || next != 10 {
			t.Errorf("%s: %d messages, next %d, %v", name, len(all), next, err)
		}
	}
	seal := func(b []byte) { binary.BigEndian.PutUint32(b[17:], crc32.Checksum(b[21:], castagnoli)) }
	shift := func(b []byte) { binary.BigEndian.PutUint64(b, 10) }
	f("flipped bit", func(b []byte) { shift(b); b[70] ^= 1 }, "checksum")
	f("old format", func(b []byte) { shift(b); b[16] = 1 }, "not a record batch")
	f("unknown compression", func(b []byte) { shift(b); b[22] = 7; seal(b) }, "unknown compression")
	f("more records than there are", func(b []byte) { shift(b); binary.BigEndian.PutUint32(b[57:], 1<<30); seal(b) }, "not a record batch")
	f("compressed, it says", func(b []byte) { shift(b); b[22] = 4; seal(b) }, "unpack")

	all, next, err := takeAll(good[:len(good)-1], 3)
	if err != nil || len(all) != 0 || next != 3 {
		t.Errorf("a batch cut off: %d messages, next %d, %v", len(all), next, err)
	}
}

func FuzzStored(f *testing.F) {
	for _, c := range compressions {
		f.Add(packed(f, c, numbered("k", 0, 3))[4:], int64(1))
	}
	f.Fuzz(func(t *testing.T, b []byte, from int64) {
		if len(b) >= batchHeader { // let it come in
			binary.BigEndian.PutUint32(b[8:], uint32(len(b)-12))
			b[16] = 2
			binary.BigEndian.PutUint32(b[17:], crc32.Checksum(b[21:], castagnoli))
		}
		all, _, err := takeAll(b, from)
		for _, m := range all {
			if m.Offset < from {
				t.Errorf("offset %d, asked from %d (%v)", m.Offset, from, err)
			}
		}
	})
}
