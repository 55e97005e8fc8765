package group

import (
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"vswarden/decode"
	"vswarden/event"
)

// feed drives a Stage as a lane does and keeps what comes out.
type feed struct {
	t       testing.TB
	s       *Stage
	senders map[string]*Sender
	pos     uint64
	now     int64
	joined  int
	out     []outcome
	keep    bool       // what is held is made independent after each line
	past    bool       // what is added is done already
	tags    event.Tags // of lines as they come
}

// outcome is an event that came out, as far as tests ask.
type outcome struct {
	id, sameAs, continues string
	message, frames       string
	lines                 int
	tags                  event.Tags
	dataset               event.Dataset
	reason                event.LinuxReason
	changes               string
	pos, last             uint64
	json                  string // all of it
}

func newFeed(t testing.TB, o Options) *feed {
	return &feed{t: t, s: NewStage(o), senders: map[string]*Sender{}, now: time.Date(2026, 2, 7, 9, 29, 18, 0, time.UTC).UnixNano()}
}

var usual = Options{Wait: time.Second, MaxLines: 100, MaxBytes: 64 << 10, Senders: 100}

// add gives a line of a sender, over a stream on the connection of that name; "" is a datagram.
func (f *feed) add(sender, conn, line string) {
	f.pos++
	snd := f.senders[sender]
	if snd == nil || snd.Gone() {
		snd = f.s.Sender(sender)
		f.senders[sender] = snd
	}
	raw := []byte(line) // as a lane's buffer: what is kept must not point into it
	it := f.s.New()
	e := &it.Event
	e.ID, e.Received, e.Raw, e.Tags = event.NewID(7, f.pos), f.now, text(raw), f.tags
	it.Pos, it.Stamp, it.Sender, it.Past = f.pos, f.now, snd, f.past
	if conn != "" {
		it.Stream = true
		it.Conn = netip.AddrPortFrom(netip.MustParseAddr("192.0.2.1"), uint16(len(conn))+uint16(conn[0])<<4)
	}
	decode.Line(e, &it.Options)
	f.s.Add(it)
	f.drain()
	least := uint64(math.MaxUint64)
	for _, snd := range f.s.busy {
		least = min(least, snd.queue[snd.head].Pos)
	}
	if got, held := f.s.Held(); got != least || held != (least != math.MaxUint64) {
		f.t.Errorf("held from %d, not %d", got, least)
	}
	if f.keep {
		f.s.Keep()
		for i := range raw {
			raw[i] = '?'
		}
	}
}

func (f *feed) pass(d time.Duration) { f.now += int64(d) }

func (f *feed) drain() {
	for it := f.s.Next(); it != nil; it = f.s.Next() {
		f.s.Finish(it)
		e := &it.Event
		o := outcome{
			id: e.ID.String(), message: strings.Clone(e.Message), frames: string(it.Frames()), lines: it.Lines(), tags: e.Tags,
			dataset: e.Dataset, reason: e.Linux.Reason, changes: strings.Clone(e.VCEvent.Changes[0].Setting), pos: it.Pos, last: it.Last,
			json: string(e.AppendJSON(nil, event.DetailFull, event.OriginalAll)),
		}
		if e.SameAs != (event.ID{}) {
			o.sameAs = e.SameAs.String()
		}
		if e.Merged.Continues != (event.ID{}) {
			o.continues = e.Merged.Continues.String()
		}
		if e.Merged.Frames != "" && e.Merged.Frames != o.frames {
			f.t.Errorf("frames %q and %q", e.Merged.Frames, o.frames)
		}
		f.joined += it.Lines() - 1
		f.out = append(f.out, o)
		f.s.Free(it)
	}
}

func (f *feed) end() []outcome {
	f.s.Flush()
	f.drain()
	if f.s.Lines() != 0 {
		f.t.Errorf("%d lines are held after the end", f.s.Lines())
	}
	if pos, held := f.s.Held(); held {
		f.t.Errorf("%d is held after the end", pos)
	}
	if uint64(len(f.out)+f.joined) != f.pos {
		f.t.Errorf("%d lines, %d events and %d joined", f.pos, len(f.out), f.joined)
	}
	return f.out
}

