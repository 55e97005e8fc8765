package kafka

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/segmentio/kafka-go/protocol/metadata"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

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
	read, err := GroupFindings(t.Context(), groupConfig(c), "")
	if err != nil {
		t.Fatal(err)
	}
	wantFound(t, read, "topic t: cleanup.policy is compact: of each sender only the last line is kept", "retention.ms is 1m0s", "retention.bytes is 1000000")
	if err := setConfig(t, c, "message.timestamp.type", "LogAppendTime"); err != nil {
		t.Fatal(err)
	}
	wantFound(t, inspected(t, c, nil), "min.insync.replicas is 1", "max.message.bytes is 100000", "message.timestamp.type is LogAppendTime",
		"cleanup.policy is compact", "retention.ms is 1m0s", "retention.bytes is 1000000")
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
	wantFound(t, inspected(t, c, as("writer")), "topic t: user writer lacks the ACL DescribeConfigs, without which its settings (min.insync.replicas, max.message.bytes, message.timestamp.*, retention.*, cleanup.policy) are not checked; add it with: kafka-acls --bootstrap-server "+
		c.ListenAddrs()[0]+" --add --allow-principal User:writer --operation DescribeConfigs --topic t")
}

// A broker shows a topic to whoever may describe it; that was taken for the right to write to it and to read it.
func TestFindingsNameTheRightThatIsMissing(t *testing.T) {
	on := func(kind kmsg.ACLResourceType, name string, ops ...kmsg.ACLOperation) (all []kfake.ACL) {
		for _, op := range ops {
			all = append(all, kfake.ACL{Resource: kind, Name: name, Pattern: kmsg.ACLResourcePatternTypeLiteral, Operation: op, Allow: true})
		}
		return all
	}
	const topic, group = kmsg.ACLResourceTypeTopic, kmsg.ACLResourceTypeGroup
	const read, write, describe, configs = kmsg.ACLOperationRead, kmsg.ACLOperationWrite, kmsg.ACLOperationDescribe, kmsg.ACLOperationDescribeConfigs
	user := func(name string, acls ...[]kfake.ACL) kfake.Opt {
		return kfake.User("PLAIN", name, "secret", slices.Concat(acls...)...)
	}
	c := fake(t, 3, kfake.EnableSASL(), kfake.EnableACLs(), kfake.Superuser("PLAIN", "admin", "secret"),
		user("o'brien of it", on(topic, "t", describe, configs)),
		user("looks", on(topic, "t", describe, configs), on(group, "g", read)),
		user("reads", on(topic, "t", read, configs), on(group, "g", read)),
		user("writes", on(topic, "t", write, configs), on(group, "g", read)),
		user("both", on(topic, "t", read, write, configs), on(group, "g", read)),
		user("no-group", on(topic, "t", describe)))
	as := func(user string) SASL {
		return SASL{Mechanism: SASLPlain, Username: user, Password: setting.NewSecret("secret")}
	}
	lacks := func(user, right, without string) string {
		return "topic t: user " + user + " lacks the ACL " + right + ", without which " + without + "; add it with: kafka-acls --bootstrap-server " + c.ListenAddrs()[0]
	}
	line := func(user, right string) string {
		return " --add --allow-principal User:" + user + " --operation " + right + " --topic t"
	}
	const noDelivery, noReading, noEvents = "nothing is delivered to it", "nothing is read from it", "events of our own do not get into it"
	insync := "min.insync.replicas" // the only finding but for rights
	sinks := func(user string) []string {
		return inspected(t, c, func(cfg *ProducerConfig) { cfg.Cluster.SASL = as(user) })
	}
	wantFound(t, sinks("looks"), lacks("looks", "Write", noDelivery)+line("looks", "Write"), insync)
	wantFound(t, sinks("reads"), lacks("reads", "Write", noDelivery)+line("reads", "Write"), insync)
	wantFound(t, sinks("o'brien of it"), ` --allow-principal 'User:o'\''brien of it' --operation Write --topic t`, insync)
	wantFound(t, sinks("both"), insync)

	groups := func(user, writes string) []string {
		cfg := groupConfig(c)
		cfg.Cluster.SASL, cfg.Group = as(user), "g"
		found, err := GroupFindings(t.Context(), cfg, writes)
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	const own = "events of our own"
	wantFound(t, groups("looks", own), lacks("looks", "Read", noReading)+line("looks", "Read"), lacks("looks", "Write", noEvents)+line("looks", "Write"))
	wantFound(t, groups("reads", own), lacks("reads", "Write", noEvents)+line("reads", "Write"))
	wantFound(t, groups("reads", ""))
	wantFound(t, groups("writes", own), lacks("writes", "Read", noReading)+line("writes", "Read"))
	wantFound(t, groups("both", own))
	wantFound(t, groups("no-group", ""), lacks("no-group", "Read", noReading), "group g: user no-group may not use it; it needs the ACL Read on the group")
}

// Where a broker does not tell what we may do, nothing is said of it.
func TestRightsThatAreNotToldAreNotMissed(t *testing.T) {
	all := []need{needRead("-"), needWrite("-")}
	for name, c := range map[string]struct {
		told    int32
		missing int
	}{
		"not told":            {math.MinInt32, 0},
		"not in this version": {0, 0},
		"no authorizer":       {1<<3 | 1<<4 | 1<<5 | 1<<6 | 1<<7 | 1<<8 | 1<<10 | 1<<11, 0},
		"Describe alone":      {1 << 8, 2},
		"Read":                {1<<8 | 1<<3, 1},
	} {
		cfg := DefaultConfig()
		found := lacking(&cfg, "b:9092", &metadata.ResponseTopic{Name: "t", TopicAuthorizedOperations: c.told}, all)
		if len(found) != c.missing {
			t.Errorf("%s: found %q", name, found)
		}
		for _, f := range found {
			if !strings.Contains(f, "--allow-principal User:ANONYMOUS --operation ") {
				t.Errorf("%s: found %q", name, f)
			}
		}
	}
	c := fake(t, 3, kfake.MaxVersions(kversion.V2_2_0()), kfake.EnableSASL(), kfake.EnableACLs(), kfake.Superuser("PLAIN", "admin", "secret"),
		kfake.User("PLAIN", "looks", "secret", kfake.ACL{Resource: kmsg.ACLResourceTypeTopic, Name: "t", Pattern: kmsg.ACLResourcePatternTypeLiteral, Operation: kmsg.ACLOperationDescribe, Allow: true}))
	wantFound(t, inspected(t, c, func(cfg *ProducerConfig) {
		cfg.Cluster.SASL = SASL{Mechanism: SASLPlain, Username: "looks", Password: setting.NewSecret("secret")}
	}), "lacks the ACL DescribeConfigs, without which its settings")
}

func TestFindingsOfFewReplicas(t *testing.T) {
	found := topicConfig{"min.insync.replicas": "1"}.findings(&ProducerConfig{Topic: "t", MaxBytes: setting.MiB}, 1)
	wantFound(t, found, "its replication factor is 1")
	found = topicConfig{"min.insync.replicas": "3"}.findings(&ProducerConfig{Topic: "t", MaxBytes: setting.MiB}, 3)
	wantFound(t, found, "no broker may be down")
	for insync, bite := range map[string]string{"1": "the only copy of what counts as delivered", "2": "no broker may be down"} {
		found = topicConfig{"min.insync.replicas": insync}.findings(&ProducerConfig{Topic: "t", MaxBytes: setting.MiB}, 2)
		wantFound(t, found, bite)
		wantFound(t, found, "give it a replication factor of 3 and min.insync.replicas 2")
	}
	found = topicConfig{"min.insync.replicas": "2"}.findings(&ProducerConfig{Topic: "t", MaxBytes: setting.MiB}, 3) // the cure
	wantFound(t, found)
}
