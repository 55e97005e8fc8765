package configs

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"vswarden/pipeline"
	"vswarden/setting"
	"vswarden/topic"
)

// Role is the part of the way from socket to sink that a node does.
type Role string

// The roles.
const (
	RoleAll     Role = "all"
	RoleReceive Role = "receive"
	RoleEnrich  Role = "enrich"
)

// Source is where records come from when not from sockets.
type Source struct {
	// Kafka is the raw topic that nodes of role receive write to.
	Kafka topic.Config `yaml:"kafka"`
}

// set says whether the source is named.
func (s Source) set() bool { return len(s.Kafka.Brokers) > 0 }

// Tier is the role of this node, also where nobody said it.
func (c Config) Tier() Role {
	switch {
	case c.Role != "":
		return c.Role
	case c.Source.set():
		return RoleEnrich
	}
	return RoleAll
}

// settleRole takes the default listeners away from a node that has none.
func (c *Config) settleRole() {
	switch {
	case !c.defaultListeners:
	case c.Tier() == RoleEnrich:
		c.Listeners = nil
	case c.Listeners == nil: // the role was another one before
		c.Listeners = defaultListeners()
	}
}

// roleFaults says what does not go with the role.
func (c Config) roleFaults() (faults []setting.Fault) {
	fault := func(path, value, problem string) {
		faults = append(faults, setting.Fault{Path: path, Value: value, Problem: problem})
	}
	role := c.Tier()
	switch role {
	case RoleAll:
	case RoleReceive:
		for i, s := range c.Sinks {
			switch path := fmt.Sprintf("sinks[%d]", i); {
			case s.Type != SinkKafka:
				fault(path+".type", show(string(s.Type)), "role receive hands frames on by Kafka alone, write type: kafka with format: raw, or role: all")
			case s.Format != pipeline.FormatRaw:
				fault(path+".format", show(string(s.Format)), "role receive decodes nothing, write format: raw (and topic: esxi.raw.v1), or role: all")
			}
		}
		for i, l := range c.Listeners {
			if l.Timezone == "Local" {
				fault(fmt.Sprintf("listeners[%d].timezone", i), `"Local"`, "the node that decodes may be elsewhere, write the zone's name, such as Europe/Berlin")
			}
		}
	case RoleEnrich:
		if len(c.Listeners) > 0 {
			fault("listeners", "[…]", "role enrich has none, it reads source.kafka, delete the key (and --listen), or write role: all")
		}
		faults = append(faults, setting.Under("source.kafka", c.Source.Kafka.Validate())...)
		return append(faults, c.loopFaults()...)
	default:
		return oneOf("role", string(role), string(RoleAll), string(RoleReceive), string(RoleEnrich))
	}
	if len(diff("", reflect.ValueOf(c.Source), reflect.ValueOf(Source{Kafka: topic.DefaultConfig()}))) > 0 {
		fault("source", "{…}", fmt.Sprintf("not for role %s, write role: enrich or delete it", role))
	}
	return faults
}

// loopFaults finds sinks that write to the topic that is read: each event would come back as a record, and
// for ever. One broker in common makes it one cluster; two names for one broker cannot be told here.
func (c Config) loopFaults() (faults []setting.Fault) {
	from := c.Source.Kafka
	for i, s := range c.Sinks {
		if s.Type != SinkKafka || s.Kafka.Topic != from.Topic || from.Topic == "" {
			continue
		}
		for _, broker := range s.Kafka.Brokers {
			if broker == "" || !slices.ContainsFunc(from.Brokers, func(b string) bool { return strings.EqualFold(b, broker) }) {
				continue
			}
			faults = append(faults, setting.Fault{
				Path: fmt.Sprintf("sinks[%d].kafka.topic", i), Value: show(s.Kafka.Topic),
				Problem: fmt.Sprintf("source.kafka.topic is this one too, at %s: what is written would be read again for ever, write two, such as esxi.raw.v1 there and esxi.events.v1 here", broker),
			})
			break
		}
	}
	return faults
}
