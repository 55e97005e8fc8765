package group

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// FuzzStage gives lines in any order and cut anyhow: nothing panics, no line and no byte is lost, the
// events of a sender keep their order, and neither what is held over the end of a buffer nor when the
// stage is told the time makes a difference.
func FuzzStage(f *testing.F) {
	hostd := header("18.734", "Hostd")
	f.Add(hostd + originator + "a\n" + hostd + "--> b\n  c\n{\"a\":1}\n\x01" + hostd + "--> d\n\x80" + hostd + "--> late")
	f.Add("<14>1 2021-09-06T14:40:30Z vc vpxd 5 - -  Event [7] [2-3] two\n<14>1 2021-09-06T14:40:30Z vc vpxd 5 - -  Event [7] [1-3] [x] [vim.event.A] [info] [] [] [] [one\n<14>1 2021-09-06T14:40:30Z vc vpxd 5 - -  Event [7] [3-3] three]")
	f.Add("<6>Feb  7 09:29:18 k kernel: device tap0 entered promiscuous mode\n<6>Feb  7 09:29:18 k kernel: br0: port 2(tap0) entered blocking state")
	f.Add("<30>Jun  9 11:27:45 r app: a#012--> b#012\n2025-01-20T01:44:25.919Z In(166)[+] Hostd[1]: c\n#012\n-->\n" + strings.Repeat("x", 1024) + "\ny")
	f.Add(hostd + " \n" + header("18.734", "vobd") + " " + vobGen + "\n" + header("18.734", "vobd") + " " + vobAud + "\nEvent [0] [0-0] \nEvent [1] [5-2] x")
	f.Fuzz(func(t *testing.T, lines string) {
		o := Options{Wait: time.Second, MaxLines: 5, MaxBytes: 2000, Senders: 3}
		var first []string
		for run := range 3 {
			f := newFeed(t, o)
			f.keep = run == 1
			var in []string
			for l := range strings.SplitSeq(lines, "\n") {
				// The first byte, when no line begins so, says who sends it, how, and after how long.
				sender, conn := 0, ""
				if l != "" && (l[0] < ' ' || l[0] >= 0x80) {
					sender, conn = int(l[0])&3, []string{"", "a", "b"}[int(l[0])>>2&3%3]
					f.pass(time.Duration(l[0]>>4) * 150 * time.Millisecond)
					l = l[1:]
				}
				if run == 2 && len(f.senders) > 0 {
					f.s.Tick(f.now)
					f.drain()
				}
				in = append(in, l)
				f.add(fmt.Sprint(sender), conn, l)
			}
			var events, frames []string
			for _, e := range f.end() {
				events = append(events, fmt.Sprintf("%+v", e))
				frames = append(frames, e.frames)
			}
			whole := strings.Join(in, "\n")
			if n := len(strings.Join(frames, "\n")); n != len(whole) {
				t.Errorf("%d bytes of %d", n, len(whole))
			}
			slices.Sort(events)
			if run == 0 {
				first = events
			} else if !slices.Equal(events, first) {
				t.Errorf("run %d:\n%s\nwas\n%s", run, strings.Join(events, "\n"), strings.Join(first, "\n"))
			}
		}
	})
}
