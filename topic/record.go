package topic

import (
	"crypto/sha256"
	"encoding/binary"
	"io"
	"net/netip"
	"strconv"
	"strings"
	"time"
	"unsafe"

	"vswarden/event"
	"vswarden/kafka"
	"vswarden/pipeline"
	"vswarden/receiver"
	sinkkafka "vswarden/sink/kafka"
)

// fill makes r of a message, into which r then points. What a header does not say is left empty; a
// message without an event-id, or of no kind that is known, is not from vswarden: its line is
// delivered all the same, marked, under an id that is the same whenever it is read.
func fill(r *pipeline.Record, topic string, partition int32, m *kafka.Stored) {
	*r = pipeline.Record{Received: m.Time * int64(time.Millisecond), Key: bytes(m.Key), Data: m.Value}
	kind, named := "", false
	for _, h := range m.Headers {
		switch h.Key {
		case sinkkafka.HeaderKind:
			kind = h.Value
		case sinkkafka.HeaderEventID:
			id, err := event.ParseID(h.Value)
			r.ID, named = id, err == nil && id != event.ID{}
		case sinkkafka.HeaderReceived:
			if t, err := time.Parse(time.RFC3339Nano, h.Value); err == nil {
				r.Received = t.UnixNano()
			}
		case sinkkafka.HeaderPeer:
			r.Peer, _ = netip.ParseAddrPort(h.Value) // invalid: unknown
		case sinkkafka.HeaderRelay:
			r.Relay = bytes(h.Value)
		case sinkkafka.HeaderTransport:
			r.Transport = receiver.ParseTransport(h.Value)
		case sinkkafka.HeaderFraming:
			r.Framing = receiver.ParseFraming(h.Value)
		case sinkkafka.HeaderListener:
			n, _ := strconv.ParseUint(h.Value, 10, 16) // 0: none that is known
			r.Listener = uint16(n)
		case sinkkafka.HeaderTimezone:
			r.Zone = bytes(h.Value)
		case sinkkafka.HeaderTLSPeer:
			r.TLSPeer = bytes(h.Value)
		case sinkkafka.HeaderFlags:
			r.Flags = flagsOf(h.Value)
		case sinkkafka.HeaderDataset:
			r.Dataset = bytes(h.Value)
		}
	}
	switch {
	case kind == sinkkafka.KindEvent && named:
		r.Kind = pipeline.KindEvent
	case kind != sinkkafka.KindFrame || !named:
		foreign(r, topic, partition, m)
	}
	if len(r.Key) == 0 { // order is that of the partition
		r.Key = strconv.AppendInt([]byte(topic+"/"), int64(partition), 10)
	}
}

// foreign makes r a line of which nothing is known but when it was written.
func foreign(r *pipeline.Record, topic string, partition int32, m *kafka.Stored) {
	*r = pipeline.Record{Received: m.Time * int64(time.Millisecond), Key: r.Key, Data: r.Data, Foreign: true}
	if a, err := netip.ParseAddr(m.Key); err == nil {
		r.Peer = netip.AddrPortFrom(a, 0) // other collectors use the sender's address as the key too
	}
	var n [12]byte
	binary.BigEndian.PutUint32(n[:], uint32(partition))
	binary.BigEndian.PutUint64(n[4:], uint64(m.Offset))
	h := sha256.New()
	_, _ = io.WriteString(h, topic) // a hash never fails
	_, _ = h.Write(n[:])
	copy(r.ID[:], h.Sum(nil))
}

func flagsOf(words string) (f receiver.Flags) {
	for word := range strings.SplitSeq(words, ",") {
		switch word {
		case "truncated":
			f |= receiver.Truncated
		case "unfinished":
			f |= receiver.Unfinished
		}
	}
	return f
}

// bytes is s without a copy; nobody writes to it.
func bytes(s string) []byte { return unsafe.Slice(unsafe.StringData(s), len(s)) }
