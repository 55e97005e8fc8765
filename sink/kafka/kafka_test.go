package kafka

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"vswarden/event"
	"vswarden/sink"
	"vswarden/sink/sinktest"
)

const topic = "esxi.events.v1"

func fake(t testing.TB, partitions int32) *kfake.Cluster {
	t.Helper()
	c, err := kfake.NewCluster(kfake.NumBrokers(2), kfake.SeedTopics(partitions, topic))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func open(t testing.TB, c *kfake.Cluster) *Sink {
	t.Helper()
	cfg := DefaultConfig()
	cfg.Brokers = c.ListenAddrs()
	cfg.DialTimeout, cfg.RequestTimeout = 20*time.Second, 20*time.Second
	if faults := cfg.Validate(); len(faults) > 0 {
		t.Fatal(faults)
	}
	s, err := Open(cfg, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// records reads the whole topic with another client, each partition in order.
func records(t testing.TB, c *kfake.Cluster) []*kgo.Record {
	t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(c.ListenAddrs()...), kgo.ConsumeTopics(topic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.FetchMaxWait(50*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	due := 0
	for _, p := range c.PartitionInfos(topic) {
		due += int(p.HighWatermark)
	}
	var all []*kgo.Record
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for len(all) < due {
		f := cl.PollFetches(ctx)
		if err := f.Err(); err != nil {
			t.Fatalf("%d of %d messages read: %v", len(all), due, err)
		}
		f.EachRecord(func(r *kgo.Record) { all = append(all, r) })
	}
	return all
}

func TestSuite(t *testing.T) {
	sinktest.Run(t, func(t *testing.T) sinktest.Harness {
		c := fake(t, 1)
		var fault *kfake.FaultHandle
		leave := make(chan struct{})
		return sinktest.Harness{
			Open: func(t *testing.T) sink.Sink { return open(t, c) },
			Read: func(t *testing.T) (values []string) {
				for _, r := range records(t, c) {
					values = append(values, string(r.Value))
				}
				return values
			},
			Break: func(*testing.T) {
				fault = c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: topic, Err: kerr.NotEnoughReplicas, Count: -1})
			},
			Repair: func(*testing.T) { fault.Remove() },
			Block: func(*testing.T) {
				c.ControlKey(int16(kmsg.Produce), func(kmsg.Request) (kmsg.Response, error, bool) {
					c.KeepControl()
					c.SleepControl(func() { <-leave })
					return nil, nil, false
				})
			},
			Unblock: func(*testing.T) { close(leave) },
		}
	})
}

func headers(r *kgo.Record) (all []string) {
	for _, h := range r.Headers {
		all = append(all, h.Key+"="+string(h.Value))
	}
	return all
}

func TestMessageSaysWhatItIs(t *testing.T) {
	c := fake(t, 3)
	s := open(t, c)
	received := time.Now().Add(-time.Hour).UnixNano()
	id := event.NewID(7, 42)
	if err := s.Write(t.Context(), []sink.Record{
		{ID: id, Key: "10.0.0.1", Dataset: event.DatasetL2Sec, Host: "esx01.example.org", Received: received, Value: []byte(`{"a":1}`)},
		{ID: id, Key: "10.0.0.1", Dataset: event.DatasetGeneric, Received: received, Value: []byte(`{}`)},
		{ID: id, Key: "10.0.0.1", Received: received, Value: []byte("<14>x"), Frame: &sink.Frame{
			Peer: netip.MustParseAddrPort("10.0.0.1:514"), Transport: "tls", Framing: "octet_counting", Listener: 4711,
			Timezone: "Europe/Berlin", TLSPeer: "esx01", Relay: "10.9.9.9", Truncated: true, Unfinished: true,
		}},
		{ID: id, Key: "vswarden", Dataset: event.DatasetPosture, Received: received, Value: []byte(`{"own":1}`), Frame: &sink.Frame{Own: true}},
	}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	all := records(t, c)
	at := slices.IndexFunc(all, func(r *kgo.Record) bool { return string(r.Key) == "vswarden" })
	own := all[at]
	all = slices.Delete(all, at, at+1)
	stamp := time.Unix(0, received).UTC().Format("2006-01-02T15:04:05.000000000Z07:00")
	for i, want := range []struct {
		r       *kgo.Record
		value   string
		headers []string
	}{
		{all[0], `{"a":1}`, []string{"content-type=application/json", "schema=vswarden/1", "event-id=" + id.String(), "dataset=vmware.esxi.l2sec", "host=esx01.example.org"}},
		{all[1], `{}`, []string{"content-type=application/json", "schema=vswarden/1", "event-id=" + id.String(), "dataset=syslog.generic"}},
		{all[2], `<14>x`, []string{
			"kind=frame", "event-id=" + id.String(), "received=" + stamp, "peer=10.0.0.1:514", "relay=10.9.9.9", "transport=tls",
			"framing=octet_counting", "listener=4711", "timezone=Europe/Berlin", "tls-peer=esx01", "flags=truncated,unfinished",
		}},
		{own, `{"own":1}`, []string{"kind=event", "event-id=" + id.String(), "received=" + stamp, "dataset=vmware.posture"}},
	} {
		if got := headers(want.r); !slices.Equal(got, want.headers) {
			t.Errorf("message %d has the headers\n%q, want\n%q", i, got, want.headers)
		}
		if string(want.r.Value) != want.value || want.r.Timestamp.UnixMilli() != received/1e6 {
			t.Errorf("message %d is %q of %v", i, want.r.Value, want.r.Timestamp)
		}
	}
}

// A clock that was years ahead and set right again leaves receive times that no broker takes.
func TestStampIsNeverAheadOfOurClock(t *testing.T) {
	const now = 1_800_000_000_000
	for received, want := range map[int64]int64{
		now*1e6 - 1e9:             now - 1000,
		now * 1e6:                 now,
		now*1e6 + 3600e9:          now,
		4_070_908_800_000_000_000: now, // 2099
		0:                         0,
		-5e9:                      0,
	} {
		if got := stamp(received, now); got != want {
			t.Errorf("stamp(%d) = %d, want %d", received, got, want)
		}
	}
}

func TestTooLargeIsPermanentAlone(t *testing.T) {
	c := fake(t, 1)
	s := open(t, c)
	defer s.Close()
	var all []sink.Record
	for i := range 20 {
		r := sink.Record{ID: event.NewID(1, uint64(i)), Key: "esx1", Received: 1e18, Value: []byte("{}")}
		if i == 7 {
			random := make([]byte, 2<<20)
			for j := range random {
				random[j] = byte(j*j>>3 ^ j*7919>>5 ^ j>>11)
			}
			r.Value = random
		}
		all = append(all, r)
	}
	err := s.Write(t.Context(), all)
	var verdicts sink.Errors
	if !errors.As(err, &verdicts) || len(verdicts) != len(all) {
		t.Fatalf("Write: %v", err)
	}
	for i, v := range verdicts {
		if (v != nil) != (i == 7) || (i == 7 && (!sink.IsPermanent(v) || !strings.Contains(v.Error(), "max_message_bytes"))) {
			t.Errorf("event %d: %v", i, v)
		}
	}
	if n := len(records(t, c)); n != 19 {
		t.Errorf("%d messages are stored, want 19", n)
	}
}

// Whatever a user can repair is no reason to give an event up.
func TestWhatHealsIsNotPermanent(t *testing.T) {
	for _, refusal := range []*kerr.Error{
		kerr.UnknownTopicOrPartition, kerr.NotLeaderForPartition, kerr.RequestTimedOut, kerr.NotEnoughReplicas, kerr.NotEnoughReplicasAfterAppend,
		kerr.TopicAuthorizationFailed, kerr.ClusterAuthorizationFailed, kerr.InvalidTimestamp, kerr.KafkaStorageError, kerr.UnsupportedCompressionType,
		kerr.PolicyViolation, kerr.UnknownServerError, kerr.CorruptMessage, kerr.InvalidTopicException,
	} {
		c := fake(t, 1)
		c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: topic, Err: refusal})
		s := open(t, c)
		batch := []sink.Record{{Key: "esx1", Received: 1e18, Value: []byte("{}")}}
		if err := s.Write(t.Context(), batch); err == nil || sink.IsPermanent(err) || !strings.Contains(err.Error(), "topic "+topic) {
			t.Errorf("%v: %v", refusal, err)
		}
		if err := s.Write(t.Context(), batch); err != nil {
			t.Errorf("%v, then healed: %v", refusal, err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestConfigNamesAllFaults(t *testing.T) {
	cfg := DefaultConfig()
	cfg.Topic, cfg.Compression, cfg.MaxMessageBytes, cfg.TLS.CertFile = "", "", 0, "c"
	var paths []string
	for _, f := range cfg.Validate() {
		paths = append(paths, f.Path)
	}
	if want := []string{"brokers", "tls.enabled", "topic", "compression", "max_message_bytes"}; !slices.Equal(paths, want) {
		t.Errorf("faults at %q, want %q", paths, want)
	}
}
