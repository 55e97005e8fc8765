package test

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// netStats is what a host prints of its ports.
const netStats = `PortNum          Type SubType SwitchName       MACAddress         ClientName
67108868            3       0 vSwitch1         00:50:56:63:d2:53  vmk2
67108870            5       9 vSwitch1         00:50:56:84:5a:ba  web-01.eth0
67108871            5       9 vSwitch1         00:50:56:84:5a:bb  db-01.eth0
2214592518          4       0 vSwitch1         00:50:56:01:10:01  vmnic0
`

// say sends lines over one TCP connection, each with {now} as the time of sending.
func say(t *testing.T, addr string, lines ...string) {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, line := range lines {
		if _, err := c.Write([]byte(strings.ReplaceAll(line, "{now}", time.Now().UTC().Format("2006-01-02T15:04:05.000Z")) + "\n")); err != nil {
			t.Fatal(err)
		}
	}
}

// denial is an L2Sec line of esx01, of now.
func denial(what string) string {
	return "<181>{now} esx01 vmkernel: cpu14:1559738)etherswitch: L2Sec_EnforcePortCompliance:226: " + what
}

func TestImportIsJoinedWithLines(t *testing.T) {
	needSignals(t)
	data := filepath.Join(t.TempDir(), "made", "here")
	hour := time.Now().Add(-time.Hour).UTC().Format(time.RFC3339)
	r := vswarden(t, netStats, "inventory", "import", "--data", data, "--host", "esx01", "--at", hour, "-")
	if r.code != 0 || !strings.Contains(r.stdout, "4 ports") {
		t.Fatalf("import: exit %d\n%s%s", r.code, r.stdout, r.stderr)
	}
	if info, err := os.Stat(filepath.Join(data, "inventory", "snapshot")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("snapshot: %v %v", info, err)
	}
	p := start(t, onLoopback(t, data)...)
	say(t, p.address(t, "tcp"),
		denial("client web-01.eth0 requested promiscuous mode on port 0x4000006, disallowed by vswitch policy"),
		denial("0x4000007: peer not allowed promiscuous, revoking setting"),
		denial("client vmk2 requested promiscuous mode on port 0x4000004, disallowed by vswitch policy"),
		denial("client evil.eth0 requested mac address change to 00:50:56:84:5a:bb on port 0x4000009, disallowed by vswitch policy"),
		"<14>{now} esx01 Hostd: info hostd[1] [Originator@6876 sub=Default] nothing of a port",
		"<14>{now} esx99 Hostd: info hostd[1] [Originator@6876 sub=Default] of a host nobody knows",
	)
	m := p.settle(t, 6)
	if hosts := m.sum("vswarden_inventory_objects", `kind="host"`); hosts != 1 {
		t.Errorf("%v hosts", hosts)
	}
	// The owner of the directory is running: no import beside it, but everybody may read.
	for _, args := range [][]string{{"inventory", "import", "--data", data, "--host", "esx01", "-"}} {
		if r := vswarden(t, netStats, args...); r.code != 2 || !strings.Contains(r.stderr, fmt.Sprintf("in use by pid %d", p.note.PID)) {
			t.Errorf("%v: exit %d: %s", args, r.code, r.stderr)
		}
	}
	for _, args := range [][]string{
		{"port", "0x4000006", "--host", "esx01", "--data", data}, {"inventory", "show", "--data", data}, {"inventory", "export", "--data", data},
	} {
		if r := vswarden(t, "", args...); r.code != 0 || r.stdout == "" {
			t.Errorf("%v: exit %d: %s", args, r.code, r.stderr)
		}
	}
	p.stop(t)

	events := delivered(t, filepath.Join(data, "events.ndjson"))
	if len(events) != 6 {
		t.Fatalf("%d events", len(events))
	}
	for i, want := range []map[string]string{
		{"vmware.vm.name": "web-01", "vmware.vnic.mac": "00:50:56:84:5a:ba", "vmware.enrichment.confidence": "0.95", "vmware.enrichment.match": `["client_name","import"]`, "vmware.switch.name": "vSwitch1", "source.mac": "00-50-56-84-5A-BA", "host.name": "esx01"},
		{"vmware.vm.name": "db-01", "vmware.enrichment.confidence": "0.85", "vmware.enrichment.match": `["import"]`},
		{"vmware.vm.name": "", "vmware.enrichment.confidence": "0.99", "vmware.enrichment.match": `["client_name","vmk","import"]`},
		{"vmware.vm.name": "", "vmware.enrichment.status": "unresolved", "vmware.l2sec.requested_mac_owner.name": "db-01"},
		{"vmware.enrichment.status": "", "host.name": "esx01"}, // compact
		{"host.name": "esx99"},
	} {
		for field, value := range want {
			if got := events[i].text(field); got != value {
				t.Errorf("event %d: %s is %q, want %q", i, field, got, value)
			}
		}
	}
}

