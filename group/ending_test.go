package group

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

const l2sec = "<181>2026-02-07T09:29:18.735Z esx1 vmkernel: cpu14:1559738)etherswitch: L2Sec_EnforcePortCompliance:226: client web-01.eth0 requested promiscuous mode on port 0x4000006, disallowed by vswitch policy"

// What comes of a group that was ended early names that one, not another that had ended already.
func TestWhatIsContinued(t *testing.T) {
	hostd, vpxa, kernel := header("18.734", "Hostd"), header("18.734", "Vpxa"), header("18.734", "vmkernel")
	part := header("18.734", "Vpxa") + "Event [7] [1-3] one"
	cut := l2sec[:strings.Index(l2sec, "client ")+len("client ")]
	cut += strings.Repeat("x", 1024-len(cut))
	rest := "<181>2026-02-07T09:29:18.735Z esx1 vmkernel: disallowed by vswitch policy"
	programs := func(n int) (lines []string) {
		for i := range n {
			lines = append(lines, "|"+header("18.734", fmt.Sprint("prog", i))+"--> begin")
		}
		return lines
	}
	long := []string{"|" + hostd + originator + "1", "+900ms", "|" + hostd + "--> 2", "+900ms", "|" + hostd + "--> 3", "|" + l2sec}
	for name, c := range map[string]struct {
		lines []string // "conn|line"; "+1s" lets time pass; "!" is the last line that is past, "blank" an empty one
		want  int      // the line that the last one continues, from 1; 0 = none
	}{
		"the newest of a program, on whatever connection": {[]string{"a|" + vpxa + originator + "1", "b|" + vpxa + originator + "2", "c|" + l2sec, "b|" + vpxa + "--> x"}, 2},
		"so too where the past ends":                      {[]string{"a|" + vpxa + originator + "1", "b|" + vpxa + originator + "2", "!", "b|" + vpxa + "--> x"}, 2},
		"the older one, on its connection":                {[]string{"a|" + vpxa + originator + "1", "b|" + vpxa + originator + "2", "c|" + l2sec, "a|  x"}, 1},
		"the security line, on its own":                   {[]string{"a|" + vpxa + originator + "1", "b|" + vpxa + originator + "2", "a|" + l2sec, "a|  x"}, 3},
		"the security line, by its program":               {[]string{"a|" + l2sec, "a|" + vpxa + originator + "2", "|" + kernel + "--> x"}, 1},
		"each line without a header":                      {[]string{"a|" + hostd + originator + "1", "b|" + l2sec, "a|  x", "a|  y"}, 1},
		"no device that waits for its bridge port":        {[]string{"a|<6>Feb  7 09:29:18 kvm kernel: device tap0 entered promiscuous mode", "a|" + hostd + originator + "2", "b|" + l2sec, "a|  x"}, 2},
		"none that another line of its program has ended": {[]string{"|" + kernel + "--> 1", "!", "|" + kernel + "cpu1:2)2", "|" + kernel + "--> x"}, 0},
		"no part of a vCenter event, by an arrow":         {[]string{"|" + part, "|" + l2sec, "|" + vpxa + "--> x"}, 0},
		"as long as the wait after its last line":         {append(long[:6:6], "+1s", "|"+hostd+"--> x"), 1},
		"no longer": {append(long[:6:6], "+1001ms", "|"+hostd+"--> x"), 0},
		"the rest of a security line, whatever is between": {[]string{"a|" + cut, "a|" + kernel + "cpu1:2)x", "a|" + rest}, 1},
		"a group that ended for there were too many":       {append(programs(maxOpen+1), "|"+header("18.734", "prog0")+"--> x"), 1},
		"each of all that were open":                       {append(programs(maxOpen), "|"+l2sec, "|"+header("18.734", "prog12")+"--> x"), 13},
		"nothing over an empty line":                       {[]string{"a|" + hostd + originator + "1", "b|" + l2sec, "blank", "a|  x"}, 0},
	} {
		f := newFeed(t, usual)
		f.past = slices.Contains(c.lines, "!")
		var ids []uint64
		for _, l := range c.lines {
			switch conn, line, ok := strings.Cut(l, "|"); {
			case ok:
				f.add("esx1", conn, line)
				ids = append(ids, f.pos)
			case l == "!":
				f.past = false
			case l == "blank":
				f.s.Blank(f.senders["esx1"])
			case l != "":
				d, err := time.ParseDuration(l)
				if err != nil {
					t.Fatal(err)
				}
				f.pass(d)
			}
		}
		out := f.end()
		place := map[string]uint64{"": 0}
		for _, e := range out {
			place[e.id] = e.pos
		}
		last := out[len(out)-1]
		if last.pos != ids[len(ids)-1] || place[last.continues] != uint64(c.want) {
			t.Errorf("%s: line %d continues %d, want %d", name, last.pos, place[last.continues], c.want)
		}
	}
}

