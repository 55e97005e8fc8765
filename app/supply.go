package app

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"vswarden/configs"
	"vswarden/event"
	"vswarden/kafka"
	"vswarden/pipeline"
	"vswarden/sink"
	sinkkafka "vswarden/sink/kafka"
	"vswarden/spool"
	"vswarden/topic"
)

// cursor is the place of a sink, wherever its records come from.
type cursor interface {
	pipeline.Cursor
	Backlog() uint64 // records that are not done, or not known to be
	After(p spool.Position) uint64
	Passed() uint64 // records that a new sink began behind
}

// supply is where the records of all sinks come from: the log, or in role enrich the raw topic.
type supply interface {
	// cursor opens the place of a sink; a new one begins at start.
	cursor(name string, start spool.Start) (cursor, error)
	// run does the work beside the deliveries until ctx ends, which is after they ended.
	run(ctx context.Context) error
	// closeWrite says that nothing more comes in: a delivery ends when it has done all there is.
	closeWrite() error
	close() error
}

// openSupply opens the log, or makes the source.
func openSupply(cfg configs.Config, now func() time.Time, log zerolog.Logger) (supply, error) {
	if cfg.Tier() == configs.RoleEnrich {
		return openTopicSupply(cfg, now, log)
	}
	records, err := openLog(cfg)
	if err != nil {
		return nil, err
	}
	reportDamage(log, records)
	return logSupply{records}, nil
}

type logSupply struct{ *spool.Log }

func (l logSupply) cursor(name string, start spool.Start) (cursor, error) {
	c, err := l.Cursor(name, start)
	if err != nil {
		return nil, err
	}
	return c, nil
}

func (l logSupply) run(ctx context.Context) error { return l.Run(ctx) }
func (l logSupply) closeWrite() error             { return l.CloseWrite() }
func (l logSupply) close() error                  { return l.Close() }

// logOf is the log of a supply; nil when it is none.
func logOf(s supply) *spool.Log {
	if l, ok := s.(logSupply); ok {
		return l.Log
	}
	return nil
}

// topicSupply is the raw topic, read by one member of a group for each sink.
type topicSupply struct {
	cfg     topic.Config
	back    time.Duration // how much of what is done is read again
	log     zerolog.Logger
	lock    io.Closer
	own     sink.Sink // takes events of our own to the topic
	sources []namedSource
	said    []string                                        // what was last logged of each one's trouble; report alone knows it
	emit    func(ctx context.Context, e *event.Event) error // nil until it is known
}

type namedSource struct {
	*topic.Source
	sink string
}

// Passed is nothing: how far a topic goes back is not known here.
func (namedSource) Passed() uint64 { return 0 }

// openTopicSupply takes the lock that the log has otherwise: one process owns a data directory.
func openTopicSupply(cfg configs.Config, now func() time.Time, log zerolog.Logger) (*topicSupply, error) {
	dir := logDir(cfg.DataDir)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the directory of the lock: %w", err)
	}
	lock, err := spool.OSFS{}.Lock(filepath.Join(dir, "lock"))
	if err != nil {
		return nil, err
	}
	t := &topicSupply{cfg: cfg.Source.Kafka, back: cfg.Group.Lookback, log: log, lock: lock}
	own := sinkkafka.DefaultConfig()
	own.Config, own.Topic = t.cfg.Config, t.cfg.Topic
	if t.own, err = sinkkafka.Open(own, now); err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	if left, err := spool.ListCursors(spool.OSFS{}, dir); err == nil { // what cannot be read is none of ours
		for _, c := range left {
			if c.Backlog > 0 {
				log.Warn().Str("cursor", c.Name).Uint64("records", c.Backlog).Msg("a log of another role lies in data_dir, with records that its sink has not got; they stay there until a node of role all or receive runs on it")
			}
		}
	}
	return t, nil
}

func (t *topicSupply) cursor(name string, start spool.Start) (cursor, error) {
	s := namedSource{sink: name}
	s.Source = topic.NewSource(topic.SourceConfig{
		Config: t.cfg, Sink: name, Newest: start == spool.StartNewest, Lookback: t.back,
		Lost: func(ctx context.Context, lost *kafka.LostError) { t.lost(ctx, name, lost) },
	})
	t.sources, t.said = append(t.sources, s), append(t.said, "")
	return s, nil
}

func (t *topicSupply) run(ctx context.Context) error {
	var all sync.WaitGroup
	var failed failures
	for _, s := range t.sources {
		all.Go(func() {
			if err := s.Run(ctx); err != nil {
				failed.add(fmt.Errorf("sink %s: %w", s.sink, err))
			}
		})
	}
	all.Wait()
	return errors.Join(failed.all...)
}

func (t *topicSupply) closeWrite() error {
	for _, s := range t.sources {
		s.CloseRead()
	}
	return nil
}

func (t *topicSupply) close() error { return errors.Join(t.own.Close(), t.lock.Close()) }

// lost reports messages that the topic dropped before they were read, or that cannot be read: in the program's log, and as an
// event. Its id follows from what is lost, so that a repeat is one.
func (t *topicSupply) lost(ctx context.Context, sink string, lost *kafka.LostError) {
	group := t.cfg.GroupOf(sink)
	text := "the topic lost messages before they were read; make its retention longer than any outage"
	if lost.Damage != nil {
		text = "the topic has messages that cannot be read; they are passed over"
	}
	t.log.Error().Str("sink", sink).Str("group", group).Str("topic", t.cfg.Topic).Int32("partition", lost.Partition).
		Int64("from", lost.From).Int64("to", lost.To).AnErr("damage", lost.Damage).Msg(text)
	e := event.Event{
		Common: event.Common{
			Dataset: event.DatasetLogLoss,
			Format:  event.FormatRaw,
			Message: fmt.Sprintf("topic %s, group %s: %v", t.cfg.Topic, group, lost),
		},
		Rare: event.Rare{Loss: event.LogLoss{Kind: event.LossLost, Count: uint64(max(lost.To-lost.From, 0)), Target: t.cfg.Topic}},
	}
	e.Syslog.Priority = -1
	h := sha256.New()
	_, _ = fmt.Fprintf(h, "%s\n%s\n", t.cfg.Topic, group) // a hash never fails
	_ = binary.Write(h, binary.BigEndian, []int64{int64(lost.Partition), lost.From, lost.To})
	copy(e.ID[:], h.Sum(nil))
	if err := t.emit(ctx, &e); err != nil && ctx.Err() == nil {
		t.log.Error().Err(err).Msg("the loss could not be reported as an event")
	}
}

// failing lists what is wrong with the sources.
func (t *topicSupply) failing() (bad []string) {
	for _, s := range t.sources {
		if why := s.Failing(); why != "" {
			bad = append(bad, "source "+t.cfg.GroupOf(s.sink)+": "+why)
		}
	}
	return bad
}

// report logs when a source gets into trouble, and out of it.
func (t *topicSupply) report() {
	for i, s := range t.sources {
		why := s.Failing()
		switch why {
		case t.said[i]:
		case "":
			t.log.Info().Str("sink", s.sink).Str("group", t.cfg.GroupOf(s.sink)).Msg("the topic can be read again")
		default:
			t.log.Error().Str("sink", s.sink).Str("group", t.cfg.GroupOf(s.sink)).Str("error", why).Msg("the topic cannot be read; what is in it waits there")
		}
		t.said[i] = why
	}
}

// consumed is how many records came in: of the sink that has read most.
func (t *topicSupply) consumed() (n uint64) {
	for _, s := range t.sources {
		n = max(n, s.Consumed())
	}
	return n
}