// KB 304453 prints 0x5000003 in its log line, which is 83886083, and 83886082 in all its commands.
func TestKBExampleIsOffByOne(t *testing.T) {
	for name, text := range map[string]string{
		"get-esxtop":  "PortID WorldLeader ClientName\n------ ----------- ----------\n83886082 12344 VirtualMachineName\n",
		"esxtop-grep": "Network Port(vSwitchName:83886082:12344:VirtualMachineName)\n",
		"esxcfg-info": "|----Port Id..........83886082\n|----World Leader.....\n12344\n|----Client Name......VirtualMachineName\n",
	} {
		t.Run(name, func(t *testing.T) {
			data := t.TempDir()
			if r := vswarden(t, text, "inventory", "import", "--data", data, "--host", "esx01"); r.code != 0 || !strings.Contains(r.stdout, name) {
				t.Fatalf("import: exit %d: %s%s", r.code, r.stdout, r.stderr)
			}
			for _, id := range []string{"0x5000002", "83886082"} {
				r := vswarden(t, "", "port", id, "--host", "esx01", "--data", data, "-o", "json")
				if r.code != 0 {
					t.Fatalf("%s: exit %d: %s", id, r.code, r.stderr)
				}
				o := objects(t, strings.ReplaceAll(r.stdout, "\n", ""))[0]
				for field, want := range map[string]string{
					"vm.name": "VirtualMachineName", "vm.world_id": "12344", "port_id": "0x5000002", "port_id_dec": "83886082",
					"enrichment.confidence": "0.95", "enrichment.match": `["import"]`, "enrichment.candidates": "1",
				} {
					if got := o.text(field); got != want {
						t.Errorf("%s: %s is %q, want %q", id, field, got, want)
					}
				}
			}
			for _, id := range []string{"0x5000003", "83886083"} {
				r := vswarden(t, "", "port", id, "--host", "esx01", "--data", data)
				if r.code != 4 || !strings.Contains(r.stdout, "not known") || !strings.Contains(r.stdout, "off by one") || strings.Contains(r.stdout, "VirtualMachineName") {
					t.Errorf("%s: exit %d\n%s", id, r.code, r.stdout)
				}
			}
		})
	}
}

