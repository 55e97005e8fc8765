// Package app builds all parts of vswarden from a Config, runs them and stops them in reverse.
// Run is the whole of it, readable from top to bottom.
package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"vswarden/configs"
	"vswarden/decode"
	"vswarden/enrich"
	"vswarden/inventory"
	"vswarden/pipeline"
	"vswarden/receiver"
	"vswarden/replace"
	"vswarden/setting"
	"vswarden/sink"
	"vswarden/sink/deadletter"
	"vswarden/sink/file"
	"vswarden/sink/kafka"
	"vswarden/sink/stdout"
	"vswarden/spool"
	"vswarden/web"
)

// Options is what Run needs beside the configuration.
type Options struct {
	Config    configs.Config
	Log       zerolog.Logger
	ReadyFile string          // where the real addresses are written as JSON; "" = nowhere
	Stdout    io.Writer       // of sinks of type stdout
	Reload    <-chan struct{} // SIGHUP: open files anew; nil = never
	// LoadConfig reads the configuration again for a reload; nil = there is no file.
	LoadConfig func() (configs.Config, error)
	Ready      func(Ready) // called once when every socket is bound; nil = nobody asks
	// Now is the clock of receive stamps and of the names of rotated files; nil = the machine's.
	Now func() time.Time

	feeders func(*inventory.Inventory) ([]feeder, error) // the demo's, instead of those of the configuration
}

// clock returns the clock.
func (o Options) clock() func() time.Time {
	if o.Now != nil {
		return o.Now
	}
	return time.Now
}

// Ready says where the parts listen, with the ports the system gave.
type Ready struct {
	PID       int             `json:"pid"`
	Listeners []ReadyListener `json:"listeners"`
	Admin     string          `json:"admin"`
}

// ReadyListener is one bound socket.
type ReadyListener struct {
	Proto   string `json:"proto"`
	Address string `json:"address"`
	Name    string `json:"name,omitempty"`
}

// ErrUndelivered is returned by Run when it stops and records that were taken are in memory only.
var ErrUndelivered = errors.New("records were lost")

