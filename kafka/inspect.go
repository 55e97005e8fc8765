package kafka

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol/describeconfigs"
	"github.com/segmentio/kafka-go/protocol/metadata"
	"github.com/segmentio/kafka-go/protocol/offsetfetch"

	"vswarden/setting"
)

// Findings connects to the cluster, asks for the topic and says what is missing and what will bite:
// for people, and for `vswarden check --connect`. Nothing found is nothing to worry about. An error
// says that the cluster could not be asked.
func Findings(ctx context.Context, cfg ProducerConfig) ([]string, error) {
	return inspect(ctx, cfg, false, needWrite("nothing is delivered to it"))
}

// GroupFindings is Findings for members of a group: what of the topic bites those who read it, and
// whether the group may be used. It joins nothing and commits nothing. writes is what the members write to the
// topic besides, "" for nothing.
func GroupFindings(ctx context.Context, cfg GroupConfig, writes string) ([]string, error) {
	needs := []need{needRead("nothing is read from it")}
	if writes != "" {
		needs = append(needs, needWrite(writes+" do not get into it"))
	}
	found, err := inspect(ctx, ProducerConfig{Cluster: cfg.Cluster, Topic: cfg.Topic}, true, needs...)
	if err != nil {
		return nil, err
	}
	g := NewGroup(cfg)
	c, err := g.coordinator(ctx)
	if err == nil {
		defer c.close()
		var res *offsetfetch.Response
		res, err = ask[offsetfetch.Response](ctx, c, &offsetfetch.Request{
			GroupID: cfg.Group, Topics: []offsetfetch.RequestTopic{{Name: cfg.Topic, PartitionIndexes: []int32{0}}},
		}, cfg.Cluster.RequestTimeout)
		switch {
		case err != nil:
		case kafkago.Error(res.ErrorCode) == kafkago.GroupIdNotFound: // its first member makes it
		case res.ErrorCode != 0:
			err = g.explain(brokerError(res.ErrorCode, ""))
		case len(res.Topics) == 1 && len(res.Topics[0].Partitions) == 1 && res.Topics[0].Partitions[0].ErrorCode != 0:
			err = g.explain(brokerError(res.Topics[0].Partitions[0].ErrorCode, ""))
		}
	}
	if ctx.Err() != nil {
		return found, ctx.Err()
	}
	ofTopic := errors.Is(err, kafkago.TopicAuthorizationFailed) || errors.Is(err, kafkago.UnknownTopicOrPartition)
	if err != nil && (len(found) == 0 || !ofTopic) { // what the topic lacks is told once
		found = append(found, err.Error())
	}
	return found, nil
}

// inspect asks one broker after the other until one answers.
func inspect(ctx context.Context, cfg ProducerConfig, reads bool, needs ...need) ([]string, error) {
	var errs []error
	for _, addr := range cfg.Cluster.Brokers {
		found, err := findings(ctx, &cfg, addr, reads, needs)
		if err == nil || ctx.Err() != nil {
			return found, err
		}
		errs = append(errs, err)
	}
	return nil, joinErrors(errs)
}

func findings(ctx context.Context, cfg *ProducerConfig, addr string, reads bool, needs []need) ([]string, error) {
	c, err := dial(ctx, &cfg.Cluster, addr)
	if err != nil {
		return nil, err
	}
	defer c.close()
	res, err := askTopic(ctx, &cfg.Cluster, c, cfg.Topic, true)
	if err != nil {
		return nil, err
	}
	if len(res.Topics) != 1 {
		return nil, errNoKafka
	}
	t := &res.Topics[0]
	switch code := kafkago.Error(t.ErrorCode); {
	case code == kafkago.UnknownTopicOrPartition && cfg.Create:
		return nil, nil // it will be made
	case code == kafkago.UnknownTopicOrPartition:
		return []string{missing(cfg, addr, len(res.Brokers))}, nil
	case code == 0 && len(t.Partitions) == 0:
		return []string{fmt.Sprintf("topic %s: it has no partitions yet", cfg.Topic)}, nil
	case code != 0:
		explain := explainTopic
		if reads {
			explain = explainRead
		}
		return []string{explain(&cfg.Cluster, cfg.Topic, brokerError(t.ErrorCode, "")).Error()}, nil
	}
	found := lacking(&cfg.Cluster, addr, t, needs)
	if reads {
		found = append(found, headless(cfg.Topic, t)...)
		if settings, err := topicSettings(ctx, cfg, c); err == nil { // it is not the reader's to set
			found = append(found, settings.readFindings(cfg.Topic)...)
		}
		return found, nil
	}
	found = append(found, replicas(cfg.Topic, t)...)
	settings, err := topicSettings(ctx, cfg, c)
	if errors.Is(err, kafkago.TopicAuthorizationFailed) {
		return append(found, lacks(&cfg.Cluster, addr, cfg.Topic, needSettings)), nil
	}
	if err != nil {
		return found, err
	}
	return append(found, settings.findings(cfg, len(t.Partitions[0].ReplicaNodes))...), nil
}

// missing is the line that makes a topic.
func missing(cfg *ProducerConfig, addr string, brokers int) string {
	factor, insync := min(brokers, 3), 1
	if factor == 3 {
		insync = 2
	}
	return fmt.Sprintf("topic %s: there is none; make it with: kafka-topics --bootstrap-server %s --create --topic %s --partitions 12 --replication-factor %d --config min.insync.replicas=%d --config cleanup.policy=delete",
		cfg.Topic, addr, cfg.Topic, factor, insync)
}

