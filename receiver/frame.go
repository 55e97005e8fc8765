// Package receiver takes syslog frames off sockets. It knows framing (RFC 6587, RFC 5426) and
// nothing of what a frame means.
package receiver

import (
	"net/netip"
	"time"
)

// Transport is what carried a frame.
type Transport uint8

// The transports.
const (
	UDP Transport = iota + 1
	TCP
	TLS
	File
	Netlink // lines of package linkwatch about this machine's own links
)

// Framing is how the end of a frame was found.
type Framing uint8

// The framings. Octet counting and the trailers LF, CRLF and NUL are told apart per message.
const (
	Datagram Framing = iota + 1
	LF
	CRLF
	NUL
	OctetCounting
	FileLine
)

// Flags are facts about a frame that its bytes no longer show.
type Flags uint16

// The flags.
const (
	Truncated  Flags = 1 << iota // longer than max_frame; Data is the beginning
	Unfinished                   // its end never came: the connection ended first, or an octet count lied (framer)
)

// Origin is what the frames of one read from a connection have in common, and in a read of datagrams those of one peer that
// follow upon each other: they share it, so that it is neither written nor looked at for each line.
type Origin struct {
	Received  time.Time
	Peer      netip.AddrPort // who sent it; the original address where a PROXY header was believed
	Transport Transport
	Listener  uint16 // ListenerID of the listener's name: time zone and relays belong to it
	TLSPeer   string // verified name of the client certificate
	Relay     string // the listed relay that stands between sender and us
}

// Frame is one syslog message as a socket gave it, without its framing.
// A Frame, its Origin and its Data are valid only until the Handler returns.
type Frame struct {
	*Origin
	Framing Framing
	Flags   Flags
	Data    []byte
}

// Handler takes the frames of one socket read, in order. When it returns nil they are in the log.
// Any other error is final for the frames: the listener counts them as dropped and goes on.
type Handler func(batch []Frame) error

// String returns the word used in JSON and metrics.
func (t Transport) String() string {
	switch t {
	case UDP:
		return "udp"
	case TCP:
		return "tcp"
	case TLS:
		return "tls"
	case File:
		return "file"
	case Netlink:
		return "netlink"
	}
	return "unknown"
}

// String returns the word used in JSON.
func (f Framing) String() string {
	switch f {
	case Datagram:
		return "datagram"
	case LF:
		return "lf"
	case CRLF:
		return "crlf"
	case NUL:
		return "nul"
	case OctetCounting:
		return "octet_counting"
	case FileLine:
		return "file"
	}
	return "unknown"
}

// ParseTransport reads the word of a transport; 0 for any other word.
func ParseTransport(word string) Transport {
	for t := UDP; t <= Netlink; t++ {
		if t.String() == word {
			return t
		}
	}
	return 0
}

// ParseFraming reads the word of a framing; 0 for any other word.
func ParseFraming(word string) Framing {
	for f := Datagram; f <= FileLine; f++ {
		if f.String() == word {
			return f
		}
	}
	return 0
}
