package pipeline

import (
	"maps"
	"net/netip"

	"vswarden/decode"
	"vswarden/group"
)

func lowerASCII(dst, s []byte) []byte {
	for _, c := range s[:min(len(s), cap(dst))] {
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		dst = append(dst, c)
	}
	return dst
}

// nameMost is how much of a host's name behind a relay is the sender key.
const nameMost = 255

// senderName is the sender key of r where it is a name, in low where it had to be made; nil where it
// is the peer's address, as behind a relay where the line names no host. One that is not named has none.
func (r *Record) senderName(low []byte) []byte {
	switch {
	case len(r.Key) > 0:
		return r.Key
	case len(r.TLSPeer) > 0:
		return r.TLSPeer
	case len(r.Relay) > 0:
		if host := decode.HeaderHost(r.Data); len(host) > 0 {
			return lowerASCII(low, host) // lower and upper case are one sender
		}
	}
	return nil
}

// sender returns the state of the sender of r, the record at pos; its key outlives the record.
func (l *lane) sender(r *Record, pos uint64) *group.Sender {
	snd := l.latest.get(r, pos)
	if snd == nil || snd.Gone() {
		snd = l.senderOf(r)
		l.latest.put(pos, snd)
	}
	return snd
}

// senderOf is sender by what stands in r alone. The maps hold no more than the stage does: of what it gave up, they let go
// when they are as long as they may be, and near when another address has the place.
func (l *lane) senderOf(r *Record) *group.Sender {
	if r.named() {
		var low [nameMost]byte
		if name := r.senderName(low[:0]); name != nil {
			return l.senderNamed(name)
		}
	}
	a := r.Peer.Addr()
	snd := l.near.get(a)
	if snd == nil || snd.Gone() {
		snd = l.senderAt(a)
		l.near.put(a, snd)
	}
	return snd
}

// senderAt is the sender of an address that no name stands before.
func (l *lane) senderAt(a netip.Addr) *group.Sender {
	snd := l.keys[a]
	if snd == nil || snd.Gone() {
		if len(l.keys) >= l.keysMost() {
			maps.DeleteFunc(l.keys, func(_ netip.Addr, s *group.Sender) bool { return s.Gone() })
		}
		snd = l.stage.Sender(a.String())
		l.keys[a] = snd
	}
	return snd
}

func (l *lane) senderNamed(name []byte) *group.Sender {
	snd := l.names[string(name)]
	if snd == nil || snd.Gone() {
		if len(l.names) >= l.keysMost() {
			maps.DeleteFunc(l.names, func(_ string, s *group.Sender) bool { return s.Gone() })
		}
		snd = l.stage.Sender(string(name))
		l.names[snd.Key] = snd
	}
	return snd
}

// keysMost is how long a map of senders may be before it is looked through: longer than what the stage keeps, of which
// nothing could go.
func (l *lane) keysMost() int { return max(keysLeast, l.d.cfg.Group.Senders) }
