package kafka

import (
	"fmt"
	"strings"

	"github.com/segmentio/kafka-go/protocol/metadata"
)

// need is a right on a topic, and what does not happen without it.
type need struct {
	operation int // its number in the protocol
	name      string
	without   string
}

// The operations that are asked for, by their numbers (Kafka's AclOperation).
const (
	opRead            = 3
	opWrite           = 4
	opDescribe        = 8
	opDescribeConfigs = 10
)

// needSettings is missing where a broker does not show a topic's settings: nobody is asked for it beforehand.
var needSettings = need{opDescribeConfigs, "DescribeConfigs", "its settings (min.insync.replicas, max.message.bytes, message.timestamp.*, retention.*, cleanup.policy) are not checked"}

func needRead(without string) need  { return need{opRead, "Read", without} }
func needWrite(without string) need { return need{opWrite, "Write", without} }

// lacking says which rights on t are missing, each with the line that gives it. Brokers show a topic to whoever may
// describe it, which is no word on reading and writing; from 2.3 on they tell the rest when asked (KIP-430). Who shows
// the topic and does not count Describe among the rights has told nothing.
func lacking(cfg *Config, addr string, t *metadata.ResponseTopic, needs []need) (found []string) {
	told := t.TopicAuthorizedOperations
	if told&(1<<opDescribe) == 0 {
		return nil
	}
	for _, n := range needs {
		if told&(1<<n.operation) == 0 {
			found = append(found, lacks(cfg, addr, t.Name, n))
		}
	}
	return found
}

// lacks says which right on a topic is missing, with the line that gives it.
func lacks(cfg *Config, addr, topic string, n need) string {
	return fmt.Sprintf("topic %s: %s lacks the ACL %s, without which %s; add it with: kafka-acls --bootstrap-server %s --add --allow-principal %s --operation %s --topic %s",
		topic, who(cfg), n.name, n.without, addr, principal(cfg), n.name, topic)
}

// principal is what ACLs call us, as a word for a shell. What they call the owner of a certificate is for the
// brokers' rules to say.
func principal(cfg *Config) string {
	switch {
	case cfg.SASL.Username != "":
		return shellWord("User:" + cfg.SASL.Username)
	case cfg.TLS.CertFile != "":
		return "User:…"
	}
	return "User:ANONYMOUS"
}

// shellWord quotes s where a shell would make something else of it.
func shellWord(s string) string {
	plain := func(r rune) bool {
		return r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' || strings.ContainsRune("@%+=:,./_-", r)
	}
	if !strings.ContainsFunc(s, func(r rune) bool { return !plain(r) }) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
