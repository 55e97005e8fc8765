package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"vswarden/configs"
	"vswarden/decode"
	"vswarden/enrich"
	"vswarden/event"
	"vswarden/pipeline"
	"vswarden/receiver"
	"vswarden/setting"
	"vswarden/sink/deadletter"
	"vswarden/spool"
	"vswarden/topic"
)

// ReplayOptions is what `vswarden replay` is told.
type ReplayOptions struct {
	Config configs.Config
	Log    zerolog.Logger
	From   string // ReplaySpool, ReplayFiles or ReplayKafka
	Since  time.Time
	Until  time.Time // of receipt, for files of the lines themselves; zero: no bound
	Sink   string    // whose; empty: the only one
	Files  []string  // of ReplayFiles; "-" is Stdin
	Host   string    // whose their lines are that name no host

	Stdin          io.Reader
	Stdout, Stderr io.Writer
}

// Where history comes from.
const (
	ReplaySpool = "spool" // the log of data_dir, as far as log.retain keeps it
	ReplayFiles = "files" // log files of hosts, or events as a sink wrote them
	ReplayKafka = "kafka" // source.kafka's topic
)

// ErrReplay says that the command makes no sense: exit code 2.
var ErrReplay = errors.New("replay")

// past gives records of the past, in order of each sender. A record is valid until give returns.
type past func(ctx context.Context, give func(*pipeline.Record) error) error

// Replay sends history through today's decoders, with the inventory of that time, to a sink. Every
// event has the tag _replay and, where it had one, its id. It ends when all is delivered.
func Replay(ctx context.Context, o ReplayOptions) (err error) {
	s, err := o.sink()
	if err != nil {
		return err
	}
	read, done, err := o.open(s)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, done()) }()

	t := &outlet{name: s.Name}
	defer func() { err = errors.Join(err, closeReplay(t)) }()
	if t.sink, err = openSink(s, Options{Stdout: o.Stdout}); err != nil {
		return setting.Faults{{Path: "sinks." + s.Name, Value: string(s.Type), Problem: err.Error()}}
	}
	name := "replay-" + s.Name
	if t.dead, err = deadletter.Open(deadLetters(o.Config.DataDir, name), name, o.Config.DeadLetters); err != nil {
		return fmt.Errorf("dead letters: %w", err)
	}
	known, err := readSnapshot(InventoryOptions{Config: o.Config, Now: time.Now})
	if err != nil && !errors.Is(err, ErrNoInventory) {
		return err
	}
	joiner, err := enrich.New(o.Config.Enrich, known.inv, time.Now)
	if err != nil {
		return err
	}
	if names, err := readNames(namesPath(o.Config.DataDir)); err == nil { // without them a host may get another name, and no more
		joiner.ShareNames(names)
	}
	listeners := map[uint16]*decode.Options{}
	for _, l := range o.Config.Listeners {
		if loc, err := time.LoadLocation(l.Timezone); err == nil { // else it is a fault that Validate told
			listeners[receiver.ListenerID(l.Name)] = &decode.Options{Location: loc}
		}
	}
	p := newPlayer(o.Since, o.Until)
	t.delivery = pipeline.NewDelivery(pipeline.DeliveryConfig{
		Name: s.Name, Cursor: p, Sink: t.sink, Dead: t.dead, Enrich: joiner, Filter: s.Filter.Compile(),
		Format: s.Format, Frames: s.Type == configs.SinkKafka && s.Format == pipeline.FormatRaw, Detail: s.Detail, Original: s.Original,
		Group: o.Config.Group.Options(), Unordered: o.From != ReplaySpool, Final: true,
		Plain: !o.Config.Redact, Tags: event.TagReplay, FileHost: o.Host, Listeners: listeners, Lanes: runtime.GOMAXPROCS(0), Log: o.Log,
	})
	return o.play(ctx, t, p, read)
}

// play runs both sides and says what became of it.
func (o ReplayOptions) play(ctx context.Context, t *outlet, p *player, read past) error {
	inner, stop := context.WithCancel(ctx)
	defer stop()
	failed := make(chan error, 1)
	go func() { failed <- p.run(inner, read) }()
	err := t.delivery.Run(inner)
	stop()
	if readErr := <-failed; err == nil && !errors.Is(readErr, context.Canceled) {
		err = readErr
	}
	stats := &t.delivery.Stats
	dead := stats.Dead(pipeline.DeadPermanent) + stats.Dead(pipeline.DeadPanic) + stats.Dead(pipeline.DeadRecord)
	_, werr := fmt.Fprintf(o.Stderr, "replayed %d records: %d delivered, %d part of another event, %d held back by the filter, %d dead letters; %d were outside --since and --until, %d damaged\n",
		p.given, stats.Delivered.Load(), stats.Grouped.Load(), stats.Filtered.Load(), dead, p.outside, p.damaged)
	switch {
	case err != nil:
		return err
	case ctx.Err() != nil || stats.Done() < p.given:
		return fmt.Errorf("replay ended before all was delivered: %d of %d records done", stats.Done(), p.given)
	case p.damaged > 0:
		return fmt.Errorf("%w: %d records of the log were damaged", ErrUndelivered, p.damaged)
	}
	return werr
}

