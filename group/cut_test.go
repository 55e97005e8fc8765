package group

import (
	"strings"
	"testing"

	"vswarden/event"
)

// A security line waits for nothing, not even for its own end: where it was cut it says so, and what
// comes of it later names it.
func TestSecurityLinesThatWereCut(t *testing.T) {
	kernel := header("18.735", "vmkernel")
	denial := func(n int) (whole string) { // n bytes long
		const begin, end = " cpu14:1559738)etherswitch: L2Sec_EnforcePortCompliance:226: client ", ".eth0 requested promiscuous mode on port 0x4000006, disallowed by vswitch policy"
		return kernel + begin + strings.Repeat("v", n-len(kernel)-len(begin)-len(end)) + end
	}
	shell := header("18.736", "shell[1]") + " [root]: "
	audit := "<110>2026-02-07T09:29:18.737Z esx1 shell[1]: [shell.cmd@6876 subject=\"root\" command=\""
	filled := func(begin, end string, n int) string { return begin + strings.Repeat("x", n-len(begin)-len(end)) + end }
	for name, c := range map[string]struct {
		line, rest string
		cut, named bool
	}{
		"denial of 480 bytes":                {line: denial(480), rest: kernel + " of nothing"},
		"denial cut at 480":                  {line: denial(500)[:480], rest: kernel + denial(500)[480:], cut: true, named: true},
		"denial cut at 1180 in its client":   {line: denial(1400)[:1180], rest: kernel + denial(1400)[1180:], cut: true, named: true},
		"denial cut short elsewhere":         {line: denial(480)[:440], rest: kernel + denial(480)[440:]},
		"rest of another process":            {line: denial(500)[:480], rest: header("18.735", "vmkernel[2]") + denial(500)[480:], cut: true},
		"rest of another time":               {line: denial(500)[:480], rest: header("18.935", "vmkernel") + denial(500)[480:], cut: true},
		"command of 1024 bytes, may be cut":  {line: filled(shell, "", 1024), rest: header("18.736", "vmkernel") + " xyz", cut: true},
		"command of 1020 bytes":              {line: filled(shell, "", 1020), rest: header("18.736", "vmkernel") + " xyz"},
		"audit record of 1024 bytes":         {line: filled(audit, `"]`, 1024), rest: kernel + " xyz"},
		"audit record cut at 1024":           {line: filled(audit, `"]`, 1100)[:1024], rest: kernel + " xyz", cut: true},
		"denial with a blank behind its end": {line: denial(479) + " ", rest: kernel + " xyz"},
	} {
		for _, o := range []Options{usual, {Senders: 10}} { // and where nothing is grouped
			f := newFeed(t, o)
			f.add("esx1", "", c.line)
			if _, held := f.s.Held(); held || len(f.out) != 1 {
				t.Fatalf("%s: %d events, held %v", name, len(f.out), held)
			}
			f.add("esx1", "", c.rest)
			f.end()
			if len(f.out) != 2 {
				t.Fatalf("%s: %d events", name, len(f.out))
			}
			if cut := f.out[0].tags&event.TagIncomplete != 0; cut != c.cut {
				t.Errorf("%s: marked as cut %v, want %v", name, cut, c.cut)
			}
			if named := f.out[1].continues == f.out[0].id; named != c.named {
				t.Errorf("%s: the rest continues %q, want %v", name, f.out[1].continues, c.named)
			}
		}
	}
}

// The rest of a line that we cut was thrown away: what comes next is not it, whatever the length.
func TestLinesThatWeCut(t *testing.T) {
	for _, tags := range []event.Tags{0, event.TagTruncated} {
		f := newFeed(t, usual)
		f.tags = tags
		line := header("18.735", "app")
		line += strings.Repeat("x", 1024-len(line))
		f.add("esx1", "a", line)
		f.tags = 0
		f.add("esx1", "a", header("18.735", "app")+"next")
		f.end()
		if want := 1 + int(tags/event.TagTruncated); len(f.out) != want {
			t.Errorf("tags %d: %d events, want %d", tags, len(f.out), want)
		}
	}
}