// Run receives, keeps, decodes and delivers until ctx ends. It returns nil when all that was taken
// is delivered or safe on disk, spool.InUseError when another process owns the data directory, and
// an error when a part failed or something was lost.
func Run(ctx context.Context, o Options) (err error) {
	cfg, log := o.Config, o.Log
	if cfg.MemoryLimit > 0 {
		debug.SetMemoryLimit(int64(cfg.MemoryLimit))
	}

	if faults := startFaults(cfg); len(faults) > 0 {
		return faults
	}

	// Build, from the log outwards. What opened is closed in reverse, by defer.
	if err := os.MkdirAll(cfg.DataDir, 0o750); err != nil {
		return setting.Faults{{Path: "data_dir", Value: cfg.DataDir, Problem: err.Error() + ", write a directory that vswarden's user may make or write to"}}
	}
	from, err := openSupply(cfg, o.clock(), log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, from.close()) }()
	records := logOf(from) // nil in role enrich

	known, err := openMemory(cfg, o.clock(), log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, known.close()) }()
	feeders, err := openFeeders(cfg, known.inv)
	if err == nil && o.feeders != nil {
		feeders, err = o.feeders(known.inv)
	}
	if err == nil {
		err = known.retire(feeders)
	}
	if err != nil {
		return err
	}

	outlets, err := openOutlets(cfg, o, from, known, openAskers(feeders))
	defer func() { err = errors.Join(err, closeOutlets(outlets)) }()
	if err != nil {
		return err
	}
	listeners, err := bind(cfg, log)
	if err != nil {
		return err
	}
	ic := pipeline.IntakeConfig{
		Log:        records,
		Now:        o.Now,
		DropNewest: cfg.Log.Full == spool.FullDropNewest,
		WaitSynced: cfg.Log.Sync == spool.SyncAlways,
	}
	remote, _ := from.(*topicSupply)
	if remote != nil {
		ic.Topic = remote.own
	}
	intake := pipeline.NewIntake(ic)
	if remote != nil {
		remote.emit = intake.Emit
	} else {
		for _, t := range outlets {
			t.delivery.SetClock(intake)
			t.delivery.SetReception(receptionOf(listeners, records.Full))
		}
	}
	reporter, err := openReporter(cfg, known.inv, intake, o.clock(), log)
	if err != nil {
		return errors.Join(err, closeListeners(listeners))
	}
	detection, err := openDetection(cfg, records, intake, o.clock(), log)
	if err != nil {
		return errors.Join(err, closeListeners(listeners))
	}
	follow(outlets, detection)
	reportUnclaimed(log, records)
	p := &parts{cfg: cfg, log: log, records: records, remote: remote, intake: intake, listeners: listeners, outlets: outlets, detection: detection, known: known, feeders: feeders, reporter: reporter}
	admin, err := web.Listen(cfg.Admin, p.metrics(), p.healthy, p.ready)
	if err != nil {
		return errors.Join(err, closeListeners(listeners))
	}
	ready := p.readyNote(admin)
	if err := writeReady(o.ReadyFile, ready); err != nil {
		return errors.Join(err, closeListeners(listeners), admin.Close())
	}

	// Run. A part that fails ends inCtx and so stops all others the same way a signal does.
	inCtx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	outCtx, cutOff := context.WithCancelCause(context.WithoutCancel(ctx))
	defer cutOff(nil)
	knowCtx, stopKnowing := context.WithCancel(context.WithoutCancel(ctx))
	defer stopKnowing()
	logCtx, stopLog := context.WithCancel(context.WithoutCancel(ctx))
	defer stopLog()
	var in, out, know, keep, side sync.WaitGroup
	var failed failures
	spawn := func(wg *sync.WaitGroup, what string, run func() error) {
		wg.Go(func() {
			if err := run(); err != nil {
				failed.add(fmt.Errorf("%s: %w", what, err))
				stop(err)
			}
		})
	}
	spawn(&keep, "log", func() error { return from.run(logCtx) })
	know.Go(func() { known.Run(knowCtx) })
	for _, f := range feeders {
		spawn(&know, "inventory "+f.Name(), func() error { return f.Run(knowCtx) })
	}
	synced := make(chan struct{}) // closed when deliveries may begin
	side.Go(func() {
		defer close(synced)
		p.awaitInventory(inCtx)
	})
	for _, t := range outlets {
		spawn(&out, "delivery", func() error { <-synced; return t.delivery.Run(outCtx) })
		if r, ok := t.sink.(sink.Runner); ok {
			spawn(&side, "sink "+t.name, func() error { return r.Run(inCtx) })
		}
	}
	if detection != nil {
		spawn(&out, "detections", func() error { return detection.Run(outCtx) })
	}
	spawn(&side, "admin", func() error { return admin.Serve(logCtx) })
	handler := intake.Handler(inCtx)
	for _, l := range listeners {
		spawn(&in, "listener "+l.Name(), func() error { return l.Serve(inCtx, handler) })
	}
	spawn(&in, "posture", func() error { return reporter.Run(inCtx, synced) })
	p.reportFull() // before watch, which goes on with it
	side.Go(func() { p.watch(inCtx, o) })
	logReady(log, ready)
	if o.Ready != nil {
		o.Ready(ready)
	}

	<-inCtx.Done()

	// Stop: nothing more comes in, what came in is on disk, the sinks have it or time is up.
	in.Wait()
	errs := []error{from.closeWrite()}
	late := time.AfterFunc(cfg.ShutdownTimeout, func() { cutOff(errDrain) })
	out.Wait()
	late.Stop()
	stopKnowing()
	know.Wait()
	errs = append(errs, known.save())
	stopLog()
	keep.Wait()
	side.Wait()
	errs = append(errs, failed.all...)
	errs = append(errs, p.farewell())
	return errors.Join(errs...)
}

var errDrain = errors.New("shutdown_timeout passed before all was delivered")

// failures are the errors of all parts, also of those that failed while the program stopped.
type failures struct {
	mu  sync.Mutex
	all []error
}

func (f *failures) add(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.all = append(f.all, err)
}

// logFS is where the log lies.
func logFS(cfg configs.Config) spool.FS {
	if cfg.Log.Body == spool.BodyMemory {
		return spool.NewMemFS()
	}
	return spool.OSFS{}
}

// openLog opens the record log, on disk or in memory.
func openLog(cfg configs.Config) (*spool.Log, error) {
	l, err := spool.Open(logFS(cfg), logDir(cfg.DataDir), cfg.Log)
	if err != nil {
		return nil, fmt.Errorf("open the log in %s: %w", cfg.DataDir, err)
	}
	return l, nil
}

// outlet is one sink with all that serves it.
type outlet struct {
	name     string
	sink     sink.Sink
	dead     *deadletter.File
	delivery *pipeline.Delivery
	joiner   *enrich.Enricher
	cursor   cursor
	backlog  uint64 // records that waited for the sink when the process started
	upkeep   string // why older files cannot be looked after, as last logged
	skipped  uint64 // of these, what a new sink with start: newest never gets
}

