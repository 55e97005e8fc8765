package kafka

import (
	"math/rand/v2"
	"testing"

	kafkago "github.com/segmentio/kafka-go"
)

// The values of org.apache.kafka.common.utils.UtilsTest.testMurmur2.
func TestMurmur2IsThatOfTheJavaClient(t *testing.T) {
	for key, want := range map[string]int32{
		"21":                         -973932308,
		"foobar":                     -790332482,
		"a-little-bit-long-string":   -985981536,
		"a-little-bit-longer-string": -1486304829,
		"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
		"abc": 479470107,
	} {
		if got := int32(murmur2(key)); got != want {
			t.Errorf("murmur2(%q) = %d, want %d", key, got, want)
		}
	}
}

// kafka-go's own partitioner was compared with the Java producer's on a real broker.
func TestPartitionsAreThoseOfOthers(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	other := kafkago.Murmur2Balancer{Consistent: true}
	for range 10000 {
		key := make([]byte, random.IntN(40))
		for i := range key {
			key[i] = byte(random.UintN(256))
		}
		all := make([]int, 1+random.IntN(100))
		for i := range all {
			all[i] = i
		}
		if got, want := int(partitionOf(string(key), len(all))), other.Balance(kafkago.Message{Key: key}, all...); got != want {
			t.Fatalf("key %q of %d partitions: %d, want %d", key, len(all), got, want)
		}
	}
}