// What is done already may have been ended by the clock of another node, before its stamps said so: what comes
// then must not go into an event that is thrown away, nor the other way round.
func TestNothingIsJoinedWithWhatIsPast(t *testing.T) {
	f := newFeed(t, usual)
	f.past = true
	f.add("a", "c", header("18.734", "Hostd")+originator+"begin")
	f.add("a", "c", header("18.734", "Hostd")+"--> past")
	if f.s.Lines() != 0 {
		t.Errorf("%d lines of the past count as held", f.s.Lines())
	}
	f.past = false
	f.add("a", "c", header("18.735", "Hostd")+"--> now")
	f.add("a", "c", header("18.735", "Hostd")+originator+"another")
	if f.s.Lines() == 0 {
		t.Error("nothing is held")
	}
	f.past = true // a partition that comes back
	f.add("a", "c", header("18.736", "Hostd")+"--> past")
	out := f.end()
	if len(out) != 4 || out[0].lines != 2 || out[1].lines != 1 || out[1].continues != out[0].id || out[2].lines != 1 || out[3].lines != 1 {
		t.Errorf("events %+v", out)
	}
}

func header(at, app string) string { return "<166>2026-02-07T09:29:" + at + "Z esx1 " + app + ": " }

const originator = "info hostd[2099655] [Originator@6876 sub=Default] "

