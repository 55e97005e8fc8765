//go:build unix

package test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// cluster is a real Apache Kafka on loopback, as scripts/kafka/kafka makes it. It ends with the test.
type cluster struct {
	dir   string
	ports []int // of the plain listener, by node from 0
	// Of a secure cluster, of its one node: addresses of the other listeners, and who may come in.
	sasl, saslTLS, mutualTLS string
	certs                    certificates
	nodes                    []*kafkaNode
	admin                    *kgo.Client
}

type kafkaNode struct {
	cmd    *exec.Cmd
	exited chan struct{}
}

// Users of a secure cluster. Everyone may do everything to topics without ACLs.
const (
	kafkaUser     = "alice"
	kafkaPassword = "a-secret"
)

const kafkaScript = "../scripts/kafka/kafka"

// kafkaJars fetches what is missing of Kafka, once for all clusters.
var kafkaJars = sync.OnceValue(func() error {
	if out, err := exec.Command(kafkaScript, "jars").CombinedOutput(); err != nil {
		return fmt.Errorf("%s jars: %w\n%s", kafkaScript, err, out)
	}
	return nil
})

// startKafka starts a cluster and returns when it is ready.
func startKafka(t *testing.T, nodes int, secure bool) *cluster {
	t.Helper()
	return startKafkaIn(t, t.TempDir(), nodes, secure)
}

// startKafkaIn is startKafka with its data in dir.
func startKafkaIn(t *testing.T, dir string, nodes int, secure bool) *cluster {
	t.Helper()
	needKafka(t)
	if err := kafkaJars(); err != nil {
		t.Fatal(err)
	}
	c := &cluster{dir: dir, nodes: make([]*kafkaNode, nodes)}
	free := freePorts(t, nodes, 3)
	for i := range nodes {
		c.ports = append(c.ports, free[0]+i)
	}
	if secure {
		c.secure(t, free[nodes:])
	}
	c.script(t, "format")
	for i := range nodes {
		c.start(t, i)
	}
	t.Cleanup(func() {
		for i := range nodes {
			c.kill(i)
		}
		if t.Failed() {
			log, _ := os.ReadFile(filepath.Join(c.dir, "log1")) // Only shown.
			t.Logf("end of the log of node 1:\n%s", log[max(0, len(log)-3000):])
		}
	})
	for i := range nodes {
		c.ready(t, i)
	}
	var err error
	if c.admin, err = kgo.NewClient(kgo.SeedBrokers(c.brokers()...), kgo.MetadataMinAge(10*time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.admin.Close)
	return c
}

// needKafka skips, loudly, where no broker can be started.
func needKafka(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("NOT TESTED: Kafka, because of -short")
	}
	if os.Getenv("CI") == "true" {
		return // The script installs what is missing.
	}
	needed := []string{"bash", "java"}
	if _, err := os.Stat("../.tools/kafka-jars/stamp"); err != nil {
		needed = append(needed, "mvn")
	}
	for _, name := range needed {
		if _, err := exec.LookPath(name); err != nil {
			t.Skipf("NOT TESTED: Kafka; %s is missing (Debian: default-jre-headless, maven)", name)
		}
	}
}

// freePorts returns a row of ports, the first n of them one after the other, and more others. They lie below
// those that systems hand out by themselves, so that nobody gets the port of a node that is down for a while.
func freePorts(t *testing.T, n, more int) []int {
	t.Helper()
	listen := func(port int) net.Listener {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			return nil
		}
		return l
	}
	for range 100 {
		var ports []int
		var held []net.Listener
		for len(ports) < n+more {
			port := 15000 + rand.IntN(15000)
			if len(ports) > 0 && len(ports) < n {
				port = ports[0] + len(ports)
			}
			l := listen(port)
			if l == nil {
				break
			}
			held = append(held, l)
			ports = append(ports, l.Addr().(*net.TCPAddr).Port)
		}
		for _, l := range held {
			_ = l.Close() // Only held until all were found.
		}
		if len(ports) == n+more {
			return ports
		}
	}
	t.Fatal("no free ports")
	return nil
}

