package receiver

import (
	"sync"
	"sync/atomic"
)

// Sizes of what a connection reads into. It waits with a small buffer; when a read fills that, it
// takes a big one, if one is left, and gives it back when nothing has come for a while. A frame
// larger than its buffer makes the buffer grow with the data, never with what a count announces.
const (
	smallBuffer = 4 << 10
	bigBuffer   = 256 << 10
	bigBuffers  = 64 // of one listener, 16 MiB
	keptBuffers = 8  // of them kept when nobody uses them
)

// batchLen is how many frames one call of the handler takes at most. Their bytes should fit several
// times into what the log writes at once, or each batch costs it memory of its own.
const batchLen = 128

// buffers are the big read buffers and the frame slices, shared by all connections of a listener.
type buffers struct {
	left    atomic.Int32 // big buffers that may still be taken
	free    chan []byte
	batches sync.Pool // *[]Frame
}

func newBuffers() *buffers {
	b := &buffers{free: make(chan []byte, keptBuffers)}
	b.left.Store(bigBuffers)
	b.batches.New = func() any { return new([]Frame) }
	return b
}

// big returns a big buffer, or nil when all are in use.
func (b *buffers) big() []byte {
	if b.left.Add(-1) < 0 {
		b.left.Add(1)
		return nil
	}
	select {
	case buf := <-b.free:
		return buf
	default:
		return make([]byte, bigBuffer)
	}
}

// putBig takes a big buffer back.
func (b *buffers) putBig(buf []byte) {
	select {
	case b.free <- buf:
	default:
	}
	b.left.Add(1)
}

// batch returns an empty slice that grows with use: many connections may each hold one while the
// handler blocks.
func (b *buffers) batch() *[]Frame { return b.batches.Get().(*[]Frame) }

func (b *buffers) putBatch(batch *[]Frame) {
	clear(*batch) // they point into read buffers
	*batch = (*batch)[:0]
	b.batches.Put(batch)
}
