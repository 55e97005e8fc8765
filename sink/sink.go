// Package sink says what a destination of events is. A Sink writes; it does not retry, batch,
// count or log: pipeline.Delivery does that once, for all of them.
package sink

import (
	"context"
	"errors"
	"fmt"
	"net/netip"

	"vswarden/event"
)

// Record is one event ready to be written.
type Record struct {
	ID       event.ID
	Key      string        // sender key: order is kept per key
	Dataset  event.Dataset // what a sink may route by
	Host     string        // host.name; valid until Write returns
	Received int64         // Unix nanoseconds
	// Value is the encoded event without a newline at its end; valid until Write returns. Behind it, within its capacity, may
	// lie the value of the next record: nothing is appended to it.
	Value []byte
	Frame *Frame // how it came to us; nil unless the delivery was told to give it; valid until Write returns
}

// Frame is what was known of a record beside its bytes, so that it can be decoded elsewhere.
type Frame struct {
	Own        bool // an event that we state ourselves; the rest is then empty
	Peer       netip.AddrPort
	Relay      string
	Transport  string // udp tcp tls file
	Framing    string // datagram lf crlf nul octet_counting file
	TLSPeer    string
	Listener   uint16
	Timezone   string // of stamps that name none
	Truncated  bool   // longer than the receiver's max_frame
	Unfinished bool   // the connection ended before the frame did
}

// Sink is a destination.
type Sink interface {
	// Write returns nil once the destination has every event of the batch, as far as it can tell;
	// a sink that is a Syncer may still hold them in memory of the operating system.
	// Any other error means that all may be written again, except Permanent (never accepted, do
	// not try again) and Errors (one verdict per event, nil = delivered).
	// Write may be called from several goroutines at once, never twice for one Key.
	// It returns soon after ctx ends.
	Write(ctx context.Context, batch []Record) error
	// Close frees what the sink holds. No Write runs and none follows.
	Close() error
}

// Syncer is a Sink whose Write is not durable by itself. The cursor moves only after Sync
// returned nil for all that was written before it was called.
type Syncer interface {
	// Sync returns ErrUnsynced when what was written since the last nil may be gone though Write
	// took it. That is final: no later Sync returns nil. What lies above the cursor is written
	// again by a sink opened anew. After any other error Sync may be tried again.
	Sync(ctx context.Context) error
}

// ErrUnsynced is wrapped by a Sync that failed for good.
var ErrUnsynced = errors.New("what was written since the last sync may be lost, a restart delivers it again")

// Runner is a Sink with work beside its writes. Run returns nil when ctx ends; it needs not run
// for Write to be right.
type Runner interface {
	Run(ctx context.Context) error
}

// permanent marks an error that no retry can cure.
type permanent struct{ err error }

func (p permanent) Error() string { return p.err.Error() }
func (p permanent) Unwrap() error { return p.err }

// Permanent marks err as one that no retry can cure: the event goes to the dead letters.
func Permanent(err error) error {
	if err == nil {
		return nil
	}
	return permanent{err}
}

// IsPermanent reports whether err, or what it wraps, was marked by Permanent.
func IsPermanent(err error) bool {
	var p permanent
	return errors.As(err, &p)
}

// Errors holds one verdict per event of a batch, in its order; nil = delivered.
type Errors []error

func (e Errors) Error() string {
	n := 0
	var first error
	for _, err := range e {
		if err != nil {
			if first == nil {
				first = err
			}
			n++
		}
	}
	return fmt.Sprintf("%d of %d events refused, the first: %v", n, len(e), first)
}
