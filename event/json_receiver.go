package event

import (
	"net/netip"
	"slices"
)

// receiverText is the object receiver as compact has it. Events that follow one on the other have mostly the same, and what takes
// five appends and an address to print is then copied in one piece.
type receiverText struct {
	peer   netip.Addr
	format Format
	length int
	text   [96]byte
}

// append appends the member for a header of that shape, from a peer that is valid.
func (t *receiverText) append(dst []byte, format Format, peer netip.Addr) []byte {
	if t.peer != peer || t.format != format {
		t.renew(format, peer)
	}
	at := len(dst)
	dst = slices.Grow(dst, len(t.text))[:at+len(t.text)]
	*(*[len(t.text)]byte)(dst[at:]) = t.text
	return dst[:at+t.length]
}

// renew makes t the text of a header and a peer. The longest address of the longest shape leaves some room.
func (t *receiverText) renew(format Format, peer netip.Addr) {
	t.format, t.peer = format, peer
	var space [len(t.text)]byte
	t.length = copy(t.text[:], closeObject(appendFrom(append(space[:0], `"receiver":{`...), format, peer)))
}

// appendFrom appends the members that every level has: the shape of the header, and who sent it.
func appendFrom(dst []byte, format Format, peer netip.Addr) []byte {
	dst = appendWord(dst, `"format":"`, string(format))
	if !peer.IsValid() {
		return dst
	}
	dst = append(dst, `"peer_ip":"`...)
	dst = appendAddr(dst, peer)
	return append(dst, '"', ',')
}

// appendReceiver appends vmware.receiver. Where @timestamp is not the line's own, time_source says
// so at every level.
func (e *Event) appendReceiver(dst []byte, enc *encoding) []byte {
	r := &e.Receiver
	if !enc.standard && r.Peer.IsValid() && e.TimeSource == "" && !enc.binary { // nearly all of compact
		return e.printed.receiver.append(dst, e.Format, r.Peer.Addr())
	}
	mark := len(dst)
	dst = append(dst, `"receiver":{`...)
	if enc.standard {
		dst = appendField(dst, `"transport":"`, r.Transport)
		dst = appendField(dst, `"framing":"`, r.Framing)
	}
	dst = appendFrom(dst, e.Format, r.Peer.Addr())
	if enc.standard {
		if port := r.Peer.Port(); port != 0 {
			dst = appendUint(dst, `"peer_port":`, uint64(port))
		}
		dst = appendField(dst, `"relay":"`, r.Relay)
		dst = appendField(dst, `"tls_peer":"`, r.TLSPeer)
		switch {
		case r.Authenticated:
			dst = append(dst, `"authenticated":true,`...)
		case r.Peer.IsValid(): // a socket: whoever sent it may have forged it
			dst = append(dst, `"authenticated":false,`...)
		}
		if e.Tags&TagTruncated != 0 {
			dst = append(dst, `"truncated":true,`...)
		}
	}
	dst = appendWord(dst, `"time_source":"`, string(e.TimeSource))
	if enc.original && enc.binary {
		dst = append(dst, `"original_b64":"`...)
		if enc.exact {
			dst = appendBase64(dst, enc.frame)
		} else {
			dst = e.appendMaskedBase64(dst, enc.frame)
		}
		dst = append(dst, '"', ',')
	}
	return endObject(dst, mark)
}
