package receiver

import (
	"fmt"
	"sync/atomic"
)

// DropReason is why frames that came in whole were not taken.
type DropReason uint8

// The reasons.
const (
	HandlerRefused DropReason = iota // the handler said no more than that it failed
	LogFull
	LogFailed

	dropReasons = iota
)

// String returns the metric label.
func (r DropReason) String() string {
	return [dropReasons]string{"handler", "log_full", "log_failed"}[r]
}

// Dropped is what a Handler returns when it knows better than that all frames of the batch are
// lost, and why.
type Dropped struct {
	Frames int // at the end of the batch
	Reason DropReason
	Err    error
}

// Error says how many and why.
func (d *Dropped) Error() string {
	return fmt.Sprintf("drop %d frames: %s: %v", d.Frames, d.Reason, d.Err)
}

// Unwrap returns the cause.
func (d *Dropped) Unwrap() error { return d.Err }

// Refusal is why a connection was closed before anything of it was read as syslog.
type Refusal uint8

// The reasons.
const (
	ConnectionLimit Refusal = iota // max_connections
	PeerLimit                      // max_connections_per_peer
	NotAllowed                     // the address, or the one in a PROXY header, is not in allow
	ProxyNotAllowed                // a PROXY header from an address that is not in relays
	ProxyMalformed                 // a PROXY header that is none, or never came to its end

	refusals = iota
)

// String returns the metric label.
func (r Refusal) String() string {
	return [refusals]string{"connection_limit", "peer_limit", "not_allowed", "proxy_not_allowed", "proxy_malformed"}[r]
}

// CloseReason is why a connection ended.
type CloseReason uint8

// The reasons.
const (
	PeerClosed CloseReason = iota
	PeerReset              // and every other error of the socket
	NoFirstByte
	Idle
	Stopped   // the program ended
	Displaced // had never sent anything when max_connections was reached
	Dismissed // no longer allowed after a reload
	SpokeTLS  // to a listener without it

	closeReasons = iota
)

// String returns the metric label.
func (r CloseReason) String() string {
	return [closeReasons]string{"peer_closed", "peer_reset", "no_first_byte", "idle", "stopped", "displaced", "dismissed", "tls_on_plain"}[r]
}

// Stats counts what one listener saw. Arrays are indexed by the type named beside them.
type Stats struct {
	Frames  [transports]atomic.Uint64              // by Transport: handed to the handler, also those dropped then
	Bytes   [transports]atomic.Uint64              // by Transport: of those frames, without framing
	Dropped [transports][dropReasons]atomic.Uint64 // by Transport, DropReason

	Truncated    atomic.Uint64 // frames longer than max_frame
	Unfinished   atomic.Uint64 // frames whose end never came
	Empty        atomic.Uint64 // delimiters and datagrams with nothing before or in them: no frames
	Resynced     atomic.Uint64 // octet counts found to be wrong
	SkippedBytes atomic.Uint64 // of over-long frames, beyond max_frame

	KernelDrops  atomic.Uint64 // datagrams the kernel threw away because the socket buffer was full
	SocketErrors atomic.Uint64 // accepts and UDP reads that failed

	// Every connection accepted is open, or is counted once under the reason of its end.
	Accepted        atomic.Uint64
	Open            atomic.Int64
	Refused         [refusals]atomic.Uint64        // by Refusal
	HandshakeFaults [handshakeFaults]atomic.Uint64 // by HandshakeFault
	Closed          [closeReasons]atomic.Uint64    // by CloseReason

	Handshakes       atomic.Uint64 // TLS sessions begun
	Reloads          atomic.Uint64 // of TLS files that worked
	ReloadFaults     atomic.Uint64 // and that did not: the old ones stay
	RefusedDatagrams atomic.Uint64 // from addresses not in allow
}

const transports = int(Netlink) + 1