func TestLinesThatBelongTogether(t *testing.T) {
	hostd, vpxa := header("18.734", "Hostd"), header("18.734", "Vpxa")
	l2sec := "<181>2026-02-07T09:29:18.735Z esx1 vmkernel: cpu14:1559738)etherswitch: L2Sec_EnforcePortCompliance:226: client web-01.eth0 requested promiscuous mode on port 0x4000006, disallowed by vswitch policy"
	vc := "<14>1 2021-09-06T14:40:30.285831+00:00 vc vpxd 58650 - -  Event [77] "
	long := hostd + originator + strings.Repeat("x", 1024-len(hostd)-len(originator))
	for name, c := range map[string]struct {
		lines  []string // "conn|line"; "+1s" lets time pass
		want   []string // messages, without hostd's header
		orphan bool     // the last one names what it continues
	}{
		"arrows under headers of their own, another pid, another spelling": {
			lines: []string{"a|" + hostd + originator + "Fault: {", "a|" + header("18.734", "Hostd[99]") + "-->    key = 1,", "a|" + header("18.734", "hostd") + "--> }"},
			want:  []string{"Fault: {\n   key = 1,\n}"},
		},
		"arrows over datagrams": {
			lines: []string{"|" + hostd + originator + "a", "|" + hostd + "--> b"},
			want:  []string{"a\nb"},
		},
		"the anomaly with two tags": {
			lines: []string{"|" + hostd + originator + "a", "|" + header("18.734", "vmkwarning Hostd") + "-->          key = \"msg\","},
			want:  []string{"a\n         key = \"msg\","},
		},
		"programs do not mix": {
			lines: []string{"a|" + hostd + originator + "a", "a|" + vpxa + originator + "b", "a|" + vpxa + "--> c", "a|" + hostd + "--> d"},
			want:  []string{"a\nd", "b\nc"},
		},
		"a last empty arrow and an empty message": {
			lines: []string{"a|" + hostd + originator + "a", "a|" + hostd + "-->", "a|" + hostd},
			want:  []string{"a\n\n"},
		},
		"no longer than the wait": {
			lines: []string{"a|" + hostd + originator + "a", "+1001ms", "a|" + hostd + "--> b"},
			want:  []string{"a", "--> b"},
		},
		"as long as the wait": {
			lines: []string{"a|" + hostd + originator + "a", "+1s", "a|" + hostd + "--> b", "+1s", "a|" + hostd + "--> c"},
			want:  []string{"a\nb\nc"},
		},
		"no header, same connection": {
			lines: []string{"a|" + hostd + originator + "a", "a|  b", "b|  c"},
			want:  []string{"a\n  b", "  c"},
		},
		"no header behind a datagram": {
			lines: []string{"|" + hostd + originator + "a", "|  b"},
			want:  []string{"a", "  b"},
		},
		"a stamp, a count, a brace, a program begin something": {
			lines: []string{"a|" + hostd + originator + "a", "a|1644579494.944824,x", "a|{\"a\":1}", "a|12:01:02 x", "a|2026/01/02 x", "a|[netCorrelator] 12us: [vob.net.vmnic.linkstate.down] vmnic vmnic3 linkstate down"},
			want:  []string{"a", "1644579494.944824,x", "{\"a\":1}", "12:01:02 x", "2026/01/02 x", "[netCorrelator] 12us: [vob.net.vmnic.linkstate.down] vmnic vmnic3 linkstate down"},
		},
		"a number begins nothing": {
			lines: []string{"a|" + hostd + originator + "a", "a|3 items failed", "a|Marvin"},
			want:  []string{"a\n3 items failed\nMarvin"},
		},
		"the plus of files": {
			lines: []string{"a|2025-01-20T01:44:25.919Z In(166) Hostd[1]: [Originator@6876 sub=Default] a", "a|2025-01-20T01:44:25.919Z In(166)+ Hostd[1]: b", "a|2025-01-20T01:44:25.919Z In(166)[+] Hostd[1]: c"},
			want:  []string{"[Originator@6876 sub=Default] a\nb\nc"},
		},
		"parts of a vCenter event, in any order": {
			lines: []string{"a|" + vc + "[2-3] two ", "a|" + vc + "[1-3] [2021-09-06T14:40:30.28341Z] [vim.event.DvsReconfiguredEvent] [info] [V\\a] [DC] [77] [one ", "+1s", "a|" + vc + "[3-3] allowPromiscuous.value: false -> true]"},
			want:  []string{"Event [77] [1-1] [2021-09-06T14:40:30.28341Z] [vim.event.DvsReconfiguredEvent] [info] [V\\a] [DC] [77] [one two allowPromiscuous.value: false -> true]"},
		},
		"a part that never comes": {
			lines: []string{"a|" + vc + "[1-3] [2021-09-06T14:40:30.28341Z] [vim.event.TaskEvent] [info] [V\\a] [DC] [77] [one ", "a|" + vc + "[3-3] three]"},
			want:  []string{"Event [77] [1-3] [2021-09-06T14:40:30.28341Z] [vim.event.TaskEvent] [info] [V\\a] [DC] [77] [one three]"},
		},
		"a part twice": {
			lines: []string{"a|" + vc + "[1-2] [x] [vim.event.TaskEvent] [info] [V\\a] [DC] [77] [one ", "a|" + vc + "[1-2] [x] [vim.event.TaskEvent] [info] [V\\a] [DC] [77] [one "},
			want:  []string{"Event [77] [1-2] [x] [vim.event.TaskEvent] [info] [V\\a] [DC] [77] [one ", "Event [77] [1-2] [x] [vim.event.TaskEvent] [info] [V\\a] [DC] [77] [one "},
		},
		"cut at 1024 bytes": {
			lines: []string{"a|" + long, "a|" + hostd + "yz\" rest"},
			want:  []string{long[len(hostd)+len(originator):] + "yz\" rest"},
		},
		"cut, and the rest without a header": {
			lines: []string{"a|" + long, "a|yz rest"},
			want:  []string{long[len(hostd)+len(originator):] + "yz rest"},
		},
		"cut, and another line": {
			lines: []string{"a|" + long, "a|" + hostd + originator + "yz"},
			want:  []string{long[len(hostd)+len(originator):], "yz"},
		},
		"line ends a relay wrote": {
			lines: []string{"a|<30>Jun  9 11:27:45 r app: one#012--> two#012#011three#012", "a|<30>Jun  9 11:27:45 r app: port #0123 is no end"},
			want:  []string{"one\ntwo\n\tthree", "port #0123 is no end"},
		},
		"a security line waits for nothing and nothing overtakes it": {
			lines:  []string{"a|" + hostd + originator + "a", "a|" + l2sec, "a|" + hostd + "--> b", "a|" + hostd + "--> c"},
			want:   []string{"a", l2sec[strings.Index(l2sec, "etherswitch"):], "--> b\nc"},
			orphan: true,
		},
	} {
		for _, keep := range []bool{false, true} {
			f := newFeed(t, usual)
			f.keep = keep
			var all []string
			for _, l := range c.lines {
				if d, ok := strings.CutPrefix(l, "+"); ok {
					wait, err := time.ParseDuration(d)
					if err != nil {
						t.Fatal(err)
					}
					f.pass(wait)
					continue
				}
				conn, line, _ := strings.Cut(l, "|")
				all = append(all, line)
				f.add("esx1", conn, line)
			}
			var got, frames []string
			out := f.end()
			for _, e := range out {
				got = append(got, strings.TrimPrefix(e.message, originator))
				frames = append(frames, strings.Split(e.frames, "\n")...)
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("%s (kept: %v):\n got %q\nwant %q", name, keep, got, c.want)
			}
			slices.Sort(frames)
			slices.Sort(all)
			if !slices.Equal(frames, all) {
				t.Errorf("%s: frames %q of %q", name, frames, all)
			}
			if last := out[len(out)-1]; c.orphan != (last.continues != "") || c.orphan && last.continues != out[0].id {
				t.Errorf("%s: continues %q of %q", name, last.continues, out[0].id)
			}
		}
	}
}

