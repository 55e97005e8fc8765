package kafka

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol/createtopics"
	"github.com/segmentio/kafka-go/protocol/metadata"
)

// topicView is what the cluster said of a topic: who leads which partition.
type topicView struct {
	leaders []int32          // broker by partition; noLeader
	brokers map[int32]string // address by broker
	fetched time.Time
	stale   atomic.Bool // an answer showed that it is wrong, or may be
}

// addresses lists the brokers by their numbers.
func (v *topicView) addresses() []string {
	var all []string
	for _, id := range slices.Sorted(maps.Keys(v.brokers)) {
		all = append(all, v.brokers[id])
	}
	return all
}

const noLeader = -1

// viewMax is how old a view may grow while nothing goes wrong. It is there for partitions that are
// added; a leader that is gone shows itself by an error, after which the view is fetched anew.
const viewMax = time.Minute

// fresh says whether v may be used.
func (v *topicView) fresh(now time.Time) bool {
	return v != nil && !v.stale.Load() && now.Sub(v.fetched) < viewMax
}

// again is v, good for some more seconds.
func (v *topicView) again() *topicView {
	return &topicView{leaders: v.leaders, brokers: v.brokers, fetched: time.Now().Add(-viewMax * 5 / 6)}
}

// errMade says that a topic was just made.
var errMade = errors.New("the topic was missing and has been made; it is not ready yet")

// fetchView asks one broker after the other for a topic, each over a connection of its own: an old
// one would hide that we are not let in any more. The error names every broker.
func fetchView(ctx context.Context, cfg *Config, addrs []string, topic string, use use) (v *topicView, by string, err error) {
	var errs []error
	for _, addr := range addrs {
		v, err := fetchViewFrom(ctx, cfg, addr, topic, use)
		var answered topicError
		switch {
		case err == nil:
			return v, addr, nil
		case ctx.Err() != nil:
			return nil, "", ctx.Err()
		case errors.As(err, &answered):
			return nil, "", err // the others would say the same
		}
		errs = append(errs, err)
	}
	return nil, "", joinErrors(errs)
}

// topicError is a broker's own word on a topic.
type topicError struct{ err error }

func (e topicError) Error() string { return e.err.Error() }
func (e topicError) Unwrap() error { return e.err }

func fetchViewFrom(ctx context.Context, cfg *Config, addr, topic string, use use) (*topicView, error) {
	c, err := dial(ctx, cfg, addr)
	if err != nil {
		return nil, err
	}
	defer c.close()
	res, err := askTopic(ctx, cfg, c, topic, false)
	if err != nil {
		return nil, err
	}
	if len(res.Topics) != 1 {
		return nil, fmt.Errorf("broker %s: ask for topic %s: %w", addr, topic, errNoKafka)
	}
	v := &topicView{brokers: make(map[int32]string, len(res.Brokers)), fetched: time.Now()}
	for _, b := range res.Brokers {
		v.brokers[b.NodeID] = hostPort(b.Host, b.Port)
	}
	t := &res.Topics[0]
	if kafkago.Error(t.ErrorCode) == kafkago.UnknownTopicOrPartition && use == toCreate {
		controller, ok := v.brokers[res.ControllerID]
		if !ok {
			controller = addr
		}
		if err := createTopic(ctx, cfg, controller, topic); err != nil {
			return nil, topicError{err}
		}
		return nil, topicError{fmt.Errorf("topic %s: %w", topic, errMade)}
	}
	if t.ErrorCode != 0 {
		explain := explainTopic
		if use == toRead {
			explain = explainRead
		}
		return nil, topicError{explain(cfg, topic, brokerError(t.ErrorCode, ""))}
	}
	v.leaders = make([]int32, len(t.Partitions))
	for i := range v.leaders {
		v.leaders[i] = noLeader
	}
	for _, p := range t.Partitions {
		if int(p.PartitionIndex) >= len(v.leaders) || p.PartitionIndex < 0 {
			return nil, fmt.Errorf("broker %s: ask for topic %s: %w", addr, topic, errNoKafka)
		}
		if _, ok := v.brokers[p.LeaderID]; ok {
			v.leaders[p.PartitionIndex] = p.LeaderID
		}
	}
	if len(v.leaders) == 0 {
		return nil, topicError{fmt.Errorf("topic %s: it has no partitions yet", topic)}
	}
	return v, nil
}

