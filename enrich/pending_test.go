package enrich

import (
	"reflect"
	"testing"
	"time"

	"vswarden/event"
	"vswarden/inventory"
)

// hostAsker says that an answer is under way, and remembers who was asked.
type hostAsker struct {
	asked  []uint32
	answer bool
}

func (a *hostAsker) Ask(_ inventory.Ref, port uint32, _ string) bool {
	a.asked = append(a.asked, port)
	return a.answer
}

func TestWhichLinesAreWorthWaitingFor(t *testing.T) {
	for name, c := range map[string]struct {
		wait   time.Duration
		asker  bool
		line   func(l *lab) event.Event
		later  int // seconds after the line
		source bool
		want   bool
		asks   int
	}{
		"a port nobody has seen, its host is asked": {asker: true, line: unknownPort, source: true, want: true, asks: 1},
		"a port nobody has seen, nobody to ask":     {line: unknownPort, source: true},
		"of an hour ago":                            {asker: true, line: unknownPort, later: 3600, source: true},
		"a port nobody has seen, vCenter may tell":  {wait: 10 * time.Second, line: unknownPort, source: true, want: true},
		"a holder that is not sure yet":             {wait: 10 * time.Second, line: bareName, source: true, want: true},
		"which no wait makes sure in time":          {wait: 5 * time.Second, line: bareName, source: true},
		"which is sure by now":                      {wait: 10 * time.Second, line: bareName, later: 12, source: true},
		"which the line itself agrees with":         {wait: 10 * time.Second, line: func(l *lab) event.Event { return l.denial(300, "web-01") }, source: true},
		"while vCenter is away":                     {wait: 10 * time.Second, line: bareName},
		"an interface of the host":                  {wait: 10 * time.Second, asker: true, line: func(l *lab) event.Event { return unknownOf(l, "vmk0") }, source: true},
		"a line that speaks of no port":             {wait: 10 * time.Second, asker: true, line: func(l *lab) event.Event { return l.line(300, 0) }, source: true},
		"a line of a host that nobody knows":        {wait: 10 * time.Second, asker: true, line: stranger, source: true},
		"an uplink":                                 {wait: 10 * time.Second, asker: true, line: func(l *lab) event.Event { e := unknownPort(l); e.Rarely().L2Sec.Port = 0x84000006; return e }, source: true},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLab(t)
			l.cfg.Wait = c.wait
			a := &hostAsker{answer: true}
			if c.asker {
				l.AskWith(a)
			}
			if !c.source {
				l.inv.Down(l.id)
			}
			e := c.line(l)
			l.now = 301 + c.later
			if c.source {
				l.report(l.now)
			}
			if got := l.Pending(&e); got != c.want || len(a.asked) != c.asks {
				t.Errorf("pending %v, want %v; asked %v", got, c.want, a.asked)
			}
		})
	}
}

func unknownOf(l *lab, client string) event.Event {
	e := l.denial(300, client)
	e.Rarely().L2Sec.Port = 0x2000077
	return e
}

func unknownPort(l *lab) event.Event { return unknownOf(l, "web-01") }

func bareName(l *lab) event.Event { return l.denial(300, "") }

func stranger(l *lab) event.Event {
	e := unknownPort(l)
	e.Syslog.Hostname, e.Host = "nobody", "nobody"
	e.Receiver.Relay = "192.0.2.200"
	return e
}

func TestLookingLeavesNoTrace(t *testing.T) {
	l := newLab(t)
	e := l.denial(300, "web-01")
	clocks := func() map[senderKey]clock {
		all := map[senderKey]clock{}
		for i := range l.shards {
			for k, s := range l.shards[i].senders {
				all[k] = s.clock
			}
		}
		return all
	}
	before := clocks()
	for range 1000 {
		l.Pending(&e)
	}
	if !reflect.DeepEqual(before, clocks()) {
		t.Error("a sender was made, or its clock moved")
	}
}

// TestAsksAgain checks that what a host said of a port once is asked for again by a line that does not name its client:
// nobody tells when an adapter leaves such a port.
func TestAsksAgain(t *testing.T) {
	l := newLab(t)
	live, err := l.inv.AddSource("esxtop", inventory.SourceLive, 1)
	if err != nil {
		t.Fatal(err)
	}
	a := &hostAsker{answer: true}
	l.AskWith(a)
	said := func(s int) {
		t.Helper()
		u := inventory.Update{Source: live, At: inventory.StampOf(epoch.Add(time.Duration(s) * time.Second)), Tables: []inventory.PortTable{{Host: l.inv.Host("esx01").Ref(), Rows: []inventory.Row{
			{Port: 0x4000077, Kind: inventory.KindVM, VM: "web-01", Client: "web-01.eth0"},
		}}}}
		if err := l.inv.Apply(&u); err != nil {
			t.Fatal(err)
		}
	}
	l.now = 301
	said(250)
	l.report(301)
	bare, named := unknownOf(l, ""), unknownOf(l, "web-01.eth0")
	bare.Rarely().L2Sec.Port, named.Rarely().L2Sec.Port = 0x4000077, 0x4000077
	if !l.Pending(&bare) || len(a.asked) != 1 {
		t.Errorf("asked before the line only: %v", a.asked)
	}
	if l.Pending(&named) || len(a.asked) != 1 {
		t.Errorf("the line names who has the port: %v", a.asked)
	}
	said(301)
	if l.Pending(&bare) || len(a.asked) != 1 {
		t.Errorf("asked after the line too: %v", a.asked)
	}
}