// Contract: 0.95 within guard of the import, 0.85 until a later one contradicts it or a day has passed, then 0.6;
// between two that disagree both are candidates.
func TestImportConfidence(t *testing.T) {
	data := t.TempDir()
	row := func(vm string) string { return "Network Port(vSwitch0:67108870:4711:" + vm + ")\n" }
	for at, vm := range map[string]string{"2026-09-15T10:00:00Z": "web-01", "2026-09-15T14:00:00Z": "db-01"} {
		if r := vswarden(t, row(vm), "inventory", "import", "--data", data, "--host", "esx01", "--at", at, "-"); r.code != 0 {
			t.Fatalf("exit %d: %s", r.code, r.stderr)
		}
	}
	for _, c := range []struct {
		at, vm, confidence string
		code               int
	}{
		{"2026-09-15T10:00:05Z", "web-01", "0.95", 0},
		{"2026-09-15T11:00:00Z", "web-01", "0.6", 4}, // or db-01
		{"2026-09-15T14:00:00Z", "db-01", "0.95", 0},
		{"2026-09-15T23:00:00Z", "db-01", "0.85", 0},
		{"2026-09-16T14:30:00Z", "db-01", "0.6", 4},
		{"2026-09-15T09:00:00Z", "", "0", 4},
	} {
		r := vswarden(t, "", "port", "0x4000006", "--host", "esx01", "--data", data, "--at", c.at, "-o", "json")
		o := objects(t, strings.ReplaceAll(r.stdout, "\n", ""))[0]
		if r.code != c.code || o.text("vm.name") != c.vm || o.text("enrichment.confidence") != c.confidence {
			t.Errorf("%s: exit %d, %s %s, want %d, %s %s", c.at, r.code, o.text("vm.name"), o.text("enrichment.confidence"), c.code, c.vm, c.confidence)
		}
		if both := strings.Contains(o.text("candidates"), "web-01") && strings.Contains(o.text("candidates"), "db-01"); both != (c.at == "2026-09-15T11:00:00Z") {
			t.Errorf("%s: candidates %s", c.at, o.text("candidates"))
		}
	}
}

func TestInventoryCommandsSayWhatIsWrong(t *testing.T) {
	data := t.TempDir()
	if r := vswarden(t, netStats, "inventory", "import", "--data", data, "--host", "esx01"); r.code != 0 {
		t.Fatalf("exit %d: %s", r.code, r.stderr)
	}
	for _, c := range []struct {
		name, stdin string
		args        []string
		code        int
		say         string
	}{
		{"no host", netStats, []string{"inventory", "import", "--data", data}, 2, "--host"},
		{"no format", "hello\n", []string{"inventory", "import", "--data", data, "--host", "x"}, 2, "--kind"},
		{"no such format", netStats, []string{"inventory", "import", "--data", data, "--kind", "excel"}, 2, "net-stats"},
		{"no such file", "", []string{"inventory", "import", "--data", data, "--host", "x", filepath.Join(data, "none")}, 2, "none"},
		{"no time", netStats, []string{"inventory", "import", "--data", data, "--host", "x", "--at", "yesterday"}, 2, "2026-09-15T"},
		{"no port", "", []string{"port", "0x", "--host", "esx01", "--data", data}, 2, "0x4000006"},
		{"port without a host", "", []string{"port", "5", "--data", data}, 2, "--host"},
		{"no id", "", []string{"port", "--host", "esx01", "--data", data}, 2, "arg"},
		{"no such output", "", []string{"port", "5", "--host", "esx01", "--data", data, "-o", "xml"}, 2, "json"},
		{"a host nobody knows", "", []string{"port", "5", "--host", "esx77", "--data", data}, 4, "esx77"},
		{"nothing known", "", []string{"port", "5", "--host", "esx77", "--data", filepath.Join(data, "none")}, 4, "no inventory yet"},
		{"nothing to export", "", []string{"inventory", "export", "--data", filepath.Join(data, "none")}, 1, "no inventory yet"},
		{"a host that is not there", "", []string{"inventory", "show", "--host", "esx77", "--data", data}, 1, "esx77"},
	} {
		if r := vswarden(t, c.stdin, c.args...); r.code != c.code || !strings.Contains(r.stdout+r.stderr, c.say) {
			t.Errorf("%s: exit %d, want %d and %q:\n%s%s", c.name, r.code, c.code, c.say, r.stdout, r.stderr)
		}
	}
	if _, err := os.Stat(filepath.Join(data, "none")); err == nil {
		t.Error("a command that only reads made the data directory")
	}
}

