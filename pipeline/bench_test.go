package pipeline

import (
	"context"
	"net/netip"
	"testing"
	"time"

	"vswarden/event"
	"vswarden/group"
	"vswarden/receiver"
	"vswarden/sink"
	"vswarden/spool"
)

// nullSink takes everything.
type nullSink struct{}

func (nullSink) Write(context.Context, []sink.Record) error { return nil }
func (nullSink) Close() error                               { return nil }

// benchLines are the usual mix in small: hostd, vmkernel, vobd, one L2Sec line.
var benchLines = []string{
	"<166>2026-11-20T10:00:00.123Z esx01.example.com Hostd: info hostd[2099655] [Originator@6876 sub=Vimsvc.TaskManager opID=q0000000042-1f2e user=vpxuser:LAB\\svc_vc] Task Completed : haTask-ha-host-vim.host.NetworkSystem.updatePortGroup-134036228 Status success",
	"<166>2026-11-20T10:00:00.124Z esx01.example.com Vpxa: verbose vpxa[2100131] [Originator@6876 sub=vpxLro opID=q0000000043-2a] [VpxLRO] -- BEGIN lro-47 -- vpxa -- vpxapi.VpxaService.fetchQuickStats -- 52bb5d24-2497-10d0-569c-3ec666d27030",
	"<166>2026-11-20T10:00:00.125Z esx01.example.com Hostd[2099655]: [Originator@6876 sub=Hostsvc.NetworkProvider opID=q0000000044-1f2f] Refreshing datastore 5f3c1a2b-7c1e2d3a-9b1c-0025b5aa0001; capacity=4398046511104 free=2199023255552",
	"<182>2026-11-20T10:00:00.126Z esx01.example.com vmkernel: cpu10:2098765)NMP: nmp_ThrottleLogForDevice:3863: Cmd 0x2a (0x45d9c1e0, 2097152) to dev \"naa.60a9800041764b6c463f437868556b7a\" on path \"vmhba2:C0:T1:L3\" Failed: H:0x0 D:0x2 P:0x0",
	"<142>2026-11-20T10:00:00.127Z esx01.example.com vobd:  [netCorrelator] 84872345us: [vob.net.vmnic.linkstate.down] vmnic vmnic3 linkstate down",
	"<181>2026-11-20T10:00:00.128Z esx01.example.com vmkernel: cpu14:1559738)etherswitch: L2Sec_EnforcePortCompliance:226: client web-01.eth0 requested promiscuous mode on port 0x4000006, disallowed by vswitch policy",
}

// benchChunk is a chunk of n records on one lane, each of another sender than the one before.
func benchChunk(n int) *chunk { return benchRuns(n, 1) }

// benchRuns is benchChunk where so many records of one sender stand together, as they do when frames are read by many at once.
func benchRuns(n, run int) *chunk {
	c := &chunk{}
	c.First, c.Epoch = 1, 7
	for i := range n {
		f := receiver.Frame{Origin: &receiver.Origin{Peer: netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, byte(i/run%8 + 1)}), 514), Transport: receiver.TCP}, Framing: receiver.LF}
		c.Records = append(c.Records, append(appendFrameHeader(nil, &f, time.Date(2026, 11, 20, 10, 0, 1, 0, time.UTC).UnixNano()), benchLines[i%len(benchLines)]...))
	}
	c.records, c.lanes = make([]Record, n), make([]int32, n)
	return c
}

// deliverOnce is what a lane does with a chunk, from record bytes to the sink's answer.
func deliverOnce(tb testing.TB, l *lane, c *chunk) {
	var used [maxLanes]bool
	l.d.decode(c, &used)
	if !l.deliver(context.Background(), job{c: c}) {
		tb.Fatal("not delivered")
	}
}