// secure adds listeners for SASL, SASL over TLS and mutual TLS, a user with each mechanism, and ACLs.
func (c *cluster) secure(t *testing.T, ports []int) {
	t.Helper()
	c.certs = makeCertificates(t)
	addr := func(i int) string { return fmt.Sprintf("127.0.0.1:%d", ports[i]) }
	c.sasl, c.saslTLS, c.mutualTLS = addr(0), addr(1), addr(2)
	plain := fmt.Sprintf("127.0.0.1:%d", c.ports[0])
	var p strings.Builder
	advertised := fmt.Sprintf("PLAINTEXT://%s,SASL://%s,SASLSSL://%s,SSL://%s", plain, c.sasl, c.saslTLS, c.mutualTLS)
	fmt.Fprintf(&p, "listeners=CONTROLLER://127.0.0.1:@CONTROLLER@,%s\nadvertised.listeners=%s\n", advertised, advertised)
	p.WriteString("listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SASL:SASL_PLAINTEXT,SASLSSL:SASL_SSL,SSL:SSL\n")
	p.WriteString("sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512\n")
	const module = "org.apache.kafka.common.security"
	for _, listener := range []string{"sasl", "saslssl"} {
		fmt.Fprintf(&p, "listener.name.%s.plain.sasl.jaas.config=%s.plain.PlainLoginModule required user_%s=\"%s\";\n", listener, module, kafkaUser, kafkaPassword)
		for _, m := range []string{"scram-sha-256", "scram-sha-512"} {
			fmt.Fprintf(&p, "listener.name.%s.%s.sasl.jaas.config=%s.scram.ScramLoginModule required;\n", listener, m, module)
		}
	}
	fmt.Fprintf(&p, "ssl.keystore.type=PEM\nssl.keystore.location=%s\nssl.truststore.type=PEM\nssl.truststore.location=%s\n", c.certs.server, c.certs.ca)
	p.WriteString("listener.name.ssl.ssl.client.auth=required\n")
	p.WriteString("authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer\n")
	p.WriteString("super.users=User:ANONYMOUS\nallow.everyone.if.no.acl.found=true\n")
	node := filepath.Join(c.dir, "node1")
	if err := os.MkdirAll(node, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(node, "extra.properties"), []byte(p.String()), 0o600); err != nil {
		t.Fatal(err)
	}
}

// env is what the script needs to know.
func (c *cluster) env() []string {
	return append(os.Environ(), "KAFKA_DATA="+c.dir, fmt.Sprintf("KAFKA_PORT=%d", c.ports[0]), fmt.Sprintf("KAFKA_NODES=%d", len(c.nodes)),
		fmt.Sprintf("KAFKA_FORMAT_OPTS=--add-scram SCRAM-SHA-256=[name=%[1]s,password=%[2]s] --add-scram SCRAM-SHA-512=[name=%[1]s,password=%[2]s]", kafkaUser, kafkaPassword))
}

// script runs a command of the script to its end and returns what it printed.
func (c *cluster) script(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), kafkaScript, args...)
	cmd.Env = c.env()
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v: %v\n%s%s", cmd.Args, err, stdout.String(), stderr.String())
	}
	return stdout.String()
}

func (c *cluster) logFile(i int) string { return filepath.Join(c.dir, fmt.Sprintf("log%d", i+1)) }

// start starts a node, which dies with this process; ready waits for it.
func (c *cluster) start(t *testing.T, i int) {
	t.Helper()
	log, err := os.Create(c.logFile(i))
	if err != nil {
		t.Fatal(err)
	}
	n := &kafkaNode{cmd: exec.Command(kafkaScript, "node", fmt.Sprint(i+1)), exited: make(chan struct{})}
	n.cmd.Env, n.cmd.Stdout, n.cmd.Stderr, n.cmd.SysProcAttr = c.env(), log, log, dieWithUs()
	begun := make(chan error)
	go func() {
		runtime.LockOSThread() // The kernel watches the thread that started the child.
		defer close(n.exited)
		defer log.Close()
		err := n.cmd.Start()
		begun <- err
		if err == nil {
			_ = n.cmd.Wait() // It is killed.
		}
	}()
	if err := <-begun; err != nil {
		t.Fatal(err)
	}
	c.nodes[i] = n
}

// ready waits until a node says that it is.
func (c *cluster) ready(t *testing.T, i int) {
	t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		log, err := os.ReadFile(c.logFile(i))
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(log, []byte("Kafka Server started")) {
			return
		}
		select {
		case <-c.nodes[i].exited:
			t.Fatalf("node %d ended:\n%s", i+1, log[max(0, len(log)-3000):])
		default:
		}
		if time.Now().After(end) {
			t.Fatalf("node %d is not ready after %v", i+1, patience)
		}
	}
}

// restart starts a node again.
func (c *cluster) restart(t *testing.T, i int) {
	t.Helper()
	c.start(t, i)
	c.ready(t, i)
}

// kill ends a node as kill -9 does.
func (c *cluster) kill(i int) {
	if n := c.nodes[i]; n != nil {
		_ = n.cmd.Process.Kill() // It may be gone.
		<-n.exited
	}
}