func TestSecurityLinesNeverWait(t *testing.T) {
	f := newFeed(t, usual)
	f.add("esx1", "a", header("18.734", "Hostd")+originator+"open")
	for _, line := range []string{
		"<181>2026-02-07T09:29:18.735Z esx1 vmkernel: cpu14:1559738)etherswitch: L2Sec_EnforcePortCompliance:226: client vmk0 requested promiscuous mode on port 0x4000006, disallowed by vswitch policy",
		header("18.735", "Hostd") + originator + "Event 37 : User root@192.0.2.1 logged in as pyvmomi",
		header("18.735", "vobd") + " [netCorrelator] 12us: [vob.net.vmnic.linkstate.down] vmnic vmnic3 linkstate down",
		"<13>2026-02-07T09:29:18Z esx1 shell[1]: [root]: esxcli network vswitch standard list",
	} {
		before := len(f.out)
		f.add("esx1", "a", line)
		if pos, held := f.s.Held(); held || len(f.out) == before {
			t.Errorf("%s: held %v %d", line, held, pos)
		}
	}
	f.end()
	if !slices.IsSortedFunc(f.out, func(a, b outcome) int { return int(a.pos) - int(b.pos) }) {
		t.Errorf("out of order: %+v", f.out)
	}
}

func TestBoundsOfAGroup(t *testing.T) {
	for name, o := range map[string]Options{
		"lines": {Wait: time.Second, MaxLines: 4, MaxBytes: 1 << 20, Senders: 10},
		"bytes": {Wait: time.Second, MaxLines: 1000, MaxBytes: 300, Senders: 10},
	} {
		f := newFeed(t, o)
		f.add("esx1", "a", header("18.734", "Hostd")+originator+"a")
		for i := range 20 {
			f.add("esx1", "a", header("18.734", "Hostd")+fmt.Sprintf("--> %d", i))
		}
		out := f.end()
		if len(out) < 3 {
			t.Errorf("%s: %d events", name, len(out))
		}
		for i, e := range out {
			if e.lines > o.MaxLines || len(e.frames) > o.MaxBytes {
				t.Errorf("%s: %d lines, %d bytes", name, e.lines, len(e.frames))
			}
			if i > 0 && e.continues != out[i-1].id {
				t.Errorf("%s: event %d continues %q, not %q", name, i, e.continues, out[i-1].id)
			}
		}
	}
	f := newFeed(t, usual) // and in time, whoever goes on and on
	f.add("esx1", "a", header("18.734", "Hostd")+originator+"a")
	for range 30 {
		f.pass(900 * time.Millisecond)
		f.add("esx1", "a", header("18.734", "Hostd")+"--> b")
	}
	if out := f.end(); len(out) < 2 {
		t.Errorf("a group of %d lines lasted 27 s", out[0].lines)
	}
}

func TestSendersAreBounded(t *testing.T) {
	f := newFeed(t, Options{Wait: time.Second, MaxLines: 10, MaxBytes: 1 << 20, Senders: 8})
	for i := range 1000 {
		f.add(fmt.Sprint("esx", i), "a", header("18.734", "Hostd")+originator+"a")
		if len(f.s.senders) > 8 || len(f.s.busy) > 8 {
			t.Fatalf("%d senders, %d of them hold something", len(f.s.senders), len(f.s.busy))
		}
	}
	if out := f.end(); len(out) != 1000 {
		t.Errorf("%d events of 1000 lines", len(out))
	}
}

// What a sender makes us hold is bounded, however it goes about it.
func TestQueuesAreBounded(t *testing.T) {
	f := newFeed(t, Options{Wait: time.Minute, MaxLines: 1000, MaxBytes: 1 << 20, Senders: 8})
	big := strings.Repeat("x", 64<<10)
	for i := range 5000 {
		f.add("esx1", "a", header("18.734", fmt.Sprintf("prog%d", i))+big[:i%len(big)])
		snd := f.senders["esx1"]
		if len(snd.queue)-snd.head > maxQueue+1 || cap(snd.queue) > 4*maxQueue || len(snd.open) > maxOpen || snd.bytes > maxSendBytes+128<<10 {
			t.Fatalf("line %d: %d wait, %d are open, %d bytes", i, len(snd.queue)-snd.head, len(snd.open), snd.bytes)
		}
	}
	f.end()
}