func TestNamesCannotDriveATerminal(t *testing.T) {
	data := t.TempDir()
	const text = `[{"VM": "web\u001b]0;owned\u0007\u009b31m\n01", "Host": "esx01", "Port ID": "0x4000006", "Mac Address": "00:50:56:84:5a:ba"}]`
	if r := vswarden(t, text, "inventory", "import", "--data", data); r.code != 0 || strings.ContainsAny(r.stdout, "\x1b\x07") {
		t.Fatalf("import: exit %d %q%s", r.code, r.stdout, r.stderr)
	}
	for _, args := range [][]string{
		{"port", "0x4000006", "--host", "esx01"},
		{"port", "0x4000006", "--host", "esx01", "-o", "json"},
		{"port", "0x4000006", "--host", "e\x1b[31m"},
		{"inventory", "show"},
		{"inventory", "show", "--host", "esx01"},
		{"inventory", "export"},
	} {
		r := vswarden(t, "", append(args, "--data", data)...)
		if strings.ContainsAny(r.stdout+r.stderr, "\x1b\x07\u009b") || strings.Contains(r.stdout, "\n01") {
			t.Errorf("%v: %q %q", args, r.stdout, r.stderr)
		}
		if args[0] == "port" && !strings.Contains(r.stdout, `\u001b`) {
			t.Errorf("%v: the name is not there, escaped: %q", args, r.stdout)
		}
	}
}

// What is exported is known to whoever imports it, and no newer than it was.
func TestExportIsImported(t *testing.T) {
	first, second := t.TempDir(), t.TempDir()
	if r := vswarden(t, netStats, "inventory", "import", "--data", first, "--host", "esx01", "--at", "2026-09-15T10:00:00Z"); r.code != 0 {
		t.Fatalf("exit %d: %s", r.code, r.stderr)
	}
	x := vswarden(t, "", "inventory", "export", "--data", first)
	if r := vswarden(t, x.stdout, "inventory", "import", "--data", second); r.code != 0 {
		t.Fatalf("exit %d: %s\n%s", r.code, r.stderr, x.stdout)
	}
	for _, at := range []string{"2026-09-15T10:00:00Z", "2026-09-15T12:00:00Z", "2026-09-25T10:00:00Z"} {
		ask := []string{"port", "0x4000006", "--host", "esx01", "--at", at, "-o", "json", "--data"}
		a, b := vswarden(t, "", append(ask, first)...), vswarden(t, "", append(ask, second)...)
		x, y := objects(t, strings.ReplaceAll(a.stdout, "\n", ""))[0], objects(t, strings.ReplaceAll(b.stdout, "\n", ""))[0]
		for _, field := range []string{"vm.name", "vnic", "enrichment.confidence", "enrichment.match", "switch.name"} {
			if x.text(field) != y.text(field) || x.text(field) == "" {
				t.Errorf("%s: %s is %q, was %q", at, field, y.text(field), x.text(field))
			}
		}
	}
}

func TestSnapshotThatCannotBeUsed(t *testing.T) {
	needSignals(t)
	data := t.TempDir()
	if err := os.Mkdir(filepath.Join(data, "inventory"), 0o700); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(data, "inventory", "snapshot")
	if err := os.WriteFile(path, []byte("vswarden-inventory 999\nwhat may come"), 0o600); err != nil {
		t.Fatal(err)
	}
	if r := vswarden(t, "", append([]string{"run"}, onLoopback(t, data)...)...); r.code != 2 || !strings.Contains(r.stderr, "version 999") {
		t.Errorf("a newer version: exit %d: %s", r.code, r.stderr)
	}
	if err := os.WriteFile(path, []byte("vswarden-inventory 1\ndamaged"), 0o600); err != nil {
		t.Fatal(err)
	}
	if r := vswarden(t, "", "inventory", "show", "--data", data); r.code != 1 || !strings.Contains(r.stderr, "the next vswarden run sets it aside and begins empty") {
		t.Errorf("a damaged one: exit %d: %s", r.code, r.stderr)
	}
	memory := filepath.Join(data, "detect.json")
	if err := os.WriteFile(memory, []byte(`{"version":1,"sta`), 0o600); err != nil {
		t.Fatal(err)
	}
	p := start(t, onLoopback(t, data)...)
	p.stop(t)
	for _, path := range []string{path, memory} {
		if aside, _ := filepath.Glob(path + ".damaged-*"); len(aside) != 1 || !strings.Contains(p.logTail(), aside[0]) {
			t.Errorf("set aside: %v\n%s", aside, p.logTail())
		}
	}
}