func (c *cluster) signal(t *testing.T, i int, s syscall.Signal) {
	t.Helper()
	if err := c.nodes[i].cmd.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
}

// brokers are the addresses of the plain listeners.
func (c *cluster) brokers() (all []string) {
	for _, p := range c.ports {
		all = append(all, fmt.Sprintf("127.0.0.1:%d", p))
	}
	return all
}

func kafkaContext(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

// topic makes a topic; settings are name, value pairs.
func (c *cluster) topic(t *testing.T, name string, partitions int32, settings ...string) {
	t.Helper()
	topic := kmsg.NewCreateTopicsRequestTopic()
	topic.Topic, topic.NumPartitions, topic.ReplicationFactor = name, partitions, -1
	for i := 0; i < len(settings); i += 2 {
		s := kmsg.NewCreateTopicsRequestTopicConfig()
		s.Name, s.Value = settings[i], &settings[i+1]
		topic.Configs = append(topic.Configs, s)
	}
	req := kmsg.NewPtrCreateTopicsRequest()
	req.Topics, req.TimeoutMillis = append(req.Topics, topic), 30000
	// A broker that this machine kept from telling that it is there counts as gone for a moment.
	for end := time.Now().Add(patience); ; time.Sleep(100 * time.Millisecond) {
		res, err := req.RequestWith(kafkaContext(t), c.admin)
		if err == nil {
			err = kerr.ErrorForCode(res.Topics[0].ErrorCode)
		}
		if err == nil {
			break
		}
		if !errors.Is(err, kerr.InvalidReplicationFactor) || time.Now().After(end) {
			t.Fatalf("create topic %s: %v", name, err)
		}
	}
	for end := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) { // Until all have leaders.
		leaders, err := c.leaders(t, name)
		if err == nil && len(leaders) == int(partitions) && !slices.Contains(leaders, -1) {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("topic %s has the leaders %v: %v", name, leaders, err)
		}
	}
}

// remove deletes a topic.
func (c *cluster) remove(t *testing.T, name string) {
	t.Helper()
	topic := kmsg.NewDeleteTopicsRequestTopic()
	topic.Topic = &name
	req := kmsg.NewPtrDeleteTopicsRequest()
	req.TopicNames, req.Topics, req.TimeoutMillis = []string{name}, append(req.Topics, topic), 30000
	res, err := req.RequestWith(kafkaContext(t), c.admin)
	if err == nil {
		err = kerr.ErrorForCode(res.Topics[0].ErrorCode)
	}
	if err != nil {
		t.Fatalf("delete topic %s: %v", name, err)
	}
}

// grow gives a topic more partitions.
func (c *cluster) grow(t *testing.T, name string, partitions int32) {
	t.Helper()
	topic := kmsg.NewCreatePartitionsRequestTopic()
	topic.Topic, topic.Count = name, partitions
	req := kmsg.NewPtrCreatePartitionsRequest()
	req.Topics, req.TimeoutMillis = append(req.Topics, topic), 30000
	res, err := req.RequestWith(kafkaContext(t), c.admin)
	if err == nil {
		err = kerr.ErrorForCode(res.Topics[0].ErrorCode)
	}
	if err != nil {
		t.Fatalf("grow topic %s: %v", name, err)
	}
}

// reserve lets only one user write to a topic.
func (c *cluster) reserve(t *testing.T, topic, user string) {
	t.Helper()
	c.allow(t, kmsg.ACLResourceTypeTopic, topic, user, kmsg.ACLOperationWrite)
}

// allow lets a user do something with a topic or a group, and nobody else who was not allowed to.
func (c *cluster) allow(t *testing.T, kind kmsg.ACLResourceType, name, user string, op kmsg.ACLOperation) {
	t.Helper()
	acl := kmsg.NewCreateACLsRequestCreation()
	acl.ResourceType, acl.ResourceName, acl.ResourcePatternType = kind, name, kmsg.ACLResourcePatternTypeLiteral
	acl.Principal, acl.Host, acl.Operation, acl.PermissionType = "User:"+user, "*", op, kmsg.ACLPermissionTypeAllow
	req := kmsg.NewPtrCreateACLsRequest()
	req.Creations = append(req.Creations, acl)
	res, err := req.RequestWith(kafkaContext(t), c.admin)
	if err == nil {
		err = kerr.ErrorForCode(res.Results[0].ErrorCode)
	}
	if err != nil {
		t.Fatalf("allow %s for %s: %v", name, user, err)
	}
}

