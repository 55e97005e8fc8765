package kafka

import (
	"encoding/binary"
	"slices"
)

// assignor is the name under which members agree on how partitions are shared: each gets a row of
// them, in the order of the members' names, as in the Java client's range assignor.
const assignor = "range"

// share shares out partitions.
func share(members []string, partitions int) map[string][]int32 {
	members = slices.Sorted(slices.Values(members))
	all := make(map[string][]int32, len(members))
	for i, member := range members {
		mine := []int32{}
		for p := partitions * i / len(members); p < partitions*(i+1)/len(members); p++ {
			mine = append(mine, int32(p))
		}
		all[member] = mine
	}
	return all
}

// subscription is what a member tells the leader (ConsumerProtocolSubscription, version 0).
func subscription(topic string) []byte {
	b := binary.BigEndian.AppendUint16(nil, 0)
	b = appendText(binary.BigEndian.AppendUint32(b, 1), topic)
	return binary.BigEndian.AppendUint32(b, ^uint32(0)) // no data of ours
}

// assignment is what the leader tells a member (ConsumerProtocolAssignment, version 0).
func assignment(topic string, partitions []int32) []byte {
	b := binary.BigEndian.AppendUint16(nil, 0)
	b = appendText(binary.BigEndian.AppendUint32(b, 1), topic)
	b = binary.BigEndian.AppendUint32(b, uint32(len(partitions)))
	for _, p := range partitions {
		b = binary.BigEndian.AppendUint32(b, uint32(p))
	}
	return binary.BigEndian.AppendUint32(b, ^uint32(0))
}

func appendText(b []byte, s string) []byte {
	return append(binary.BigEndian.AppendUint16(b, uint16(len(s))), s...)
}

// assigned returns the partitions of an assignment; nothing at all is none.
func assigned(b []byte, topic string) (mine []int32, ok bool) {
	if len(b) == 0 {
		return nil, true
	}
	d := decoder{b: b}
	version, ok1 := d.integer(2)
	topics, ok2 := d.integer(4)
	if !ok1 || !ok2 || version < 0 || topics < 0 {
		return nil, false
	}
	for range topics {
		n, ok := d.integer(2)
		if !ok || n < 0 || int(n) > len(d.b) {
			return nil, false
		}
		name := string(d.take(int(n)))
		count, ok := d.integer(4)
		if !ok || count < 0 || int(count) > len(d.b)/4 {
			return nil, false
		}
		for range count {
			p, _ := d.integer(4) // there are as many
			if p < 0 {
				return nil, false
			}
			if name == topic {
				mine = append(mine, int32(p))
			}
		}
	}
	return mine, true // what follows is data of somebody's
}
