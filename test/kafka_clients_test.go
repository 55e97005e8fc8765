//go:build unix

package test

import (
	"bytes"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"vswarden/event"
	client "vswarden/kafka"
	"vswarden/sink"
	"vswarden/sink/kafka"
)

// otherClients has clients of four other projects read what the sink wrote with each compression, as
// events and as raw records: every field, key, header and stamp.
func otherClients(t *testing.T, c *cluster) {
	const topic = "fields"
	c.topic(t, topic, 3)
	received := time.Date(2026, 11, 21, 8, 0, 0, 123_456_789, time.UTC)
	var due []string // as the console consumer prints a message
	for i, compression := range []string{"none", "snappy", "lz4", "zstd"} {
		s := kafkaSink(t, c, topic, func(cfg *kafka.Config) { cfg.Compression = client.Compression(compression) })
		var batch []sink.Record
		for j := range 50 {
			id := event.NewID(7, uint64(i*100+j))
			value := fmt.Sprintf(`{"n":%d,"by":"%s","pad":"%s"}`, j, compression, strings.Repeat("ä", j*j))
			r := sink.Record{
				ID: id, Key: fmt.Sprintf("10.0.0.%d", j%5), Dataset: event.DatasetL2Sec, Host: "esx01.example.org",
				Received: received.UnixNano() + int64(j)*1e6, Value: []byte(value),
			}
			headers := fmt.Sprintf("content-type:application/json,schema:vswarden/1,event-id:%s,dataset:vmware.esxi.l2sec,host:esx01.example.org", id)
			at := received.Add(time.Duration(j) * time.Millisecond)
			switch j % 5 {
			case 3:
				r.Frame = &sink.Frame{
					Peer: netip.MustParseAddrPort("10.0.0.3:514"), Relay: "10.9.9.9", Transport: "tls", Framing: "octet_counting",
					Listener: 7, Timezone: "Europe/Vienna", TLSPeer: "esx03", Truncated: true, Unfinished: j%2 == 1,
				}
				headers = fmt.Sprintf("kind:frame,event-id:%s,received:%s,peer:10.0.0.3:514,relay:10.9.9.9,transport:tls,framing:octet_counting,listener:7,timezone:Europe/Vienna,tls-peer:esx03,flags:truncated%s",
					id, at.Format(time.RFC3339Nano), map[bool]string{true: ",unfinished"}[j%2 == 1])
			case 4:
				r.Frame = &sink.Frame{Own: true}
				headers = fmt.Sprintf("kind:event,event-id:%s,received:%s,dataset:vmware.esxi.l2sec", id, at.Format(time.RFC3339Nano))
			}
			batch = append(batch, r)
			due = append(due, fmt.Sprintf("CreateTime:%d\t%s\t10.0.0.%d\t%s", at.UnixMilli(), headers, j%5, value))
		}
		deliver(t, s, batch)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	slices.Sort(due)
	lines := func(out string) []string { return strings.Split(strings.TrimSpace(out), "\n") }
	var franz []string
	for _, r := range c.read(t, topic) {
		var headers []string
		for _, h := range r.Headers {
			headers = append(headers, h.Key+":"+string(h.Value))
		}
		franz = append(franz, fmt.Sprintf("CreateTime:%d\t%s\t%s\t%s", r.Timestamp.UnixMilli(), strings.Join(headers, ","), r.Key, r.Value))
	}
	read := map[string][]string{
		"franz-go": franz,
		"Java": lines(c.script(t, "run", "org.apache.kafka.tools.consumer.ConsoleConsumer", "--bootstrap-server", c.brokers()[0],
			"--topic", topic, "--from-beginning", "--timeout-ms", "8000", "--max-messages", fmt.Sprint(len(due)),
			"--formatter-property", "print.timestamp=true", "--formatter-property", "print.headers=true", "--formatter-property", "print.key=true")),
	}
	if otherClient(t, "kcat") {
		var all []string
		for _, line := range lines(runClient(t, "kcat", "-q", "-C", "-e", "-b", c.brokers()[0], "-t", topic, "-o", "beginning", "-f", `CreateTime:%T\t%h\t%k\t%s\n`)) {
			stamp, rest, _ := strings.Cut(line, "\t")
			headers, rest, _ := strings.Cut(rest, "\t")
			all = append(all, stamp+"\t"+strings.ReplaceAll(headers, "=", ":")+"\t"+rest) // It writes name=value.
		}
		read["kcat"] = all
	}
	if otherClient(t, "python") {
		for _, name := range []string{"confluent", "python"} {
			read["Python: "+name] = lines(runClient(t, "python", "../scripts/kafka/read.py", name, c.brokers()[0], topic, fmt.Sprint(len(due))))
		}
	}
	for name, got := range read {
		slices.Sort(got)
		if slices.Equal(got, due) {
			t.Logf("%s reads all %d messages as they were written", name, len(got))
			continue
		}
		t.Errorf("%s reads %d messages, want %d", name, len(got), len(due))
		for _, line := range got {
			if !slices.Contains(due, line) {
				t.Errorf("%s reads %.400q", name, line)
			}
		}
	}
}

const clientsScript = "../scripts/kafka/clients"

// otherClient says whether a client of others is here; in CI it is fetched.
func otherClient(t *testing.T, name string) bool {
	t.Helper()
	if err := exec.CommandContext(t.Context(), clientsScript, "have", name).Run(); err != nil {
		t.Logf("NOT TESTED: %s is not here, see scripts/kafka/clients", name)
		return false
	}
	return true
}

// runClient runs a client of others to its end and returns what it printed.
func runClient(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), clientsScript, args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v: %v\n%s%s", cmd.Args, err, stdout.String(), stderr.String())
	}
	return stdout.String()
}

// javaPartitions has the Java producer write keys and compares the partitions it chose with ours.
func javaPartitions(t *testing.T, c *cluster) {
	const java, own = "partitions-java", "partitions-own"
	c.topic(t, java, 12)
	c.topic(t, own, 12)
	var batch []sink.Record
	var lines strings.Builder
	for i := range 200 {
		key := fmt.Sprintf("%s%d", []string{"10.0.0.", "esx", "fe80::1:", "ünï", strings.Repeat("long", i/8)}[i%5], i)
		batch = append(batch, sink.Record{Key: key, Received: 1, Value: []byte("v")})
		fmt.Fprintf(&lines, "%s\tv\n", key)
	}
	keys := filepath.Join(t.TempDir(), "keys")
	if err := os.WriteFile(keys, []byte(lines.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	s := kafkaSink(t, c, own, nil)
	deliver(t, s, batch)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	c.scriptReading(t, keys, "run", "org.apache.kafka.tools.ConsoleProducer", "--bootstrap-server", c.brokers()[0], "--topic", java, "--reader-property", "parse.key=true")
	chosen := func(topic string) map[string]int32 {
		all := map[string]int32{}
		for _, r := range c.read(t, topic) {
			all[string(r.Key)] = r.Partition
		}
		return all
	}
	theirs, ours := chosen(java), chosen(own)
	if len(theirs) != len(batch) || len(ours) != len(batch) {
		t.Fatalf("%d keys by Java, %d by us, want %d", len(theirs), len(ours), len(batch))
	}
	for key, partition := range theirs {
		if ours[key] != partition {
			t.Errorf("key %q: partition %d, Java says %d", key, ours[key], partition)
		}
	}
}
