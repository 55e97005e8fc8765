package pipeline

import (
	"encoding/binary"
	"errors"
	"net/netip"

	"vswarden/event"
	"vswarden/receiver"
)

// Kind tells a frame that came off a socket from an event that we state ourselves.
type Kind uint8

// The kinds of records.
const (
	KindFrame Kind = iota
	KindEvent
)

// String returns the word used in metrics and headers.
func (k Kind) String() string {
	if k == KindEvent {
		return "event"
	}
	return "frame"
}

// Record is what the log keeps of a frame or of an event of ours. Decoded from the log, its
// strings and Data point into the log's buffer. What the usual frame has comes first, and no more of a record than that need
// be looked at where it is one.
type Record struct {
	Kind Kind

	usual   bool // a frame that has nothing of what stands behind Data, and is not past
	follows bool // a frame of the same sender as the record before it in a chunk: Delivery.decode says so

	Past bool // done long ago, and here for what follows to know its neighbours

	// A frame's own facts.
	Transport receiver.Transport
	Framing   receiver.Framing
	Flags     receiver.Flags
	Listener  uint16
	Received  int64 // Unix nanoseconds; an event has it too
	Peer      netip.AddrPort

	Data []byte // the frame, or the event's JSON

	// Of a few frames.
	TLSPeer []byte
	Relay   []byte

	// An event's own facts.
	ID      event.ID
	Dataset []byte

	// What comes along when another node received it: see AppendKept. A frame then has an ID too.
	Key     []byte // sender key
	Zone    []byte // time zone of stamps that name none
	Foreign bool   // nobody said how it was received
}

// A record as the log keeps it, little endian. The shape is chosen by the first byte:
//
//	frame  ┌────┬───────────────────┬───────┬──────────┬──────────┬──────┬──────┬────────┬───────┬─────────┬─────────┬───────┬──────┐
//	       │ 0  │ transport<<4|     │ flags │ received │ listener │ port │ alen │ addr   │ tlen  │ tlsPeer │ rlen    │ relay │ data │
//	       │ u8 │ framing        u8 │ u16   │ i64      │ u16      │ u16  │ u8   │ 0,4,16 │ u8    │ ≤255    │ u8      │ ≤255  │ rest │
//	       └────┴───────────────────┴───────┴──────────┴──────────┴──────┴──────┴────────┴───────┴─────────┴─────────┴───────┴──────┘
//	event  ┌────┬──────────┬──────┬──────┬─────────┬──────┐
//	       │ 1  │ received │ id   │ dlen │ dataset │ data │
//	       │ u8 │ i64      │ 16 B │ u8   │ ≤255    │ rest │
//	       └────┴──────────┴──────┴──────┴─────────┴──────┘
//
// An IPv6 zone is not kept: it names an interface of this machine at that time.
const (
	frameFixed = 1 + 1 + 2 + 8 + 2 + 2 + 1
	frameUsual = frameFixed + 4 + 1 + 1 // see decodeUsual
	eventFixed = 1 + 8 + 16 + 1
)

var errRecord = errors.New("not a record of ours")

// appendFrameHeader appends all of a frame's record but its data.
func appendFrameHeader(dst []byte, f *receiver.Frame, received int64) []byte {
	// Room for one of an IPv4 address and without names, which nearly all are; filled in where it stands, as lane.record says.
	const room = "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
	at := len(dst)
	dst = append(dst, room...)
	b := dst[at : at+len(room)]
	b[0], b[1] = byte(KindFrame), byte(f.Transport)<<4|byte(f.Framing)&15
	binary.LittleEndian.PutUint16(b[2:], uint16(f.Flags))
	binary.LittleEndian.PutUint64(b[4:], uint64(received))
	binary.LittleEndian.PutUint16(b[12:], f.Listener)
	binary.LittleEndian.PutUint16(b[14:], f.Peer.Port())
	switch addr := f.Peer.Addr().Unmap(); {
	case addr.Is4():
		b[16] = 4
		*(*[4]byte)(b[17:]) = addr.As4()
		if len(f.TLSPeer)+len(f.Relay) == 0 {
			return dst
		}
		dst = dst[:at+frameFixed+4]
	case addr.Is6():
		b[16] = 16
		a := addr.As16()
		dst = append(dst[:at+frameFixed], a[:]...)
	default:
		dst = dst[:at+frameFixed]
	}
	dst = appendShort(dst, f.TLSPeer)
	return appendShort(dst, f.Relay)
}

// sameHeader says that the records of a and b differ in their data only, as far as they can be told by one look.
func sameHeader(a, b *receiver.Frame) bool {
	return a.Origin == b.Origin && a.Framing == b.Framing && a.Flags == b.Flags
}

