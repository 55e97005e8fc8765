package decode

import (
	"strings"
	"testing"
)

// TestHostileLines decodes megabytes that were built to be slow: whatever a sender writes, the work
// must grow with the length of the line and no faster. Quadratic work here takes minutes, not
// milliseconds, so that the test needs no clock.
func TestHostileLines(t *testing.T) {
	const size = 1 << 20
	repeat := func(s string) string { return strings.Repeat(s, size/len(s)) }
	sd := "<14>1 2026-02-07T11:59:59Z h app 1 - "
	shell := "<14>2026-02-07T11:59:59Z esx1 shell[1]: [root]: "
	for name, raw := range map[string]string{
		"elements":             sd + repeat(`[a b="c]`),
		"strict elements":      sd + repeat(`[a b="c"]`),
		"quotes that stay":     sd + "[a " + repeat(`="`),
		"brackets":             sd + repeat("["),
		"closing":              sd + "[a " + repeat("]"),
		"originator":           wire + "[Originator@6876 " + repeat(" a=b"),
		"originator brackets":  wire + "[Originator@6876 sub=" + repeat("[]"),
		"originator open":      wire + "[Originator@6876 sub=" + repeat("[ "),
		"equals signs":         wire + "[Originator@6876 sub=" + repeat("a="),
		"components":           wire + "[2C3ECB90 info " + repeat(" 'a"),
		"components closed":    wire + "[2C3ECB90 info " + repeat(" 'a'"),
		"old words":            wire + "[" + repeat("a "),
		"tasks":                wire + "Task Created : haTask-" + repeat("-"),
		"sessions":             wire + "Accepted password for user " + repeat(" from "),
		"ports":                trapHeader + "cswitch: L2Sec_X: " + repeat("port 0x "),
		"macs":                 trapHeader + "cswitch: L2Sec_X: " + repeat("00:50:56:"),
		"clients":              trapHeader + "cswitch: L2Sec_X: client " + repeat(" on port "),
		"functions":            trapHeader + repeat("L2Sec_"),
		"short options":        shell + "esxcli system account " + repeat(" -p"),
		"secret words":         shell + repeat("ppassword ttoken "),
		"quoted words":         shell + repeat(`"a 'b" `),
		"urls":                 shell + repeat("a://b:c "),
		"events":               vcWire + "Event [1] [1-1] " + repeat("[a] "),
		"targets":              vcWire + "Event [1] [1-1] [a] [b] [c] [d] [" + repeat("x] ["),
		"arrows":               vcWire + "Event [1] [1-1] [a] [b] [c] [d] [e] [1] [" + repeat("->"),
		"changes":              vcWire + "Event [1] [1-1] [a] [b] [c] [d] [e] [1] [" + repeat(" a: b -> c"),
		"json":                 `2026-02-07T11:59:59Z {"user":"` + repeat(`\"`),
		"portgroups":           "<14>2026-02-07T11:59:59Z esx1 vobd: [netCorrelator] 1us: [esx.problem.net.x] Affected portgroups: " + repeat(`"", `),
		"tcp":                  wire + "info hostd[1] [Originator@6876 sub=X] " + repeat("<TCP '"),
		"file names":           repeat("a:"),
		"headers":              repeat("<13>2026-02-07T11:59:59Z h "),
		"counts":               repeat("1 "),
		"blanks":               "<13>2026-02-07T11:59:59Z " + repeat(" "),
		"devices":              kernelWire + repeat("a ") + ": entered promiscuous mode",
		"spaces and quotes":    "<110>2026-02-07T11:59:59Z esx1 shell[1]: [shell.cmd@6876 " + repeat(` a="`),
		"not UTF-8":            repeat("\xff"),
		"NUL":                  repeat("\x00"),
		"L2Sec on many hops":   strings.Repeat("<13>2026-02-07T11:59:59Z h ", 100) + benchL2Sec,
		"no header, brackets":  "[" + repeat("'info' "),
		"no header, many info": "[" + repeat("info '"),
	} {
		t.Run(name, func(t *testing.T) {
			e := line(raw)
			checkStrings(t, &e)
			checkEvent(t, &e)
			HeaderHost([]byte(raw))
		})
	}
}
