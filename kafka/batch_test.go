package kafka

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/segmentio/kafka-go/protocol"
)

var compressions = []Compression{CompressNone, CompressSnappy, CompressLZ4, CompressZstd}

// packed is a record batch with its length, as it stands in a request.
func packed(t testing.TB, c Compression, messages []Message) []byte {
	t.Helper()
	p, err := newPacker(c)
	if err != nil {
		t.Fatal(err)
	}
	refs := make([]*Message, len(messages))
	for i := range refs {
		refs[i] = &messages[i]
	}
	b, err := p.appendBatch(make([]byte, 4), refs)
	if err != nil {
		t.Fatal(err)
	}
	binary.BigEndian.PutUint32(b, uint32(len(b)-4))
	return b
}

// read decodes a record batch with kafka-go, which checks the CRC.
func read(t testing.TB, b []byte) []Message {
	t.Helper()
	var rs protocol.RecordSet
	if _, err := rs.ReadFrom(bytes.NewReader(b)); err != nil {
		t.Fatalf("read the batch: %v", err)
	}
	var all []Message
	for {
		r, err := rs.Records.ReadRecord()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatalf("read the batch: %v", err)
		}
		m := Message{Time: r.Time.UnixMilli()}
		key, err := protocol.ReadAll(r.Key)
		if err != nil {
			t.Fatal(err)
		}
		if r.Value == nil {
			t.Fatal("no value: a tombstone")
		}
		value, err := protocol.ReadAll(r.Value)
		if err != nil {
			t.Fatal(err)
		}
		m.Key, m.Value = string(key), value
		for _, h := range r.Headers {
			m.Headers = append(m.Headers, Header{h.Key, string(h.Value)})
		}
		all = append(all, m)
	}
}

func same(a, b Message) bool {
	return a.Key == b.Key && a.Time == b.Time && bytes.Equal(a.Value, b.Value) && slices.Equal(a.Headers, b.Headers)
}

func TestBatchesAreReadByOthers(t *testing.T) {
	long := strings.Repeat("a long value ", 5000)
	messages := []Message{
		{Key: "10.0.0.1", Time: 1_800_000_000_000, Value: []byte(`{"n":1}`), Headers: []Header{{"event-id", "01"}, {"host", "esx1"}}},
		{Key: "10.0.0.1", Time: 1_800_000_000_001, Value: []byte{}},
		{Key: "", Time: 1_799_999_999_000, Value: []byte{0, 255, '\n'}, Headers: []Header{{"", ""}, {"dup", "1"}, {"dup", "2"}}},
		{Key: strings.Repeat("k", 300), Time: 4_000_000_000_000, Value: []byte(long)},
		{Key: "esx", Time: 0, Value: []byte(long + "!")},
	}
	for _, c := range compressions {
		for n := 1; n <= len(messages); n++ {
			b := packed(t, c, messages[:n])
			got := read(t, b)
			if !slices.EqualFunc(got, messages[:n], same) {
				t.Errorf("%s, %d messages: read\n%.300v", c, n, got)
			}
			var most int64
			for _, m := range messages[:n] {
				most = max(most, m.Time)
			}
			if have := int64(binary.BigEndian.Uint64(b[4+35:])); have != most {
				t.Errorf("%s, %d messages: latest time %d, want %d", c, n, have, most)
			}
		}
	}
}

// What does not get smaller is sent as it is, so that sizeOf bounds every batch.
func TestSizeOfIsABound(t *testing.T) {
	random := make([]byte, 100_000)
	for i := range random {
		random[i] = byte(i*i>>3) ^ byte(i*7919>>5)
	}
	for _, c := range compressions {
		for _, size := range []int{0, 1, 100, 100_000} {
			for headers := range 4 {
				m := Message{Key: "k", Time: math.MaxInt64 / 2, Value: random[:size]}
				for range headers {
					m.Headers = append(m.Headers, Header{strings.Repeat("n", size/100), strings.Repeat("v", size/50)})
				}
				all := []Message{{Key: "k"}, m, m}
				bound := batchHeader
				for i := range all {
					bound += sizeOf(&all[i])
				}
				if n := len(packed(t, c, all)) - 4; n > bound {
					t.Errorf("%s: %d bytes, sizeOf said at most %d", c, n, bound)
				}
			}
		}
	}
}

func TestVarintLen(t *testing.T) {
	for shift := range 64 {
		for _, d := range []int64{-1, 0, 1} {
			v := int64(1)<<shift + d
			for _, v := range []int64{v, -v} {
				if got, want := varintLen(v), len(binary.AppendVarint(nil, v)); got != want {
					t.Errorf("varintLen(%d) = %d, want %d", v, got, want)
				}
			}
		}
	}
}

func FuzzBatch(f *testing.F) {
	f.Add("key", []byte("value"), "name", "text", int64(1_800_000_000_000), byte(3))
	f.Add("", []byte{}, "", "", int64(0), byte(1))
	f.Fuzz(func(t *testing.T, key string, value []byte, name, text string, time int64, n byte) {
		time = max(time, 1) >> 1 // Kafka has no times before 1970; kafka-go takes 0 for none
		messages := make([]Message, 1+n%5)
		for i := range messages {
			messages[i] = Message{Key: key, Time: max(time>>(i*3), 1), Value: append([]byte{}, value[:len(value)*i/4%(len(value)+1)]...)}
			for range i {
				messages[i].Headers = append(messages[i].Headers, Header{name, text})
			}
		}
		for _, c := range compressions {
			got := read(t, packed(t, c, messages))
			if !slices.EqualFunc(got, messages, func(a, b Message) bool {
				a.Time = b.Time // kafka-go counts in nanoseconds, which do not reach as far
				return same(a, b)
			}) {
				t.Errorf("%s: read\n%v, want\n%v", c, got, messages)
			}
		}
	})
}

func BenchmarkBatch(b *testing.B) {
	for _, c := range compressions {
		b.Run(string(c), func(b *testing.B) {
			p, err := newPacker(c)
			if err != nil {
				b.Fatal(err)
			}
			var refs []*Message
			size := 0
			for i := range 500 {
				m := sample(i)
				refs = append(refs, &m)
				size += len(m.Value)
			}
			var out []byte
			b.ReportAllocs()
			b.SetBytes(int64(size))
			for b.Loop() {
				if out, err = p.appendBatch(out[:0], refs); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(size)/float64(len(out)), "ratio")
		})
	}
}

// sample is a message like those of the sink.
func sample(i int) Message {
	host := fmt.Sprintf("esx%02d.example.org", i%7)
	return Message{
		Key: "10.0.0." + fmt.Sprint(i%7), Time: 1_800_000_000_000 + int64(i),
		Value: fmt.Appendf(nil, `{"@timestamp":"2027-01-15T08:00:00.%03dZ","event":{"id":"0000000000DKJ%013d","kind":"event","dataset":"vmware.esxi.hostd"},"message":"info hostd[%d] [Originator@6876 sub=Vimsvc.ha-eventmgr opID=%x] Event %d : User root@127.0.0.1 logged in","log":{"level":"info","syslog":{"priority":166,"hostname":"%s","appname":"Hostd"}},"host":{"name":"%s"},"vmware":{"receiver":{"peer_ip":"10.0.0.%d","format":"rfc3164_iso"}}}`,
			i%1000, i, 2098000+i*7%1000, i*7919, i, host, host, i%7),
		Headers: []Header{{"content-type", "application/json"}, {"schema", "vswarden/1"}, {"event-id", fmt.Sprintf("0000000000DKJ%013d", i)}, {"dataset", "vmware.esxi.hostd"}, {"host", host}},
	}
}