// openOutlets opens every sink with its cursor and dead letters. On an error it returns what
// is open so far, to be closed.
func openOutlets(cfg configs.Config, o Options, from supply, known *memory, hosts enrich.Asker) ([]*outlet, error) {
	options := map[uint16]*decode.Options{}
	for _, l := range cfg.Listeners {
		loc, err := time.LoadLocation(l.Timezone)
		if err != nil {
			return nil, fmt.Errorf("listener %s: time zone: %w", l.Name, err)
		}
		options[receiver.ListenerID(l.Name)] = &decode.Options{Location: loc}
	}
	var open []*outlet
	for i, s := range cfg.Sinks {
		t := &outlet{name: s.Name}
		var err error
		if t.sink, err = openSink(s, o); err != nil {
			return open, setting.Faults{{Path: fmt.Sprintf("sinks[%d].%s", i, s.Type), Value: s.Name, Problem: err.Error()}}
		}
		open = append(open, t)
		if f, ok := t.sink.(*file.Sink); ok && f.Cut() > 0 {
			o.Log.Warn().Str("sink", s.Name).Int64("bytes", f.Cut()).Msg("the file ended inside a line; the torn end was cut off and its events are delivered again")
		}
		if t.dead, err = deadletter.Open(deadLetters(cfg.DataDir, s.Name), s.Name, cfg.DeadLetters); err != nil {
			return open, fmt.Errorf("sink %s: dead letters: %w", s.Name, err)
		}
		if t.cursor, err = from.cursor(s.Name, s.Start); err != nil {
			return open, fmt.Errorf("sink %s: cursor: %w", s.Name, err)
		}
		t.skipped = t.cursor.Passed()
		t.backlog = t.cursor.Backlog() + t.skipped
		// Each delivery has an enricher of its own: clocks and calibration follow the lines it has read, wherever it
		// is in the log. What lines teach of ports goes to the one inventory, as intervals.
		if t.joiner, err = enrich.New(cfg.Enrich, known.inv, o.clock()); err != nil {
			return open, fmt.Errorf("sink %s: %w", s.Name, err)
		}
		t.joiner.ShareNames(known.names)
		d := pipeline.DeliveryConfig{
			Name: s.Name, Cursor: t.cursor, Sink: t.sink, Dead: t.dead, Enrich: t.joiner,
			Filter: s.Filter.Compile(), Format: s.Format, Detail: s.Detail, Original: s.Original,
			Frames: s.Type == configs.SinkKafka && s.Format == pipeline.FormatRaw,
			Plain:  !cfg.Redact,
			Group:  cfg.Group.Options(), Lookback: cfg.Group.Lookback, Unordered: cfg.Tier() == configs.RoleEnrich,
			Listeners: options, Lanes: runtime.GOMAXPROCS(0), Log: o.Log,
		}
		if s.Type == configs.SinkKafka {
			d.ChunkBytes = answeredChunk
		}
		patience(&d, cfg, t.joiner, hosts)
		t.delivery = pipeline.NewDelivery(d)
	}
	return open, nil
}

// answeredChunk is how much of the log goes at once to a sink on the other end of a network.
const answeredChunk = 256 << 10

// openSink opens a sink by its type.
func openSink(s configs.Sink, o Options) (sink.Sink, error) {
	switch s.Type {
	case configs.SinkFile:
		return file.Open(s.File, o.clock())
	case configs.SinkStdout:
		return stdout.New(o.Stdout), nil
	case configs.SinkKafka:
		return kafka.Open(s.Kafka, o.clock())
	}
	return nil, fmt.Errorf("type %q is not one of file, stdout, kafka", s.Type)
}

func closeOutlets(outlets []*outlet) error {
	var errs []error
	for _, t := range outlets {
		errs = append(errs, t.sink.Close())
		if t.dead != nil {
			errs = append(errs, t.dead.Close())
		}
	}
	return errors.Join(errs...)
}

// writeReady writes the ready note to path, whole or not at all.
func writeReady(path string, r Ready) error {
	if path == "" {
		return nil
	}
	b, err := json.Marshal(r)
	if err != nil {
		return err
	}
	tmp := path + replace.Suffix // not by replace.File: others than its owner may read it
	if err := os.WriteFile(tmp, append(b, '\n'), 0o644); err != nil {
		return fmt.Errorf("write the ready file: %w", err)
	}
	if err := os.Rename(tmp, path); err != nil {
		return fmt.Errorf("write the ready file: %w", err)
	}
	return nil
}

func logReady(log zerolog.Logger, r Ready) {
	e := log.Info().Int("pid", r.PID).Str("admin", r.Admin)
	a := zerolog.Arr()
	for _, l := range r.Listeners {
		a.Str(l.Proto + "://" + l.Address)
	}
	e.Array("listeners", a).Msg("ready")
}