func TestLaneAllocatesNothing(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector allocates")
	}
	for i, detail := range []event.Detail{event.DetailCompact, event.DetailAuto, event.DetailFull, event.DetailFull} {
		d := delivery(&fakeCursor{}, nullSink{}, &letters{}, func(cfg *DeliveryConfig) {
			cfg.Lanes, cfg.Detail = 1, detail
			if i < 3 {
				cfg.Group = group.DefaultConfig().Options()
			}
		})
		c := benchChunk(600)
		deliverOnce(t, d.lanes[0], c) // buffers grow, keys are made
		if n := testing.AllocsPerRun(20, func() { deliverOnce(t, d.lanes[0], c) }); n > 0 {
			t.Errorf("detail %v: %v allocations for 600 events", detail, n)
		}
	}
}

func TestIntakeAllocatesNothing(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector allocates")
	}
	in, frames := benchIntake(t)
	handle := in.Handler(t.Context())
	if n := testing.AllocsPerRun(50, func() {
		if err := handle(frames); err != nil {
			t.Fatal(err)
		}
	}); n > 0.1 { // the log's own buffers change hands now and then
		t.Errorf("%v allocations for %d frames", n, len(frames))
	}
}

// benchIntake is an intake on a log in memory that nothing reads, and a batch for it.
func benchIntake(tb testing.TB) (*Intake, []receiver.Frame) {
	tb.Helper()
	cfg := spool.DefaultConfig()
	cfg.MinFree = 0
	cfg.Retain = spool.Retain{}
	l, err := spool.Open(spool.NewMemFS(), "log", cfg)
	if err != nil {
		tb.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- l.Run(ctx) }()
	tb.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			tb.Error(err)
		}
		if err := l.Close(); err != nil {
			tb.Error(err)
		}
	})
	var frames []receiver.Frame
	origin := &receiver.Origin{Received: time.Now(), Peer: netip.MustParseAddrPort("127.0.0.1:514"), Transport: receiver.TCP}
	for i := range 100 {
		frames = append(frames, receiver.Frame{
			Origin: origin, Framing: receiver.LF, Data: []byte(benchLines[i%len(benchLines)]),
		})
	}
	return NewIntake(IntakeConfig{Log: l}), frames
}

// together fails unless the values of a batch lie one behind the other, a newline behind each: a file then writes them as
// they stand.
type together struct{ tb testing.TB }

func (s together) Write(_ context.Context, batch []sink.Record) error {
	whole := batch[0].Value[:cap(batch[0].Value)]
	for i := range batch {
		n := len(batch[i].Value)
		if &whole[0] != &batch[i].Value[0] || whole[n] != '\n' {
			s.tb.Fatalf("value %d stands by itself", i)
		}
		whole = whole[n+1:]
	}
	return nil
}
func (together) Close() error { return nil }

func TestValuesStandTogether(t *testing.T) {
	d := delivery(&fakeCursor{}, together{t}, &letters{}, func(cfg *DeliveryConfig) { cfg.Lanes, cfg.Group = 1, group.DefaultConfig().Options() })
	deliverOnce(t, d.lanes[0], benchChunk(600))
}

// BenchmarkLane is one event from the log's bytes to the sink: decode, encode, count.
func BenchmarkLane(b *testing.B) {
	for _, c := range []struct {
		name   string
		detail event.Detail
		group  bool
		run    int
	}{{"compact", event.DetailCompact, true, 1}, {"full", event.DetailFull, true, 1}, {"compact/ungrouped", event.DetailCompact, false, 1}, {"runs", event.DetailCompact, true, 30}} {
		b.Run(c.name, func(b *testing.B) {
			d := delivery(&fakeCursor{}, nullSink{}, &letters{}, func(cfg *DeliveryConfig) {
				cfg.Lanes, cfg.Detail = 1, c.detail
				if c.group {
					cfg.Group = group.DefaultConfig().Options()
				}
			})
			c := benchRuns(600, c.run)
			b.ReportAllocs()
			for i := 0; i < b.N; i += len(c.Records) {
				deliverOnce(b, d.lanes[0], c)
			}
		})
	}
}

// BenchmarkIntake is one frame from the handler into the log's open batch.
func BenchmarkIntake(b *testing.B) {
	in, frames := benchIntake(b)
	handle := in.Handler(context.Background())
	b.ReportAllocs()
	for i := 0; i < b.N; i += len(frames) {
		if err := handle(frames); err != nil {
			b.Fatal(err)
		}
	}
}
