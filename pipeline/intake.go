package pipeline

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"vswarden/event"
	"vswarden/receiver"
	"vswarden/sink"
	"vswarden/spool"
)

// IntakeConfig says how frames enter the log.
type IntakeConfig struct {
	Log *spool.Log
	// Topic is where events of our own go when there is no Log (role enrich): a sink for raw records.
	// Frames then do not come in here.
	Topic sink.Sink
	// DropNewest makes every sender lose its newest frames when the log is full; else only those
	// lose that cannot be made to wait (UDP).
	DropNewest bool
	// Now is the clock of receive stamps; nil takes the time at which the receiver read a frame.
	// Tests make it jump.
	Now func() time.Time
	// WaitSynced makes the handler return only when its frames are synced (log.sync: always).
	WaitSynced bool
}

// Intake is the one way into the log, for frames and for events of our own.
// Its methods may be called from many goroutines.
type Intake struct {
	cfg IntakeConfig

	mu     sync.Mutex // guards what follows; held while a batch is encoded and copied, never while waiting
	batch  spool.Batch
	json   []byte
	newest int64     // newest receive stamp given: stamps in the log never run backwards
	asked  time.Time // when Now was called
	epoch  uint64    // of the ids of our own events
	number uint64    // of the last event of our own

	appended atomic.Uint64
	emitted  atomic.Uint64
	failing  atomic.Pointer[string] // why the topic does not take events, nil while it does
}

// NewIntake makes the way into cfg.Log, or to cfg.Topic.
func NewIntake(cfg IntakeConfig) *Intake {
	if cfg.Log == nil {
		return &Intake{cfg: cfg, epoch: rand.Uint64()}
	}
	// Events of our own draw their ids from an epoch of their own: a record's position is not
	// known before it is appended, its JSON has to be.
	return &Intake{cfg: cfg, epoch: ^cfg.Log.Epoch(), newest: cfg.Log.LastStamp()}
}

// Handler returns the receiver's handler. It returns nil when the batch is in the log. When the
// log is full it blocks, and so stops reading the connection, until there is room or ctx ends; UDP
// is never made to wait. Frames that are not taken come back as a *receiver.Dropped.
func (in *Intake) Handler(ctx context.Context) receiver.Handler {
	return func(frames []receiver.Frame) error {
		if len(frames) == 0 {
			return nil
		}
		return in.frames(ctx, frames)
	}
}

func (in *Intake) frames(ctx context.Context, frames []receiver.Frame) error {
	wait := frames[0].Transport != receiver.UDP && !in.cfg.DropNewest
	for {
		last, err := in.append(frames)
		switch {
		case err == nil:
			if in.cfg.WaitSynced {
				// A failure here is the log's own and ends the process; the frames are appended.
				_ = in.cfg.Log.WaitSynced(ctx, last)
			}
			return nil
		case !errors.Is(err, spool.ErrFull):
			return &receiver.Dropped{Frames: len(frames), Reason: receiver.LogFailed, Err: err}
		case !wait || in.cfg.Log.WaitSpace(ctx) != nil: // or told to stop while it is still full
			return &receiver.Dropped{Frames: len(frames), Reason: receiver.LogFull, Err: err}
		}
	}
}

// append encodes frames and copies them into the log's open batch.
func (in *Intake) append(frames []receiver.Frame) (last spool.Position, err error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.batch.Reset()
	var head []byte // of the frame before; most of a read have the same
	for i := range frames {
		f, record := &frames[i], in.batch.Begin()
		if i > 0 && sameHeader(f, &frames[i-1]) {
			record = append(record, head...)
		} else {
			at := len(record)
			record = appendFrameHeader(record, f, in.stamp(in.read(f)))
			head = record[at:]
		}
		in.batch.End(append(record, f.Data...))
	}
	in.batch.Stamp = in.newest
	if last, err = in.cfg.Log.Append(&in.batch); err == nil {
		in.appended.Add(uint64(len(frames)))
	}
	return last, err
}

// read returns when f was received.
func (in *Intake) read(f *receiver.Frame) time.Time {
	if in.cfg.Now != nil {
		return in.cfg.Now()
	}
	return f.Received
}

// stamp returns t, or the newest stamp given so far when the clock was set back since.
func (in *Intake) stamp(t time.Time) int64 {
	in.newest = max(in.newest, t.UnixNano())
	return in.newest
}

// Emit puts an event of our own into the log, from where it goes to every sink like any other
// record. It fills in e.Received, and e.Time and e.ID where they are empty. When the log is full
// it waits for room until ctx ends. Without a log it goes to the raw topic first.
func (in *Intake) Emit(ctx context.Context, e *event.Event) error {
	if in.cfg.Log == nil {
		return in.emitTopic(ctx, e)
	}
	for {
		err := in.emit(e)
		if !errors.Is(err, spool.ErrFull) {
			return err
		}
		if err := in.cfg.Log.WaitSpace(ctx); err != nil {
			return err
		}
	}
}

func (in *Intake) emit(e *event.Event) error {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.settle(e)
	in.json = e.AppendJSON(in.json[:0], event.DetailFull, event.OriginalNone)
	in.batch.Reset()
	in.batch.End(append(appendEventHeader(in.batch.Begin(), e.ID, e.Dataset, e.Received), in.json...))
	in.batch.Stamp = in.newest
	if _, err := in.cfg.Log.Append(&in.batch); err != nil {
		return err
	}
	in.emitted.Add(1)
	return nil
}

// settle gives e its receive stamp, and a time and an id where it has none. Called with mu held.
func (in *Intake) settle(e *event.Event) {
	now := time.Now
	if in.cfg.Now != nil {
		now = in.cfg.Now
	}
	e.Received = in.stamp(now())
	if e.Time == 0 {
		e.Time = e.Received
	}
	if e.ID == (event.ID{}) {
		in.number++
		e.ID = event.NewID(in.epoch, in.number)
	}
}

// Ahead returns how far the newest receive stamp is ahead of the clock: stamps never run backwards,
// so after a jump of the clock and back they stand still until it has caught up.
func (in *Intake) Ahead() time.Duration {
	in.mu.Lock()
	defer in.mu.Unlock()
	now := time.Now
	if in.cfg.Now != nil {
		now = in.cfg.Now
	}
	if in.newest == 0 {
		return 0
	}
	return max(time.Duration(in.newest-now().UnixNano()), 0)
}

// Now returns the time of the log's end and the place of the newest record in it. No record that
// follows is older: from here on, stamps begin with this time. Who waits for it to pass must not wait
// for years when the clock was set back: then it goes on at half the pace, so that the clock catches up.
func (in *Intake) Now() (now int64, newest spool.Position) {
	in.mu.Lock()
	defer in.mu.Unlock()
	clock := time.Now
	if in.cfg.Now != nil {
		clock = in.cfg.Now
	}
	asked := time.Now()
	if t := clock(); t.UnixNano() > in.newest {
		in.stamp(t)
	} else if !in.asked.IsZero() {
		in.newest += int64(min(asked.Sub(in.asked), time.Second)) / 2
	}
	in.asked = asked
	return in.newest, in.cfg.Log.Last()
}

// Emitted returns how many events of our own are in the log, or in the topic.
func (in *Intake) Emitted() uint64 { return in.emitted.Load() }

// Appended returns how many frames are in the log.
func (in *Intake) Appended() uint64 { return in.appended.Load() }
