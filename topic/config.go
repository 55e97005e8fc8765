package topic

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"vswarden/kafka"
	"vswarden/setting"
)

// Config is the topic that role enrich reads.
type Config struct {
	// Config says how to reach the cluster.
	kafka.Config `yaml:",inline"`
	// Topic is where a node of role receive writes.
	Topic string `yaml:"topic"`
	// Group begins the name of each consumer group: GROUP.SINK. Nodes with the same one share the work.
	Group string `yaml:"group"`
	// SessionTimeout is how long a node that says nothing keeps its partitions.
	SessionTimeout time.Duration `yaml:"session_timeout"`
}

// DefaultConfig returns the defaults; the brokers are the user's.
func DefaultConfig() Config {
	return Config{Config: kafka.DefaultConfig(), Topic: "esxi.raw.v1", Group: "vswarden", SessionTimeout: 45 * time.Second}
}

// Bounds of SessionTimeout, as brokers have them by default.
const (
	minSession = 6 * time.Second
	maxSession = 30 * time.Minute
)

// Validate returns every fault of c.
func (c Config) Validate() []setting.Fault {
	faults := c.Config.Validate()
	fault := func(path, value, problem string) {
		faults = append(faults, setting.Fault{Path: path, Value: value, Problem: problem})
	}
	if !kafka.IsTopic(c.Topic) {
		fault("topic", strconv.Quote(c.Topic), "no topic's name, write 1 to 249 of A-Z a-z 0-9 . _ -")
	}
	if strings.TrimSpace(c.Group) == "" || len(c.Group) > 128 {
		fault("group", strconv.Quote(c.Group), "no name for a group, write 1 to 128 bytes such as vswarden")
	}
	if c.SessionTimeout < minSession || c.SessionTimeout > maxSession {
		fault("session_timeout", c.SessionTimeout.String(), fmt.Sprintf("not within %v and %v, which brokers allow, write a duration such as 45s", minSession, maxSession))
	}
	return faults
}

// group is the member's settings for a sink.
func (c Config) group(sink string, newest bool) kafka.GroupConfig {
	g := kafka.DefaultGroupConfig()
	g.Cluster, g.Topic, g.Group, g.Newest = c.Config, c.Topic, c.GroupOf(sink), newest
	g.SessionTimeout = c.SessionTimeout
	g.Heartbeat = min(g.Heartbeat, c.SessionTimeout/6)
	return g
}

// GroupOf is the name of the group that a sink's deliveries are members of.
func (c Config) GroupOf(sink string) string { return c.Group + "." + sink }