// TestCorpusIsImported gives every output of the corpus to the program, where it is at hand.
func TestCorpusIsImported(t *testing.T) {
	const corpus = "../../shared/corpus/"
	text, err := os.ReadFile(corpus + "esxi-enrichment-samples.txt")
	if err != nil {
		t.Skip("the corpus is not here")
	}
	known := map[string]string{ // what the commands print of a block: 1 port or VM that has to be there
		"esxtop -b header": "Krein", "net-stats -l; header": "sneaku-scan01", "esxcli network vm list (header": "Site1_GW",
		"esxcli network vm port list -w": "00:0c:29:47:03:dc", "network_vm_list.xml": "bar", "network_vm_port_list.xml": "00:0c:29:12:b2:cf",
		"esxcli vm process list (head": "uranium-esx36", "esxcli network ip interface list": "0x1000003", "one dvPort with a VM": "0x3000035",
		"vsish /net/portsets":   "NLB_VM2",
		"KB 304453: Get-ESXTOP": "VirtualMachineName", "KB 304453: resxtop": "VirtualMachineName", "KB 304453: esxcfg-info": "VirtualMachineName",
	}
	blocks := map[string]string{}
	for _, block := range strings.Split(string(text), "##### BEGIN ")[1:] {
		title, body, _ := strings.Cut(block, "\n")
		blocks[title], _, _ = strings.Cut(body, "##### END")
	}
	for _, name := range []string{"govmomi-esxcli-network-vm-list.xml", "govmomi-esxcli-network-vm-port-list.xml"} {
		body, err := os.ReadFile(corpus + name)
		if err != nil {
			t.Fatal(err)
		}
		blocks[name] = string(body)
		known[name] = map[bool]string{true: "00:0c:29:12:b2:cf", false: "foo"}[strings.Contains(name, "port")]
	}
	seen := 0
	for title, body := range blocks {
		data := t.TempDir()
		r := vswarden(t, body, "inventory", "import", "--kind", "auto", "--data", data, "--host", "esx01", "-")
		want := ""
		for part, has := range known {
			if strings.Contains(title, part) {
				want = has
			}
		}
		if strings.Contains(title, "standard portgroup list") && (r.code != 0 || !strings.Contains(r.stdout, "4 portgroups")) {
			t.Errorf("%s: exit %d: %s%s", title, r.code, r.stdout, r.stderr)
		}
		if want == "" { // no list of ports or VMs
			if r.code != 0 && r.code != 2 {
				t.Errorf("%s: exit %d: %s", title, r.code, r.stderr)
			}
			continue
		}
		seen++
		if shown := vswarden(t, "", "inventory", "show", "--host", "esx01", "--data", data); r.code != 0 || !strings.Contains(shown.stdout, want) {
			t.Errorf("%s: exit %d %s\n%s lacks %s", title, r.code, r.stderr, shown.stdout, want)
		}
	}
	if seen != len(known) {
		t.Errorf("%d of %d outputs seen", seen, len(known))
	}
}