// appendShort appends s, cut at 255 bytes, behind its length.
func appendShort(dst []byte, s string) []byte {
	s = s[:min(len(s), 255)]
	return append(append(dst, byte(len(s))), s...)
}

// appendEventHeader appends all of an event's record but its JSON.
func appendEventHeader(dst []byte, id event.ID, dataset event.Dataset, received int64) []byte {
	dst = append(dst, byte(KindEvent))
	dst = binary.LittleEndian.AppendUint64(dst, uint64(received))
	dst = append(dst, id[:]...)
	return appendShort(dst, string(dataset))
}

// decode fills r from b, which r then points into. What r was before, decode made of it, and nobody has changed it since: after a
// usual frame it is not cleared for another one. Whoever sets fields takes Decode.
func (r *Record) decode(b []byte) error {
	if r.decodeUsual(b) {
		return nil
	}
	return r.decodeAny(b)
}

// decodeAny is decode of a record of any kind.
func (r *Record) decodeAny(b []byte) error {
	*r = Record{}
	if len(b) == 0 {
		return errRecord
	}
	switch Kind(b[0]) {
	case KindFrame:
		return r.decodeFrame(b)
	case KindEvent:
		return r.decodeEvent(b)
	case kindKept:
		return r.decodeKept(b)
	}
	return errRecord
}

// decodeUsual is decode of a frame of an IPv4 address and no more than that, which nearly all are; false where b is none. After
// another usual frame there is nothing to be cleared.
func (r *Record) decodeUsual(b []byte) bool {
	if len(b) < frameUsual {
		return false
	}
	h := (*[frameUsual]byte)(b)
	if Kind(h[0]) != KindFrame || h[16] != 4 || h[21]|h[22] != 0 {
		return false
	}
	if !r.usual {
		*r = Record{usual: true}
	}
	r.decodeFixed((*[frameFixed]byte)(b))
	r.Peer = netip.AddrPortFrom(netip.AddrFrom4([4]byte(h[17:21])), binary.LittleEndian.Uint16(h[14:]))
	r.Data = b[frameUsual:]
	return true
}

// decodeFixed sets what each frame has, but for its peer.
func (r *Record) decodeFixed(h *[frameFixed]byte) {
	r.Kind = KindFrame
	r.Transport, r.Framing = receiver.Transport(h[1]>>4), receiver.Framing(h[1]&15)
	r.Flags = receiver.Flags(binary.LittleEndian.Uint16(h[2:]))
	r.Received = int64(binary.LittleEndian.Uint64(h[4:]))
	r.Listener = binary.LittleEndian.Uint16(h[12:])
}

func (r *Record) decodeFrame(b []byte) error {
	if len(b) < frameFixed {
		return errRecord
	}
	r.decodeFixed((*[frameFixed]byte)(b))
	addr, rest, ok := cutShort(b[16:])
	if !ok {
		return errRecord
	}
	if a, ok := netip.AddrFromSlice(addr); ok {
		r.Peer = netip.AddrPortFrom(a, binary.LittleEndian.Uint16(b[14:]))
	} else if len(addr) != 0 {
		return errRecord
	}
	if r.TLSPeer, rest, ok = cutShort(rest); !ok {
		return errRecord
	}
	if r.Relay, r.Data, ok = cutShort(rest); !ok {
		return errRecord
	}
	r.usual = len(r.TLSPeer)|len(r.Relay) == 0
	return nil
}

func (r *Record) decodeEvent(b []byte) error {
	if len(b) < eventFixed {
		return errRecord
	}
	r.Kind = KindEvent
	r.Received = int64(binary.LittleEndian.Uint64(b[1:]))
	copy(r.ID[:], b[9:])
	var ok bool
	if r.Dataset, r.Data, ok = cutShort(b[25:]); !ok {
		return errRecord
	}
	return nil
}

// sameSender says that both are of one peer, and that nothing else says whose they are.
func (r *Record) sameSender(before *Record) bool {
	return r.usual && before.usual && r.Peer.Addr() == before.Peer.Addr()
}

// named says that more than the peer's address tells whose r is, or may: senderName knows.
func (r *Record) named() bool { return !r.usual && len(r.Key)|len(r.TLSPeer)|len(r.Relay) != 0 }

// cutShort takes what appendShort wrote off b.
func cutShort(b []byte) (s, rest []byte, ok bool) {
	if len(b) == 0 || len(b) < 1+int(b[0]) {
		return nil, nil, false
	}
	n := 1 + int(b[0])
	return b[1:n], b[n:], true
}