// Wherever the past ends without cutting a group, what follows is what it is without a past.
func TestWhereThePastEndsMakesNoDifference(t *testing.T) {
	type input struct {
		conn, line string
		later      time.Duration
	}
	for seed := range uint64(12) {
		rng := rand.New(rand.NewPCG(seed, 3))
		lines := make([]input, 250)
		for i := range lines {
			app := []string{"Hostd", "Vpxa", "app", "vmkernel"}[rng.IntN(4)]
			h := header([]string{"18.734", "18.735"}[rng.IntN(2)], app)
			l := &lines[i]
			l.conn = []string{"", "a", "b"}[rng.IntN(3)]
			if rng.IntN(4) == 0 {
				l.later = time.Duration(rng.IntN(700)) * time.Millisecond
			}
			switch rng.IntN(11) {
			case 0, 1:
				l.line = h + originator + fmt.Sprint("text ", i)
			case 2, 3:
				l.line = h + fmt.Sprint("--> more ", i)
			case 4:
				l.line = fmt.Sprint("  bare ", i)
			case 5:
				l.line = fmt.Sprint(h, "alone or a rest ", i)
			case 6:
				l.line = h + originator + strings.Repeat("x", 1024-len(h)-len(originator)) // cut
			case 7:
				l.line = h + fmt.Sprintf("Event [%d] [%d-3] part %d", rng.IntN(3), 1+rng.IntN(3), i)
			case 8:
				l.line = h + "cpu1:2)NetPort: 1165: disabled port 0x3000007"
			case 9:
				l.line = l2sec
			case 10:
				l.line = fmt.Sprintf("<6>Feb  7 09:29:18 kvm kernel: device tap%d entered promiscuous mode", rng.IntN(2))
			}
		}
		pass := func(past int) []outcome {
			f := newFeed(t, usual)
			for i, l := range lines {
				f.past = i < past
				f.pass(l.later)
				f.add("esx1", l.conn, l.line)
			}
			return f.end()
		}
		want := pass(0)
		joined, named := 0, 0
		for _, e := range want {
			if e.lines > 1 {
				joined++
			}
			if e.continues != "" {
				named++
			}
		}
		if joined == 0 || named == 0 {
			t.Fatalf("seed %d: %d groups, %d name another", seed, joined, named)
		}
		for past := range uint64(len(lines)) {
			if slices.ContainsFunc(want, func(e outcome) bool { return e.pos <= past && past < e.last }) {
				continue
			}
			behind := func(e outcome) bool { return e.pos <= past }
			got, want := slices.DeleteFunc(pass(int(past)), behind), slices.DeleteFunc(slices.Clone(want), behind)
			for i := range want {
				if i >= len(got) || !reflect.DeepEqual(got[i], want[i]) {
					t.Errorf("seed %d, past up to %d:\n got %+v\nwant %+v", seed, past, got[min(i, len(got)-1)], want[i])
					break
				}
			}
		}
	}
}
