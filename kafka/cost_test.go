package kafka

import (
	"encoding/binary"
	"net"
	"strconv"
	"testing"
	"time"

	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/apiversions"
	"github.com/segmentio/kafka-go/protocol/metadata"
	"github.com/segmentio/kafka-go/protocol/produce"

	"vswarden/setting"
)

// blackHole is a broker of topic t that acknowledges whatever it is sent without a look at it, so
// that what is measured is ours.
func blackHole(t testing.TB, partitions int) string {
	t.Helper()
	versions := &apiversions.Response{ApiKeys: []apiversions.ApiKeyResponse{
		{ApiKey: int16(protocol.Produce), MinVersion: 8, MaxVersion: 8}, {ApiKey: int16(protocol.Metadata), MinVersion: 1, MaxVersion: 1},
	}}
	topic := metadata.ResponseTopic{Name: "t"}
	stored := produce.ResponseTopic{Topic: "t"}
	for i := range int32(partitions) {
		topic.Partitions = append(topic.Partitions, metadata.ResponsePartition{PartitionIndex: i, LeaderID: 1})
		stored.Partitions = append(stored.Partitions, produce.ResponsePartition{Partition: i})
	}
	var addr string
	addr = answering(t, func(request []byte) []byte {
		id := int32(binary.BigEndian.Uint32(request[4:]))
		var m protocol.Message = versions
		version := int16(binary.BigEndian.Uint16(request[2:]))
		switch protocol.ApiKey(binary.BigEndian.Uint16(request)) {
		case protocol.Produce:
			m = &produce.Response{Topics: []produce.ResponseTopic{stored}}
		case protocol.Metadata:
			host, port, _ := net.SplitHostPort(addr)
			n, _ := strconv.Atoi(port)
			m = &metadata.Response{Brokers: []metadata.ResponseBroker{{NodeID: 1, Host: host, Port: int32(n)}}, Topics: []metadata.ResponseTopic{topic}}
		}
		b := &appender{}
		if err := protocol.WriteResponse(b, version, id, m); err != nil {
			t.Error(err)
		}
		return b.b
	})
	return addr
}

func costProducer(t testing.TB, c Compression) *Producer {
	t.Helper()
	cfg := ProducerConfig{Cluster: DefaultConfig(), Topic: "t", Compression: c, MaxBytes: setting.MiB}
	cfg.Cluster.Brokers = []string{blackHole(t, 6)}
	cfg.Cluster.DialTimeout, cfg.Cluster.RequestTimeout = time.Minute, time.Minute
	p, err := NewProducer(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	return p
}

func samples(n int) []Message {
	all := make([]Message, n)
	for i := range all {
		all[i] = sample(i)
	}
	return all
}

// A request costs something; a message more in it costs nothing.
func TestAMessageMoreAllocatesNothing(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector allocates")
	}
	p := costProducer(t, CompressNone)
	allocs := func(n int) float64 {
		all := samples(n)
		mustProduceB(t, p, all)
		return testing.AllocsPerRun(20, func() { mustProduceB(t, p, all) })
	}
	few, many := allocs(100), allocs(1000)
	if more := (many - few) / 900; more > 0.05 {
		t.Errorf("%v allocations for 100 messages, %v for 1000", few, many)
	}
}

func mustProduceB(t testing.TB, p *Producer, all []Message) {
	t.Helper()
	if verdicts, err := p.Produce(t.Context(), all); err != nil || verdicts != nil {
		t.Fatalf("Produce: %v, %v", err, verdicts)
	}
}

func BenchmarkProduce(b *testing.B) {
	for _, c := range compressions {
		b.Run(string(c), func(b *testing.B) {
			p := costProducer(b, c)
			all := samples(500)
			size := 0
			for i := range all {
				size += len(all[i].Value)
			}
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				mustProduceB(b, p, all)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(all)), "ns/event")
		})
	}
}
