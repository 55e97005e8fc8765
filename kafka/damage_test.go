package kafka

import (
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// What Read returned was once overwritten by the next fetch, where a batch was not compressed.
func TestWhatWasReadStaysWhenMoreIsRead(t *testing.T) {
	for _, compression := range compressions {
		c := fake(t, 1)
		p := producer(t, c, func(cfg *ProducerConfig) { cfg.Compression = compression })
		mustProduce(t, p, numbered("k", 0, 100))
		r := reader(t, c, 0)
		got := readAll(t, r, 100)
		mustProduce(t, p, numbered("X", 500, 50)) // a shorter answer than the first
		readAll(t, r, 50)
		for i, want := range numbered("k", 0, 100) {
			if !same(got[i].Message, want) {
				t.Fatalf("%s: message %d is now %+v, want %+v", compression, i, got[i].Message, want)
			}
		}
	}
}

// What was written in a transaction that was aborted was never said.
func TestAbortedTransactionsAreNotRead(t *testing.T) {
	c := fake(t, 1)
	one, err := kgo.NewClient(kgo.SeedBrokers(c.ListenAddrs()...), kgo.DefaultProduceTopic("t"), kgo.TransactionalID("one"))
	if err != nil {
		t.Fatal(err)
	}
	defer one.Close()
	other := producer(t, c, nil)
	for i, try := range []kgo.TransactionEndTry{kgo.TryCommit, kgo.TryAbort, kgo.TryAbort, kgo.TryCommit} {
		if err := one.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		for _, value := range []string{"a", "b"} {
			if err := one.ProduceSync(t.Context(), kgo.StringRecord(value+string(rune('0'+i)))).FirstErr(); err != nil {
				t.Fatal(err)
			}
			mustProduce(t, other, numbered("k", i, 1))
		}
		if err := one.EndTransaction(t.Context(), try); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{"a0", "k/0", "b0", "k/0", "k/1", "k/1", "k/2", "k/2", "a3", "k/3", "b3", "k/3"}
	for from := range int64(3) { // also from the middle of one
		r := reader(t, c, from*4)
		var got []string
		last := int64(-1)
		for last < 18 {
			all, err := r.Read(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range all {
				got, last = append(got, string(m.Value)), m.Offset
			}
		}
		n := []int{0, 4, 5}[from] // offsets 0 to 3 and a marker, then two of four
		if !slices.Equal(got, want[n:]) {
			t.Errorf("from %d: %v, want %v", from*4, got, want[n:])
		}
	}
	r := reader(t, c, 0)
	end, err := r.offset(t.Context(), latest)
	if err != nil || end != 20 {
		t.Errorf("the end is %d, want 20: %v", end, err)
	}
}

// A batch that cannot be read is asked for again, then told, then passed: it must not stop the partition.
func TestABatchThatCannotBeReadIsToldAndPassed(t *testing.T) {
	good := func(base int64) []byte {
		b := packed(t, CompressNone, numbered("k", int(base), 10))[4:]
		binary.BigEndian.PutUint64(b, uint64(base))
		return b
	}
	for name, c := range map[string]struct {
		spoil func(b []byte)
		says  string
		to    int64 // where reading goes on
	}{
		"a flipped bit":              {func(b []byte) { b[70] ^= 1 }, "checksum", 20},
		"a flipped bit in the count": {func(b []byte) { b[23] ^= 0x40 }, "checksum", 30}, // no further than the end
		"an old format":              {func(b []byte) { b[16] = 1 }, "not a record batch", 20},
	} {
		bad := good(10)
		c.spoil(bad)
		all := [][]byte{good(0), bad, good(20)}
		cluster := fake(t, 1)
		var fetches atomic.Int64
		answerFetches(cluster, all, &fetches)
		r := reader(t, cluster, 0)
		if got := readAll(t, r, 10); got[9].Offset != 9 {
			t.Fatalf("%s: offset %d", name, got[9].Offset)
		}
		for range badMost - 1 {
			if _, err := r.Read(t.Context()); err == nil || !strings.Contains(err.Error(), c.says) {
				t.Fatalf("%s: %v", name, err)
			}
		}
		_, err := r.Read(t.Context())
		lost, ok := errors.AsType[*LostError](err)
		if !ok || lost.From != 10 || lost.To != c.to || !strings.Contains(lost.Error(), c.says) {
			t.Fatalf("%s: %v", name, err)
		}
		if fetches.Load() != badMost {
			t.Errorf("%s: fetched %d times, want %d", name, fetches.Load(), badMost)
		}
		if c.to < 30 {
			if got := readAll(t, r, 10); got[0].Offset != 20 {
				t.Errorf("%s: reading goes on at %d", name, got[0].Offset)
			}
		}
	}
}

func TestReadingBeginsFurtherBack(t *testing.T) {
	c := fake(t, 1)
	all := numbered("k", 0, 100)
	for i := range all {
		all[i].Time = 1_800_000_000_000 + int64(i)*1000
	}
	p := producer(t, c, nil)
	for i := range 10 {
		mustProduce(t, p, all[10*i:10*i+10])
	}
	forget := kmsg.NewPtrDeleteRecordsRequest()
	topic, partition := kmsg.NewDeleteRecordsRequestTopic(), kmsg.NewDeleteRecordsRequestTopicPartition()
	topic.Topic, partition.Offset = "t", 20
	topic.Partitions = append(topic.Partitions, partition)
	forget.Topics, forget.TimeoutMillis = append(forget.Topics, topic), 10000
	if err := request(t, c, forget); err != nil {
		t.Fatal(err)
	}
	for _, try := range []struct {
		at, least, want int64
		by              time.Duration
	}{
		{at: 60, by: 10 * time.Second, want: 49},
		{at: 60, by: 10 * time.Second, least: 55, want: 55},
		{at: 60, by: 10 * time.Second, least: 70, want: 60},
		{at: 60, by: time.Hour, want: 20},
		{at: 100, by: 500 * time.Millisecond, want: 99},
		{at: 20, by: time.Hour, want: 20},
	} {
		r := reader(t, c, try.at)
		if err := r.Back(t.Context(), try.by, try.least); err != nil {
			t.Fatal(err)
		}
		if r.next != try.want {
			t.Errorf("%v back from %d, not before %d: begins at %d, want %d", try.by, try.at, try.least, r.next, try.want)
		}
		if try.want < 100 {
			if got := readAll(t, r, 1); got[0].Offset != try.want {
				t.Errorf("read %d, want %d", got[0].Offset, try.want)
			}
		}
	}
	r := reader(t, c, 500) // of a topic that was made anew
	if err := r.Back(t.Context(), time.Hour, 0); err == nil || r.next != 500 {
		t.Errorf("begins at %d: %v", r.next, err)
	}
	if _, err := r.Read(t.Context()); err == nil {
		t.Error("and nothing is lost")
	}
}

// An answer ends where it is as long as was asked for, in the middle of a batch.
func TestTheCutEndOfAnAnswerIsFetchedAgain(t *testing.T) {
	batch := func(base int64) []byte {
		messages := numbered("k", int(base), 10)
		for i := range messages {
			messages[i].Value = make([]byte, readEnough/8)
		}
		b := packed(t, CompressNone, messages)[4:]
		binary.BigEndian.PutUint64(b, uint64(base))
		return b
	}
	c := fake(t, 1)
	var fetches atomic.Int64
	all := [][]byte{batch(0), batch(10), batch(20), batch(30)}
	half := [][]byte{all[0], all[1], all[2], all[3][:len(all[3])/2]}
	c.ControlKey(int16(kmsg.Fetch), func(req kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		answer := half
		if fetches.Add(1) > 1 {
			answer = all
		}
		return fetchAnswer(req.(*kmsg.FetchRequest), answer), nil, true
	})
	r := reader(t, c, 0)
	for want := int64(0); want < 40; want += 10 {
		got, err := r.Read(t.Context())
		if err != nil || len(got) != 10 || got[0].Offset != want {
			t.Fatalf("at %d: %d messages, %v", want, len(got), err)
		}
	}
	if fetches.Load() != 2 {
		t.Errorf("fetched %d times, want 2", fetches.Load())
	}
}

// answerFetches has a cluster answer with batches of 10 messages each, from the one asked for on.
func answerFetches(c *kfake.Cluster, all [][]byte, n *atomic.Int64) {
	c.ControlKey(int16(kmsg.Fetch), func(req kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		n.Add(1)
		return fetchAnswer(req.(*kmsg.FetchRequest), all), nil, true
	})
}

func fetchAnswer(asked *kmsg.FetchRequest, all [][]byte) kmsg.Response {
	res := asked.ResponseKind().(*kmsg.FetchResponse)
	topic, partition := kmsg.NewFetchResponseTopic(), kmsg.NewFetchResponseTopicPartition()
	topic.Topic, topic.TopicID = asked.Topics[0].Topic, asked.Topics[0].TopicID
	end := int64(10 * len(all))
	partition.HighWatermark, partition.LastStableOffset = end, end
	from := min(asked.Topics[0].Partitions[0].FetchOffset, end)
	partition.RecordBatches = slices.Concat(all[from/10:]...)
	topic.Partitions = append(topic.Partitions, partition)
	res.Topics = append(res.Topics, topic)
	return res
}
