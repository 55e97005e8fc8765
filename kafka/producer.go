package kafka

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync"

	"vswarden/setting"
)

// ProducerConfig is all that a Producer needs.
type ProducerConfig struct {
	Cluster Config
	Topic   string
	// Create makes the topic, with the cluster's defaults, where it is missing.
	Create      bool
	Compression Compression
	// MaxBytes bounds a record batch, compressed, as the topic's max.message.bytes does.
	MaxBytes setting.Bytes
}

// Producer writes messages to one topic, each to the partition that the Java client would choose,
// and waits until all in-sync replicas have them (acks=all). It tries nothing twice, and starts
// nothing that outlives a call. Its methods may be called from several goroutines.
//
// What several callers bring while a broker is busy goes there in one request: there is at most one
// under way to each broker, and so one batch under way to each partition.
type Producer struct {
	cfg ProducerConfig

	lookup *lookup
	mu     sync.Mutex // guards what follows
	view   *topicView // the links are of
	links  map[string]*link
	closed bool
}

// NewProducer makes a Producer. It connects when it is first used. The config is valid.
func NewProducer(cfg ProducerConfig) (*Producer, error) {
	if _, err := newPacker(cfg.Compression); err != nil {
		return nil, err
	}
	p := &Producer{cfg: cfg, links: map[string]*link{}}
	use := toWrite
	if cfg.Create {
		use = toCreate
	}
	p.lookup = newLookup(&p.cfg.Cluster, cfg.Topic, use)
	return p, nil
}

// Produce writes messages and returns when it is known, as far as it can be, what became of each.
// An error means that none is known to be stored; else verdicts are nil when all are stored, or have
// one error for each message, nil where it is. A RefusedError is for good; after any other a
// message may be stored or not, and is to be written again. Of messages with one key none is stored
// before an earlier one that was not refused. Nothing of messages is read after Produce returned.
func (p *Producer) Produce(ctx context.Context, messages []Message) (verdicts []error, err error) {
	if len(messages) == 0 {
		return nil, nil
	}
	view, err := p.topic(ctx)
	if err != nil {
		return nil, err
	}
	works := p.sort(view, messages)
	var others sync.WaitGroup
	for _, w := range works[1:] {
		others.Go(func() { w.link.submit(ctx, w) })
	}
	works[0].link.submit(ctx, works[0])
	others.Wait()
	for _, w := range works {
		if w.failed {
			view.stale.Store(true)
		}
		if w.failed || w.refused {
			verdicts = w.verdicts // all works share them
		}
	}
	return verdicts, nil
}

// sort gives each broker's link its messages, by partition and in order.
func (p *Producer) sort(view *topicView, messages []Message) []*work {
	n := len(view.leaders)
	parts := newParts(n, len(messages))
	verdicts := make([]error, len(messages))
	var works []*work
	for i := range messages {
		part := partitionOf(messages[i].Key, n)
		if !parts.add(part, int32(i)) {
			continue // not the first of its partition
		}
		leader := view.leaders[part]
		at := slices.IndexFunc(works, func(w *work) bool { return w.leader == leader })
		if at < 0 {
			at = len(works)
			works = append(works, &work{
				link: p.link(view, leader), leader: leader, messages: messages, parts: parts,
				verdicts: verdicts, done: make(chan struct{}),
			})
		}
		works[at].own = append(works[at].own, part)
	}
	return works
}

// link returns the way to a broker; for no leader it is one that fails.
func (p *Producer) link(view *topicView, leader int32) *link {
	addr := view.brokers[leader] // "" for noLeader
	p.mu.Lock()
	defer p.mu.Unlock()
	l := p.links[addr]
	if l == nil {
		l = newLink(&p.cfg, p.lookup, addr)
		p.links[addr] = l
	}
	return l
}

// topic returns a view of the topic that is fresh, and drops the links to brokers that are gone.
func (p *Producer) topic(ctx context.Context) (*topicView, error) {
	view, err := p.lookup.fresh(ctx)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, errClosed
	}
	if view != p.view {
		p.view = view
		for addr, l := range p.links {
			if !slices.Contains(view.addresses(), addr) {
				delete(p.links, addr)
				l.retire()
			}
		}
	}
	return view, nil
}

// Close closes all connections. No Produce runs and none follows.
func (p *Producer) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	for _, l := range p.links {
		l.retire()
	}
	clear(p.links)
	return nil
}

// Validate returns every fault of c that is not the cluster's.
func (c ProducerConfig) Validate() (faults []setting.Fault) {
	fault := func(path, value, problem string) {
		faults = append(faults, setting.Fault{Path: path, Value: value, Problem: problem})
	}
	if !IsTopic(c.Topic) {
		fault("topic", strconv.Quote(c.Topic), "no topic's name, write 1 to 249 of A-Z a-z 0-9 . _ -")
	}
	switch c.Compression {
	case CompressNone, CompressSnappy, CompressLZ4, CompressZstd:
	default:
		fault("compression", strconv.Quote(string(c.Compression)), "not one of none, snappy, lz4, zstd, write one of them")
	}
	if c.MaxBytes < minMaxBytes || c.MaxBytes > maxMaxBytes {
		fault("max_message_bytes", c.MaxBytes.String(), fmt.Sprintf("not within %v and %v, write what the topic's max.message.bytes allows", minMaxBytes, maxMaxBytes))
	}
	return faults
}

// Bounds of MaxBytes.
const (
	minMaxBytes = 16 * setting.KiB
	maxMaxBytes = 64 * setting.MiB
)

// IsTopic says whether Kafka takes s as the name of a topic.
func IsTopic(s string) bool {
	for _, c := range []byte(s) {
		letter := c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c >= '0' && c <= '9'
		if !letter && c != '.' && c != '_' && c != '-' {
			return false
		}
	}
	return len(s) > 0 && len(s) <= 249 && s != "." && s != ".."
}