// Without any API: what NetPort lines of trusted networks say is known after a restart, and marked as learned.
func TestPortsAreLearnedFromLines(t *testing.T) {
	needSignals(t)
	data := t.TempDir()
	config := func(from string) string {
		return configured(t, data, "", "enrich: {learn_from: ["+from+"]}\n")
	}
	const netport = "<182>{now} esx05.example.com vmkernel: cpu3:2098765)NetPort: 1580: enabled port 0x4000006 with mac 00:50:56:84:5a:ba"
	const revoked = "<181>{now} esx05.example.com vmkernel: cpu1:4711)etherswitch: L2Sec_EnforcePortCompliance: 0x4000006: peer not allowed promiscuous, revoking setting"
	p := start(t, "-c", config("10.0.0.0/8")) // not where the lines come from
	say(t, p.address(t, "tcp"), netport, revoked)
	m := p.settle(t, 2)
	if n := m.sum("vswarden_inventory_learned_total"); n != 0 {
		t.Errorf("a stranger taught %v ports", n)
	}
	p.stop(t)
	p = start(t, "-c", config("127.0.0.0/8"))
	say(t, p.address(t, "tcp"), netport)
	p.settle(t, 1)
	p.stop(t)
	p = start(t, "-c", config("127.0.0.0/8"))
	say(t, p.address(t, "tcp"), revoked)
	p.settle(t, 1)
	p.stop(t)
	events := delivered(t, filepath.Join(data, "events.ndjson"))
	if len(events) != 4 {
		t.Fatalf("%d events", len(events))
	}
	for i, want := range []map[string]string{
		0: {"vmware.enrichment.status": "disabled"}, 1: {"vmware.enrichment.status": "disabled", "vmware.vnic.mac": ""},
		2: {"vmware.enrichment.match": `["learned"]`, "vmware.vnic.mac": "00:50:56:84:5a:ba"},
		3: {"vmware.enrichment.match": `["learned"]`, "vmware.vnic.mac": "00:50:56:84:5a:ba", "host.name": "esx05.example.com", "vmware.enrichment.confidence": "0.8"},
	} {
		for field, value := range want {
			if got := events[i].text(field); got != value {
				t.Errorf("event %d: %s is %q, want %q", i, field, got, value)
			}
		}
	}
}

// One host keeps one name, across restarts too, until the inventory corrects it once.
func TestHostKeepsItsName(t *testing.T) {
	needSignals(t)
	data := t.TempDir()
	line := func(host string) string { return "<14>{now} " + host + " app: x" }
	for _, host := range []string{"esx01", "esx01.example.com"} {
		p := start(t, onLoopback(t, data)...)
		say(t, p.address(t, "tcp"), line(host))
		p.settle(t, 1)
		p.stop(t)
	}
	names := filepath.Join(data, "inventory", "names")
	if info, err := os.Stat(names); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info, err)
	}
	if r := vswarden(t, netStats, "inventory", "import", "--data", data, "--host", "ESX01.example.com"); r.code != 0 {
		t.Fatalf("exit %d: %s", r.code, r.stderr)
	}
	p := start(t, onLoopback(t, data)...)
	say(t, p.address(t, "tcp"), line("esx01"), line("esx01"))
	p.settle(t, 2)
	p.stop(t)
	if err := os.WriteFile(names, []byte("rubbish"), 0o600); err != nil {
		t.Fatal(err)
	}
	p = start(t, onLoopback(t, data)...)
	p.stop(t)
	if aside, _ := filepath.Glob(names + ".damaged-*"); len(aside) != 1 || !strings.Contains(p.logTail(), "names of senders") {
		t.Errorf("a damaged file: %v\n%s", aside, p.logTail())
	}
	var got []string
	for _, o := range delivered(t, filepath.Join(data, "events.ndjson")) {
		got = append(got, o.text("host.name")+o.text("tags"))
	}
	if want := `esx01 esx01 ESX01.example.com["_host_renamed"] ESX01.example.com`; strings.Join(got, " ") != want {
		t.Errorf("%v, want %s", got, want)
	}
}