// forget has a partition drop its messages before an offset, as its retention does.
func (c *cluster) forget(t *testing.T, name string, partition int32, before int64) {
	t.Helper()
	p := kmsg.NewDeleteRecordsRequestTopicPartition()
	p.Partition, p.Offset = partition, before
	topic := kmsg.NewDeleteRecordsRequestTopic()
	topic.Topic, topic.Partitions = name, append(topic.Partitions, p)
	req := kmsg.NewPtrDeleteRecordsRequest()
	req.Topics, req.TimeoutMillis = append(req.Topics, topic), 30000
	for _, shard := range c.admin.RequestSharded(kafkaContext(t), req) {
		err := shard.Err
		if err == nil {
			err = kerr.ErrorForCode(shard.Resp.(*kmsg.DeleteRecordsResponse).Topics[0].Partitions[0].ErrorCode)
		}
		if err != nil {
			t.Fatalf("topic %s, forget: %v", name, err)
		}
	}
}

// leaders are the brokers that lead a topic's partitions; -1: none does.
func (c *cluster) leaders(t *testing.T, topic string) ([]int32, error) {
	t.Helper()
	req := kmsg.NewPtrMetadataRequest()
	asked := kmsg.NewMetadataRequestTopic()
	asked.Topic = &topic
	req.Topics = append(req.Topics, asked)
	res, err := req.RequestWith(kafkaContext(t), c.admin)
	if err != nil {
		return nil, err
	}
	if err := kerr.ErrorForCode(res.Topics[0].ErrorCode); err != nil {
		return nil, err
	}
	all := make([]int32, len(res.Topics[0].Partitions))
	for _, p := range res.Topics[0].Partitions {
		all[p.Partition] = p.Leader
	}
	return all, nil
}

// read returns all of a topic, each partition in order.
func (c *cluster) read(t *testing.T, topic string) []*kgo.Record {
	t.Helper()
	ctx := kafkaContext(t)
	req := kmsg.NewPtrListOffsetsRequest()
	asked := kmsg.NewListOffsetsRequestTopic()
	asked.Topic = topic
	leaders, err := c.leaders(t, topic)
	if err != nil {
		t.Fatalf("read topic %s: %v", topic, err)
	}
	for i := range leaders {
		p := kmsg.NewListOffsetsRequestTopicPartition()
		p.Partition, p.Timestamp = int32(i), -1 // The end.
		asked.Partitions = append(asked.Partitions, p)
	}
	req.Topics = append(req.Topics, asked)
	due := int64(0)
	for _, shard := range c.admin.RequestSharded(ctx, req) {
		if shard.Err != nil {
			t.Fatalf("read topic %s: %v", topic, shard.Err)
		}
		for _, p := range shard.Resp.(*kmsg.ListOffsetsResponse).Topics[0].Partitions {
			if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
				t.Fatalf("read topic %s: %v", topic, err)
			}
			due += p.Offset
		}
	}
	reader, err := kgo.NewClient(kgo.SeedBrokers(c.brokers()...), kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.FetchMaxWait(100*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	all := make([]*kgo.Record, 0, due)
	for int64(len(all)) < due {
		f := reader.PollFetches(ctx)
		if err := f.Err(); err != nil {
			t.Fatalf("read topic %s: %d of %d: %v", topic, len(all), due, err)
		}
		f.EachRecord(func(r *kgo.Record) { all = append(all, r) })
	}
	slices.SortStableFunc(all, func(a, b *kgo.Record) int { return int(a.Partition - b.Partition) })
	return all
}

// file writes the values of a topic into a file, for judge.
func (c *cluster) file(t *testing.T, topic string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), topic+".ndjson")
	var b bytes.Buffer
	for _, r := range c.read(t, topic) {
		b.Write(r.Value)
		b.WriteByte('\n')
	}
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// scriptReading is script with a file on its standard input.
func (c *cluster) scriptReading(t *testing.T, path string, args ...string) {
	t.Helper()
	in, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	cmd := exec.CommandContext(t.Context(), kafkaScript, args...)
	cmd.Env, cmd.Stdin = c.env(), in
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", cmd.Args, err, out)
	}
}

// sendLine sends one line over TCP.
func sendLine(t *testing.T, addr, line string) {
	t.Helper()
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	if _, err := nc.Write([]byte(line + "\n")); err != nil {
		t.Fatal(err)
	}
}

// randomText is text that does not compress.
func randomText(n int) string {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/"
	random := rand.New(rand.NewPCG(1, 2))
	b := make([]byte, n)
	for i := range b {
		b[i] = letters[random.IntN(len(letters))]
	}
	return string(b)
}
