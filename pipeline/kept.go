package pipeline

import (
	"time"

	"vswarden/decode"
	"vswarden/event"
	"vswarden/receiver"
)

// A record that another node received comes with what a log of our own would know: its id, its
// sender key, and the time zone of the listener, which is not ours. A Cursor that is no log's puts
// that before the record, behind a first byte of its own:
//
//	┌────┬─────────┬──────┬──────┬─────┬──────┬──────┬─────────────────────────────────┐
//	│ 2  │ flags   │ id   │ klen │ key │ zlen │ zone │ a frame or an event, as above   │
//	│ u8 │ u8      │ 16 B │ u8   │≤255 │ u8   │ ≤255 │ rest                            │
//	└────┴─────────┴──────┴──────┴─────┴──────┴──────┴─────────────────────────────────┘
const (
	kindKept  = Kind(2)
	keptFixed = 1 + 1 + 16
)

// Flags of such a record.
const (
	keptForeign = 1 << iota
	keptPast
)

// AppendKept appends r as a Cursor that reads from elsewhere gives it in a spool.Chunk. All of r is
// kept, its ID too, which must not be zero.
func AppendKept(dst []byte, r *Record) []byte {
	flags := byte(0)
	if r.Foreign {
		flags |= keptForeign
	}
	if r.Past {
		flags |= keptPast
	}
	dst = append(dst, byte(kindKept), flags)
	dst = append(dst, r.ID[:]...)
	dst = appendShort(dst, text(r.Key))
	dst = appendShort(dst, text(r.Zone))
	if r.Kind == KindEvent {
		dst = appendEventHeader(dst, r.ID, event.Dataset(text(r.Dataset)), r.Received)
	} else {
		dst = appendFrameHeader(dst, &receiver.Frame{
			Origin:  &receiver.Origin{Peer: r.Peer, Transport: r.Transport, Listener: r.Listener, TLSPeer: text(r.TLSPeer), Relay: text(r.Relay)},
			Framing: r.Framing, Flags: r.Flags,
		}, r.Received)
	}
	return append(dst, r.Data...)
}

// Decode fills r from a record of a log, which r then points into. The id of a frame is not in it:
// it follows from its place. Nothing is left of what r was before, nor of what its owner put into it.
func (r *Record) Decode(b []byte) error { return r.decodeAny(b) }

func (r *Record) decodeKept(b []byte) error {
	if len(b) < keptFixed {
		return errRecord
	}
	flags, id := b[1], event.ID(b[2:18])
	key, rest, ok := cutShort(b[keptFixed:])
	if !ok {
		return errRecord
	}
	zone, rest, ok := cutShort(rest)
	if !ok || len(rest) == 0 || Kind(rest[0]) == kindKept {
		return errRecord
	}
	if err := r.decode(rest); err != nil {
		return err
	}
	r.usual = false
	r.ID, r.Key, r.Zone, r.Foreign, r.Past = id, key, zone, flags&keptForeign != 0, flags&keptPast != 0
	return nil
}

// id is the name of a record: its own, or that of its place in the log.
func (c *chunk) id(i int) (id event.ID) {
	c.records[i].putID(&id, uint64(c.First)+uint64(i), c.Epoch)
	return id
}

// putID makes id the name of the record at pos.
func (r *Record) putID(id *event.ID, pos, epoch uint64) {
	if !r.usual && r.ID != (event.ID{}) {
		*id = r.ID
		return
	}
	id.Set(epoch, pos)
}

const zonesMax = 64 // time zones a lane keeps, of listeners of other nodes

// setting is how the frames of a listener are decoded, here or at another node.
type setting struct {
	listener uint16
	zone     string
	options  *decode.Options // nil: of none
}

// optionsOf says how to decode the frame r. Nearly always that is as the one before was.
func (l *lane) optionsOf(r *Record) *decode.Options {
	if s := &l.setting; s.listener == r.Listener && (r.usual || len(r.Zone) == 0) && len(s.zone) == 0 && s.options != nil {
		return s.options
	}
	return l.set(r)
}

// set is optionsOf where a zone came along, or the frame before was of another listener.
func (l *lane) set(r *Record) *decode.Options {
	if s := &l.setting; s.options == nil || s.listener != r.Listener || s.zone != text(r.Zone) {
		*s = setting{listener: r.Listener, zone: string(r.Zone), options: l.lookUp(r)}
	}
	return l.setting.options
}

func (l *lane) lookUp(r *Record) *decode.Options {
	if len(r.Zone) == 0 {
		return l.options(r.Listener)
	}
	o := l.zones[text(r.Zone)]
	if o == nil {
		if len(l.zones) >= zonesMax {
			clear(l.zones)
		}
		name := string(r.Zone)
		loc, err := time.LoadLocation(name)
		if err != nil {
			loc = time.UTC // a zone that only the other machine knows
		}
		o = &decode.Options{Location: loc}
		l.zones[name] = o
	}
	return o
}
