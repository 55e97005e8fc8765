package kafka

// partitionOf returns the partition of a key as the Java client's default partitioner does, so that
// whoever writes to the topic beside us agrees on where a sender's events are.
// (org.apache.kafka.clients.producer.internals.BuiltInPartitioner.partitionForKey.)
func partitionOf(key string, partitions int) int32 {
	return int32((murmur2(key) & 0x7fffffff) % uint32(partitions))
}

// murmur2 is the hash of org.apache.kafka.common.utils.Utils.murmur2: 32 bits, seed 0x9747b28c.
func murmur2(s string) uint32 {
	const (
		m = 0x5bd1e995
		r = 24
	)
	h := 0x9747b28c ^ uint32(len(s))
	for ; len(s) >= 4; s = s[4:] {
		k := uint32(s[0]) | uint32(s[1])<<8 | uint32(s[2])<<16 | uint32(s[3])<<24
		k *= m
		k ^= k >> r
		k *= m
		h = h*m ^ k
	}
	switch len(s) {
	case 3:
		h ^= uint32(s[2]) << 16
		fallthrough
	case 2:
		h ^= uint32(s[1]) << 8
		fallthrough
	case 1:
		h ^= uint32(s[0])
		h *= m
	}
	h ^= h >> 13
	h *= m
	return h ^ h>>15
}
