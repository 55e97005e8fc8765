package decode

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"vswarden/event"
)

// TestEveryTrapHasATest: the field reference lists 38 traps; each has a test that is named after it.
func TestEveryTrapHasATest(t *testing.T) {
	const traps = 38
	files, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	named := map[string]bool{}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`(?m)^func TestTrap(\d\d)\w+\(`).FindAllStringSubmatch(string(data), -1) {
			named[m[1]] = true
		}
	}
	for n := 1; n <= traps; n++ {
		if !named[fmt.Sprintf("%02d", n)] {
			t.Errorf("no test of trap %d", n)
		}
	}
}

// A denial of promiscuous mode alone is no incident: a capture on a vmk makes one, and its command says so.
// What an analyst limits by is in the event: host, port, client.
func TestTrap32DenialIsNoIncident(t *testing.T) {
	command := line("<14>2026-02-07T11:59:58Z esx1 shell[277438]: [root]: tcpdump-uw -i vmk0")
	denial := line("<181>2026-02-07T11:59:59.000Z esx1 vmkernel: cpu0:352565)etherswitch: L2Sec_EnforcePortCompliance:226: client vmk0 requested promiscuous mode on port 0x1000003, disallowed by vswitch policy")
	if command.Act != event.ActCapture || command.Command.Network != event.NetCommandCapture || command.User.Name != "root" {
		t.Errorf("%s, %+v", command.Act, command.Command)
	}
	if denial.Kind != "" || denial.L2Sec.Client.Type != event.ClientVMK || denial.Host != command.Host || !denial.L2Sec.HasPort {
		t.Errorf("kind %q, %+v", denial.Kind, denial.L2Sec)
	}
	for range 3 { // a nested ESXi repeats it for ever: the same client and port each time
		if e := line(denial.Raw); e.L2Sec != denial.L2Sec {
			t.Errorf("%+v", e.L2Sec)
		}
	}
}

// Where the policy allows something the host says nothing, and of forged transmits it never says anything:
// no line may be read as a permission, but the command that gives it is seen.
func TestTrap34SilenceIsNoPermission(t *testing.T) {
	for _, text := range []string{
		"etherswitch: L2Sec_EnforcePortCompliance:226: client a.eth0 requested promiscuous mode on port 0x1000003, allowed by vswitch policy",
		"etherswitch: L2Sec_FilterSrcMACForgeries:88: frame from 00:50:56:9a:0b:0d on port 0x2000031 passed",
	} {
		e := line("<181>2026-02-07T11:59:59.000Z esx1 vmkernel: cpu0:1)" + text)
		if e.L2Sec.Kind != event.L2SecUnknown || e.Tags&event.TagUnknownL2Sec == 0 {
			t.Errorf("%s: kind %d, tags %b", text, e.L2Sec.Kind, e.Tags)
		}
	}
	e := line("<14>2026-02-07T11:59:58Z esx1 shell[1]: [root]: esxcli network vswitch standard policy security set -v vSwitch0 --allow-forged-transmits=true")
	if e.Act != event.ActSwitchPolicy || !e.Command.Weakens || e.Command.Switch != "vSwitch0" {
		t.Errorf("%s, %+v", e.Act, e.Command)
	}
}

// A port id is somebody else's tomorrow: decoding keeps nothing of the line before.
func TestTrap35PortIDsAreReused(t *testing.T) {
	text := func(client string) string {
		return "<181>2026-02-07T11:59:59.000Z esx1 vmkernel: cpu0:1)etherswitch: L2Sec_EnforcePortCompliance:226: client " + client + " requested promiscuous mode on port 0x3000005, disallowed by vswitch policy"
	}
	first, second := line(text("old-vm.eth0")), line(text("new-vm.eth1"))
	down := line("<182>2026-02-07T11:59:59.500Z esx1 vmkernel: cpu0:1)NetPort: 1879: disabled port 0x3000005")
	if first.L2Sec.Port != second.L2Sec.Port || down.NetPort.Port != first.L2Sec.Port {
		t.Errorf("ports %#x, %#x, %#x", first.L2Sec.Port, second.L2Sec.Port, down.NetPort.Port)
	}
	if first.L2Sec.Client.Name != "old-vm" || second.L2Sec.Client.Name != "new-vm" || second.L2Sec.Client.Device != "eth1" {
		t.Errorf("%+v, then %+v", first.L2Sec.Client, second.L2Sec.Client)
	}
	var reused event.Event
	for _, raw := range []string{text("old-vm.eth0"), down.Raw} {
		reused.Reset()
		reused.Raw = raw
		Line(&reused, nil)
	}
	if reused.L2Sec != (event.L2Sec{}) {
		t.Errorf("of the line before: %+v", reused.L2Sec)
	}
}

// At boot a host reports every rule set and port of its firewall: such lines are told from the one that
// matters, and name what they are about, so that they can be counted instead of read.
func TestTrap37FirewallFloods(t *testing.T) {
	seen := map[string]bool{}
	for i := range 40 {
		e := line(fmt.Sprintf("<14>2026-02-07T11:59:%02d.000Z esx1 vobd:  [netCorrelator] %dus: [esx.audit.net.firewall.config.changed] Firewall configuration has changed. Operation 'add' for rule set rule%d succeeded.", i, 73154456+i, i))
		if e.Act != event.ActFirewallChanged || e.VOB.Operation != "add" || e.VOB.Result != event.OutcomeSuccess {
			t.Fatalf("%s, %+v", e.Act, e.VOB)
		}
		seen[e.VOB.RuleSet] = true
	}
	if len(seen) != 40 {
		t.Errorf("%d rule sets", len(seen))
	}
	hooked := line("<14>2026-02-07T11:59:59.000Z esx1 vobd:  [netCorrelator] 1us: [esx.audit.net.firewall.port.hooked] Port vmk0 is now protected by Firewall.")
	off := line("<14>2026-02-07T11:59:59.000Z esx1 vobd:  [netCorrelator] 1us: [esx.audit.net.firewall.disabled] Firewall has been disabled.")
	if hooked.Act != "" || hooked.VOB.ID != "esx.audit.net.firewall.port.hooked" || off.Act != event.ActFirewallOff {
		t.Errorf("%s %s, %s", hooked.Act, hooked.VOB.ID, off.Act)
	}
}
