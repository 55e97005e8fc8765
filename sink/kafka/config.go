package kafka

import (
	"vswarden/kafka"
	"vswarden/setting"
)

// Config is a Kafka sink. That every in-sync replica has an event before it counts as delivered
// (acks=all) is no setting.
type Config struct {
	// Config says how to reach the cluster.
	kafka.Config `yaml:",inline"`
	// Topic is where events go.
	Topic string `yaml:"topic"`
	// CreateTopics makes the topic where it is missing, with the cluster's defaults for partitions
	// and replicas. Off: a topic is made by those who run Kafka, who know how many it needs.
	CreateTopics bool `yaml:"create_topics"`
	// Compression is none, snappy, lz4 or zstd.
	Compression kafka.Compression `yaml:"compression"`
	// MaxMessageBytes bounds a batch of events as Kafka keeps it, and so a single event: what the
	// topic's max.message.bytes says.
	MaxMessageBytes setting.Bytes `yaml:"max_message_bytes"`
}

// DefaultConfig returns the defaults; the brokers are the user's.
func DefaultConfig() Config {
	return Config{
		Config:          kafka.DefaultConfig(),
		Topic:           "esxi.events.v1",
		Compression:     kafka.CompressSnappy,
		MaxMessageBytes: setting.MiB,
	}
}

// Validate returns every fault of c.
func (c Config) Validate() []setting.Fault {
	return append(c.Config.Validate(), c.producer().Validate()...)
}

func (c Config) producer() kafka.ProducerConfig {
	return kafka.ProducerConfig{
		Cluster: c.Config, Topic: c.Topic, Create: c.CreateTopics,
		Compression: c.Compression, MaxBytes: c.MaxMessageBytes,
	}
}