// askTopic asks a broker for a topic, and for our rights on it where rights is set: the first question over a connection.
func askTopic(ctx context.Context, cfg *Config, c *conn, topic string, rights bool) (*metadata.Response, error) {
	req := &metadata.Request{TopicNames: []string{topic}, IncludeTopicAuthorizedOperations: rights}
	res, err := exchange[metadata.Response](ctx, c, req, cfg.RequestTimeout)
	if err != nil {
		if cfg.SASL.Mechanism == "" && errors.Is(err, io.EOF) {
			err = errors.New("it closed the connection; does this port want a user (sasl.mechanism)?")
		}
		return nil, fmt.Errorf("broker %s: ask for topic %s: %w", c.addr, topic, plainError(err))
	}
	return res, nil
}

func hostPort(host string, port int32) string {
	return net.JoinHostPort(host, strconv.Itoa(int(port)))
}

// createTopic makes a topic as the brokers' own defaults want it.
func createTopic(ctx context.Context, cfg *Config, addr, topic string) error {
	c, err := dial(ctx, cfg, addr)
	if err != nil {
		return err
	}
	defer c.close()
	res, err := exchange[createtopics.Response](ctx, c, &createtopics.Request{
		Topics:    []createtopics.RequestTopic{{Name: topic, NumPartitions: -1, ReplicationFactor: -1}},
		TimeoutMs: int32(cfg.RequestTimeout.Milliseconds() * 3 / 4),
	}, cfg.RequestTimeout)
	if err != nil {
		return fmt.Errorf("broker %s: create topic %s: %w", addr, topic, plainError(err))
	}
	if len(res.Topics) != 1 {
		return fmt.Errorf("broker %s: create topic %s: %w", addr, topic, errNoKafka)
	}
	t := &res.Topics[0]
	if code := kafkago.Error(t.ErrorCode); t.ErrorCode != 0 && code != kafkago.TopicAlreadyExists {
		return fmt.Errorf("create topic %s: %w", topic, brokerError(t.ErrorCode, t.ErrorMessage))
	}
	return nil
}

// explainTopic says what to do about a broker's refusal that names a topic.
func explainTopic(cfg *Config, topic string, err error) error {
	switch {
	case errors.Is(err, kafkago.UnknownTopicOrPartition):
		return fmt.Errorf("topic %s: there is no such topic, make it or set create_topics: true: %w", topic, err)
	case errors.Is(err, kafkago.TopicAuthorizationFailed):
		return fmt.Errorf("topic %s: %s may not write to it; it needs the ACLs Write and Describe: %w", topic, who(cfg), err)
	case errors.Is(err, kafkago.ClusterAuthorizationFailed):
		return fmt.Errorf("topic %s: %s is not allowed to do that in this cluster: %w", topic, who(cfg), err)
	case errors.Is(err, kafkago.InvalidTimestamp):
		return fmt.Errorf("topic %s: it takes no records as old, or as far ahead, as these: set this machine's clock, or the topic's message.timestamp.before.max.ms and after.max.ms: %w", topic, err)
	case errors.Is(err, kafkago.UnsupportedCompressionType):
		return fmt.Errorf("topic %s: this broker does not know the compression, write another one: %w", topic, err)
	case errors.Is(err, kafkago.NotEnoughReplicas), errors.Is(err, kafkago.NotEnoughReplicasAfterAppend):
		return fmt.Errorf("topic %s: fewer replicas are in sync than its min.insync.replicas: %w", topic, err)
	}
	return fmt.Errorf("topic %s: %w", topic, err)
}

// explainRead is explainTopic for those who read.
func explainRead(cfg *Config, topic string, err error) error {
	if errors.Is(err, kafkago.TopicAuthorizationFailed) {
		return fmt.Errorf("topic %s: %s may not read it; it needs the ACLs Read and Describe: %w", topic, who(cfg), err)
	}
	if errors.Is(err, kafkago.UnknownTopicOrPartition) {
		return fmt.Errorf("topic %s: there is no such topic, make it: %w", topic, err)
	}
	return explainTopic(cfg, topic, err)
}

// who is what a broker knows us as.
func who(cfg *Config) string {
	switch {
	case cfg.SASL.Username != "":
		return "user " + cfg.SASL.Username
	case cfg.TLS.CertFile != "":
		return "the owner of " + cfg.TLS.CertFile
	}
	return "this client"
}

// joinErrors is all errors on one line, each text once, in an order that does not change.
func joinErrors(errs []error) error {
	if len(errs) == 1 {
		return errs[0]
	}
	return joined(errs)
}

type joined []error

func (j joined) Error() string {
	var texts []string
	for _, err := range j {
		if text := err.Error(); !slices.Contains(texts, text) {
			texts = append(texts, text)
		}
	}
	slices.Sort(texts)
	return strings.Join(texts, "; ")
}

func (j joined) Unwrap() []error { return j }
