package kafka

import (
	"slices"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"vswarden/setting"
)

func inspected(t *testing.T, c *kfake.Cluster, change func(*ProducerConfig)) []string {
	t.Helper()
	cfg := ProducerConfig{Cluster: DefaultConfig(), Topic: "t", Compression: CompressLZ4, MaxBytes: setting.MiB}
	cfg.Cluster.Brokers = c.ListenAddrs()
	if change != nil {
		change(&cfg)
	}
	found, err := Findings(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func wantFound(t *testing.T, found []string, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if !slices.ContainsFunc(found, func(f string) bool { return strings.Contains(f, text) }) {
			t.Errorf("%q is not found:\n%s", text, strings.Join(found, "\n"))
		}
	}
	if len(found) != len(texts) {
		t.Errorf("%d things found, want %d:\n%s", len(found), len(texts), strings.Join(found, "\n"))
	}
}

func TestFindings(t *testing.T) {
	c := fake(t, 3)
	if err := setConfig(t, c, "min.insync.replicas", "2"); err != nil {
		t.Fatal(err)
	}
	wantFound(t, inspected(t, c, nil))
	wantFound(t, inspected(t, c, func(cfg *ProducerConfig) { cfg.Topic = "none" }),
		"topic none: there is none; make it with: kafka-topics --bootstrap-server "+c.ListenAddrs()[0]+" --create --topic none --partitions 12 --replication-factor 3 --config min.insync.replicas=2")
	wantFound(t, inspected(t, c, func(cfg *ProducerConfig) { cfg.Topic, cfg.Create = "none", true }))
	for name, value := range map[string]string{
		"min.insync.replicas": "1", "max.message.bytes": "100000", "message.timestamp.before.max.ms": "3600000", "message.timestamp.after.max.ms": "1000",
		"cleanup.policy": "compact", "retention.ms": "60000", "retention.bytes": "1000000",
	} {
		if err := setConfig(t, c, name, value); err != nil {
			t.Fatal(err)
		}
	}
	wantFound(t, inspected(t, c, nil), "min.insync.replicas is 1", "max.message.bytes is 100000", "message.timestamp.before.max.ms is 1h0m0s",
		"message.timestamp.after.max.ms is 1s", "cleanup.policy is compact", "retention.ms is 1m0s", "retention.bytes is 1000000")
}

func TestFindingsByRight(t *testing.T) {
	c := fake(t, 3, kfake.EnableSASL(), kfake.EnableACLs(), kfake.Superuser("PLAIN", "admin", "secret"), kfake.User("PLAIN", "nobody", "secret"),
		kfake.User("PLAIN", "writer", "secret", kfake.ACL{Resource: kmsg.ACLResourceTypeTopic, Name: "t", Pattern: kmsg.ACLResourcePatternTypeLiteral, Operation: kmsg.ACLOperationWrite, Allow: true}))
	as := func(user string) func(*ProducerConfig) {
		return func(cfg *ProducerConfig) {
			cfg.Cluster.SASL = SASL{Mechanism: SASLPlain, Username: user, Password: setting.NewSecret("secret")}
		}
	}
	wantFound(t, inspected(t, c, as("nobody")), "topic t: user nobody may not write to it")
	wantFound(t, inspected(t, c, as("writer")), "its settings could not be read (ACL DescribeConfigs)")
}

func TestFindingsOfOneReplica(t *testing.T) {
	found := topicConfig{"min.insync.replicas": "1"}.findings(&ProducerConfig{Topic: "t", MaxBytes: setting.MiB}, 1)
	wantFound(t, found, "its replication factor is 1")
	found = topicConfig{"min.insync.replicas": "3"}.findings(&ProducerConfig{Topic: "t", MaxBytes: setting.MiB}, 3)
	wantFound(t, found, "no broker may be down")
}