func closeReplay(t *outlet) error {
	var errs []error
	if t.sink != nil {
		errs = append(errs, t.sink.Close())
	}
	if t.dead != nil {
		errs = append(errs, t.dead.Close())
	}
	return errors.Join(errs...)
}

// sink finds the sink that is meant.
func (o ReplayOptions) sink() (configs.Sink, error) {
	var names []string
	for _, s := range o.Config.Sinks {
		if s.Name == o.Sink || o.Sink == "" && len(o.Config.Sinks) == 1 {
			return s, nil
		}
		names = append(names, s.Name)
	}
	if o.Sink == "" {
		return configs.Sink{}, fmt.Errorf("%w: --sink: there are several, write one of %s", ErrReplay, strings.Join(names, ", "))
	}
	return configs.Sink{}, fmt.Errorf("%w: --sink %q: there is none of that name, write one of %s", ErrReplay, o.Sink, strings.Join(names, ", "))
}

// open opens the source, and takes the data directory where a running vswarden must not be in the way:
// of its log, and of a file that it writes to. done gives it back.
func (o ReplayOptions) open(s configs.Sink) (read past, done func() error, err error) {
	if o.From != ReplaySpool { // which must be there
		if err := os.MkdirAll(o.Config.DataDir, 0o750); err != nil {
			return nil, nil, setting.Faults{{Path: "data_dir", Value: o.Config.DataDir, Problem: err.Error() + ", write a directory that vswarden's user may make or write to"}}
		}
	}
	switch o.From {
	case ReplaySpool:
		return o.openSpool()
	case ReplayKafka:
		if faults := o.Config.Source.Kafka.Validate(); len(faults) > 0 {
			return nil, nil, setting.Faults(setting.Under("source.kafka", faults))
		}
		read = pastTopic(topic.NewHistory(o.Config.Source.Kafka, o.Since))
	case ReplayFiles:
		if len(o.Files) == 0 {
			return nil, nil, fmt.Errorf("%w: --from files: write which ones, or - for standard input", ErrReplay)
		}
		if err := o.notItself(s); err != nil {
			return nil, nil, err
		}
		read = (&pastFiles{names: o.Files, stdin: o.Stdin, host: o.Host}).read
	default:
		return nil, nil, fmt.Errorf("%w: --from %q: write spool, files or kafka", ErrReplay, o.From)
	}
	done = func() error { return nil }
	if s.Type == configs.SinkFile {
		if err := os.MkdirAll(logDir(o.Config.DataDir), 0o700); err != nil {
			return nil, nil, fmt.Errorf("make the directory of the lock: %w", err)
		}
		lock, err := spool.OSFS{}.Lock(filepath.Join(logDir(o.Config.DataDir), "lock"))
		if err != nil {
			return nil, nil, err
		}
		done = lock.Close
	}
	return read, done, nil
}

// notItself sees to it that no file is read that the sink writes to: what was read would stand behind what is yet to be, and so
// without end.
func (o ReplayOptions) notItself(s configs.Sink) error {
	if s.Type != configs.SinkFile {
		return nil
	}
	out, err := os.Stat(s.File.Path)
	if err != nil {
		return nil //nolint:nilerr // One that is not there yet is none of them, and the sink tells of all else.
	}
	for _, name := range o.Files {
		if in, err := o.stat(name); err == nil && os.SameFile(in, out) {
			return fmt.Errorf("%w: --from files: %s: sink %s writes to it, so that there would be no end; move it away first, or name another sink", ErrReplay, name, s.Name)
		}
	}
	return nil
}

// stat is os.Stat of what eachLine reads under a name.
func (o ReplayOptions) stat(name string) (fs.FileInfo, error) {
	if name != "-" {
		return os.Stat(name)
	}
	if f, ok := o.Stdin.(*os.File); ok {
		return f.Stat()
	}
	return nil, fs.ErrNotExist
}

// openSpool opens the log of the data directory, which no process may have open.
func (o ReplayOptions) openSpool() (past, func() error, error) {
	if _, err := os.Stat(logDir(o.Config.DataDir)); errors.Is(err, fs.ErrNotExist) {
		return nil, nil, fmt.Errorf("%w: --from spool: there is no log in %s; is --data right?", ErrReplay, o.Config.DataDir)
	}
	l, err := openLog(o.Config)
	if err != nil {
		return nil, nil, err
	}
	reportDamage(o.Log, l)
	if err := l.CloseWrite(); err != nil {
		return nil, nil, errors.Join(err, l.Close())
	}
	return pastLog{l, o.Log}.read, l.Close, nil
}