// headless finds partitions without a leader.
func headless(topic string, t *metadata.ResponseTopic) []string {
	n := 0
	for _, p := range t.Partitions {
		if p.ErrorCode != 0 || p.LeaderID < 0 {
			n++
		}
	}
	if n == 0 {
		return nil
	}
	return []string{fmt.Sprintf("topic %s: %d of %d partitions have no leader at the moment", topic, n, len(t.Partitions))}
}

// replicas finds partitions without a leader or with fewer replicas in sync than there are.
func replicas(topic string, t *metadata.ResponseTopic) []string {
	found, behind := headless(topic, t), 0
	for _, p := range t.Partitions {
		if p.ErrorCode == 0 && p.LeaderID >= 0 && len(p.IsrNodes) < len(p.ReplicaNodes) {
			behind++
		}
	}
	if behind > 0 {
		found = append(found, fmt.Sprintf("topic %s: %d of %d partitions have replicas that are not in sync", topic, behind, len(t.Partitions)))
	}
	return found
}

// topicConfig is what a topic is set to, as far as it matters to who writes.
type topicConfig map[string]string

func topicSettings(ctx context.Context, cfg *ProducerConfig, c *conn) (topicConfig, error) {
	const topic = 2 // type of a resource
	res, err := roundTrip[describeconfigs.Response](ctx, c, &describeconfigs.Request{
		Resources: []describeconfigs.RequestResource{{ResourceType: topic, ResourceName: cfg.Topic}},
	}, cfg.Cluster.RequestTimeout)
	if err != nil {
		return nil, err
	}
	if len(res.Resources) != 1 {
		return nil, errNoKafka
	}
	if r := &res.Resources[0]; r.ErrorCode != 0 {
		return nil, brokerError(r.ErrorCode, r.ErrorMessage)
	}
	all := topicConfig{}
	for _, e := range res.Resources[0].ConfigEntries {
		all[e.ConfigName] = e.ConfigValue
	}
	return all, nil
}

// number is a setting, or the value for none.
func (t topicConfig) number(name string, none int64) int64 {
	n, err := strconv.ParseInt(t[name], 10, 64)
	if err != nil {
		return none
	}
	return n
}

// Limits of message.timestamp below which a backlog or a clock that is a little off is refused.
const (
	backlogEnough = 7 * 24 * time.Hour
	aheadEnough   = 5 * time.Minute
)

func (t topicConfig) findings(cfg *ProducerConfig, factor int) (found []string) {
	say := func(format string, args ...any) {
		found = append(found, "topic "+cfg.Topic+": "+fmt.Sprintf(format, args...))
	}
	insync, bite := t.number("min.insync.replicas", 1), "while one is out of sync, one broker's disk holds the only copy of what counts as delivered"
	if insync > 1 {
		bite = "no broker may be down; events wait while one is"
	}
	switch {
	case factor == 1:
		say("its replication factor is 1: one broker's disk holds the only copy of what counts as delivered")
	case factor == 2: // at 1 a copy is too few, at 2 a broker
		say("its replication factor is 2 with min.insync.replicas %d: %s; give it a replication factor of 3 and min.insync.replicas 2", insync, bite)
	case insync < 2:
		say("min.insync.replicas is %d: while replicas are out of sync, one broker's disk holds the only copy of what counts as delivered; set it to 2", insync)
	case insync >= int64(factor):
		say("min.insync.replicas is %d with %d replicas: no broker may be down; events wait while one is; set it to 2", insync, factor)
	}
	if n := t.number("max.message.bytes", int64(cfg.MaxBytes)); n < int64(cfg.MaxBytes) {
		say("max.message.bytes is %d, less than max_message_bytes (%v): larger batches are sent, refused and halved; set both to the same", n, cfg.MaxBytes)
	}
	kind, zero := t["message.timestamp.type"], int64(0)
	before := t.number("message.timestamp.before.max.ms", zero)
	after := t.number("message.timestamp.after.max.ms", zero)
	if kind != "LogAppendTime" && before > 0 && before < backlogEnough.Milliseconds() {
		say("message.timestamp.before.max.ms is %v: after an outage longer than that, what waited is refused", time.Duration(before)*time.Millisecond)
	}
	if kind != "LogAppendTime" && after > 0 && after < aheadEnough.Milliseconds() {
		say("message.timestamp.after.max.ms is %v: a clock here that is further ahead of the brokers' than that stops the sink", time.Duration(after)*time.Millisecond)
	}
	if kind == "LogAppendTime" {
		say("message.timestamp.type is LogAppendTime: the time of a record is when a broker stored it, not when its line was received; set it to CreateTime")
	}
	if policy := t["cleanup.policy"]; policy != "" && policy != "delete" {
		say("cleanup.policy is %s: of each sender only the last event is kept; set it to delete", policy)
	}
	return append(found, t.retention(cfg.Topic)...)
}

// readFindings finds what bites those who read.
func (t topicConfig) readFindings(topic string) (found []string) {
	if policy := t["cleanup.policy"]; policy != "" && policy != "delete" {
		found = append(found, fmt.Sprintf("topic %s: cleanup.policy is %s: of each sender only the last line is kept, and those before it may go unread; set it to delete", topic, policy))
	}
	return append(found, t.retention(topic)...)
}

// retention finds bounds that those who read may meet.
func (t topicConfig) retention(topic string) (found []string) {
	if ms := t.number("retention.ms", -1); ms > 0 && ms < int64(time.Hour/time.Millisecond) {
		found = append(found, fmt.Sprintf("topic %s: retention.ms is %v: consumers that are away for longer lose events", topic, time.Duration(ms)*time.Millisecond))
	}
	if b := setting.Bytes(t.number("retention.bytes", -1)); b > 0 && b < 64*setting.MiB {
		found = append(found, fmt.Sprintf("topic %s: retention.bytes is %v in each partition: consumers that fall further behind lose events", topic, b))
	}
	return found
}
