package test

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// decoded runs `vswarden decode` over its standard input.
func decoded(t *testing.T, input string, args ...string) []object {
	t.Helper()
	r := vswarden(t, input, append([]string{"decode", "--no-group"}, args...)...)
	if r.code != 0 {
		t.Fatalf("decode %v: exit %d: %s", args, r.code, r.stderr)
	}
	return objects(t, r.stdout)
}

func fields(t *testing.T, o object, want map[string]string) {
	t.Helper()
	for name, value := range want {
		if got := o.text(name); got != value {
			t.Errorf("%s = %q, want %q", name, got, value)
		}
	}
}

// Issue 3, "Resolved when" 2: a name made to mislead, read from the right.
func TestDecodeReadsL2SecFromTheRight(t *testing.T) {
	const line = "<181>2014-12-10T19:23:45.733Z esx1 vmkernel: cpu14:1559738)etherswitch: L2Sec_EnforcePortCompliance:226: client a on port 0x1 ], b.eth3 requested promiscuous mode on port 0x84000006, disallowed by vswitch policy \n"
	o := decoded(t, line)
	if len(o) != 1 {
		t.Fatalf("%d events", len(o))
	}
	fields(t, o[0], map[string]string{
		"vmware.l2sec.client.name":   "a on port 0x1 ], b",
		"vmware.l2sec.client.device": "eth3",
		"vmware.l2sec.port_id":       "0x84000006",
		"vmware.l2sec.port_id_dec":   "2214592518",
		"vmware.l2sec.uplink":        "true",
		"vmware.l2sec.portset":       "4",
		"vmware.l2sec.slot":          "6",
		"@timestamp":                 "2014-12-10T19:23:45.733Z",
		"host.name":                  "esx1",
		"event.created":              "",
		"vmware.receiver.peer_ip":    "",
	})
}

// Every row of the catalogue of L2Sec lines (docs name the sources), placeholders filled in.
func TestDecodeKnowsEveryL2SecRow(t *testing.T) {
	const (
		promisc  = "promiscuous-mode-requested"
		revoked  = "promiscuous-mode-revoked"
		mac      = "mac-address-change-requested"
		blocked  = "port-blocked"
		restored = "port-unblocked"
		unknown  = "l2sec-unknown"
	)
	tests := []struct {
		row, line, action, client, device, port, module, lineNo, mac, severity string
	}{
		{"1a", "cpu3:4321)etherswitch: L2Sec_EnforcePortCompliance: 0x5000003: peer not allowed promiscuous, revoking setting", revoked, "", "", "83886083", "etherswitch", "", "", "47"},
		{"1a uptime", "7:21:06:14.107 cpu10:202157)etherswitch: L2Sec_EnforcePortCompliance: 0x5000003: peer not allowed promiscuous, revoking setting", revoked, "", "", "83886083", "etherswitch", "", "", "47"},
		{"1b", "cpu0:4321)etherswitch: L2Sec_EnforcePortCompliance: 0x100000f: peer not allowed to change address, blocking port", blocked, "", "", "16777231", "etherswitch", "", "", "73"},
		{"1c", "2012-12-23T01:12:51.889Z cpu0:352565)etherswitch: L2Sec_EnforcePortCompliance:226: client vmk0 requested promiscuous mode on port 0x1000003, disallowed by vswitch policy", promisc, "", "vmk0", "16777219", "etherswitch", "226", "", "73"},
		{"1d", "<181>2014-12-10T19:23:45.733Z esx.vmware.com vmkernel: cpu14:1559738)etherswitch: L2Sec_EnforcePortCompliance:226: client vm_name.eth0 requested promiscuous mode on port 0x200002b, disallowed by vswitch policy ", promisc, "vm_name", "eth0", "33554475", "etherswitch", "226", "", "47"},
		{"1e", `2022-04-19T17:46:38.933Z cpu0:262261)cswitch: L2Sec_EnforcePortCompliance:209: [nsx@6876 comp="nsx-esx" subcomp="vswitch"]client vmk1 requested promiscuous mode on port 0x4000010, disallowed by vswitch policy`, promisc, "", "vmk1", "67108880", "cswitch", "209", "", "73"},
		{"1f", "cpu1:4321)etherswitch: L2Sec_EnforcePortCompliance: client web 01 requested mac address change to 00:0c:29:12:34:56 on port 0x3000007, disallowed by vswitch policy", mac, "web 01", "", "50331655", "etherswitch", "", "00:0c:29:12:34:56", "73"},
		{"1g", "cpu1:4321)etherswitch: L2Sec_EnforcePortCompliance: client web-01.eth1 has policy violations on port 0x3000007. Port is blocked", blocked, "web-01", "eth1", "50331655", "etherswitch", "", "", "73"},
		{"1h", "cpu1:4321)etherswitch: L2Sec_EnforcePortCompliance:356: client web-01 has policy vialations on port 0x3000007. Port is blocked", blocked, "web-01", "", "50331655", "etherswitch", "356", "", "73"},
		{"1i", "cpu1:4321)etherswitch: L2Sec_EnforcePortCompliance:360: client web-01.eth0 port 0x3000007 is no longer blocked", restored, "", "", "50331655", "etherswitch", "360", "", "21"},
		{"1j", "cpu1:4321)etherswitch: L2Sec_FilterSrcMACForgeries:306: something about port 0x3000007 and 00:0c:29:12:34:56", unknown, "", "", "50331655", "etherswitch", "306", "00:0c:29:12:34:56", "47"},
		{"1k", `2025-07-01T14:29:11.508Z In(182) vmkernel: cpu0:262261)cswitch: L2Sec_EnforcePortCompliance:301: [nsx@6876 comp="nsx-esx" subcomp="vswitch"]client db-02.eth0 requested promiscuous mode on port 0x4000010, disallowed by vswitch policy`, promisc, "db-02", "eth0", "67108880", "cswitch", "301", "", "47"},
		{"1l", `<182>2025-07-01T14:29:11.508Z esx8 vmkernel: cpu0:262261)cswitch: L2Sec_EnforcePortCompliance:301: [nsx@6876 comp="nsx-esx" subcomp="vswitch"]client db-02.eth0 requested promiscuous mode on port 0x4000010, disallowed by vswitch policy`, promisc, "db-02", "eth0", "67108880", "cswitch", "301", "", "47"},
		{"1m", `<182>1 2026-07-01T14:29:11.508Z esx9 vmkernel - - [esx@4413] cpu0:262261)cswitch: L2Sec_EnforcePortCompliance:301: [nsx@4413 comp="nsx-esx" subcomp="vswitch"]client db-02.eth0 requested promiscuous mode on port 0x4000010, disallowed by vswitch policy`, promisc, "db-02", "eth0", "67108880", "cswitch", "301", "", "47"},
		{"opID", "<182>2025-07-01T14:29:11.508Z esx8 vmkernel: cpu10:266351 opID=936118c3)cswitch: L2Sec_EnforcePortCompliance:301: client db-02.ethernet0 requested promiscuous mode on port 0x4000010, disallowed by vswitch policy", promisc, "db-02", "ethernet0", "67108880", "cswitch", "301", "", "47"},
	}
	for _, tt := range tests {
		t.Run(tt.row, func(t *testing.T) {
			o := decoded(t, tt.line+"\n", "--detail", "full")
			if len(o) != 1 {
				t.Fatalf("%d events", len(o))
			}
			want := map[string]string{
				"event.dataset":              "vmware.esxi.l2sec",
				"event.action":               tt.action,
				"event.severity":             tt.severity,
				"event.provider":             "vmkernel",
				"vmware.l2sec.port_id_dec":   tt.port,
				"vmware.l2sec.module":        tt.module,
				"vmware.l2sec.line":          tt.lineNo,
				"vmware.l2sec.requested_mac": tt.mac,
				"event.original":             strings.TrimSuffix(tt.line, "\n"),
			}
			if tt.action != restored && tt.action != unknown { // What such a line says of a client is not known.
				want["vmware.l2sec.client.name"], want["vmware.l2sec.client.device"] = tt.client, tt.device
			}
			fields(t, o[0], want)
			if tagged := strings.Contains(o[0].text("tags"), "_unknown_l2sec"); tagged != (tt.action == unknown) {
				t.Errorf("tags %s", o[0].text("tags"))
			}
		})
	}
}

func TestDecodeTimes(t *testing.T) {
	const input = "no stamp at all\n" +
		"2022-04-19T17:46:38.933Z cpu0:1)x: one\n" +
		"none here either\n" +
		"<14>Jun 29 11:27:45 esx1 vobd: bsd\n"
	o := decoded(t, input, "--detail", "full")
	for i, want := range []map[string]string{
		{"@timestamp": "1970-01-01T00:00:00.000Z", "vmware.receiver.time_source": "none"},
		{"@timestamp": "2022-04-19T17:46:38.933Z"},
		{"@timestamp": "2022-04-19T17:46:38.933Z", "vmware.receiver.time_source": "previous"},
		{"@timestamp": "2022-06-29T11:27:45.000Z"},
	} {
		fields(t, o[i], want)
	}
	const bsd = "<14>Jun 29 11:27:45 esx1 vobd: bsd\n"
	fields(t, decoded(t, bsd)[0], map[string]string{"@timestamp": "1970-06-29T11:27:45.000Z"})
	fields(t, decoded(t, bsd, "--year", "2019", "--tz", "Europe/Vienna")[0], map[string]string{"@timestamp": "2019-06-29T09:27:45.000Z"})
}

func TestDecodeHostAndLines(t *testing.T) {
	const file = "2022-04-19T17:46:38.933Z cpu0:1)x: one\r\n\n2022-04-19T17:46:38.934Z cpu0:1)x: two\r\n"
	o := decoded(t, file, "--original", "all")
	if len(o) != 2 {
		t.Fatalf("%d events of two lines and an empty one", len(o))
	}
	fields(t, o[0], map[string]string{"host.name": "", "event.original": "2022-04-19T17:46:38.933Z cpu0:1)x: one"})
	fields(t, decoded(t, file, "--host", "esx7")[1], map[string]string{"host.name": "esx7", "event.original": ""})
	counted := "57 <14>2022-04-19T17:46:38.933Z esx1 vobd:  not really so long\n"
	fields(t, decoded(t, counted, "--original", "all")[0], map[string]string{"host.name": "esx1", "log.syslog.appname": "vobd"})
}

// With --original all the exact frame comes back.
func TestDecodeKeepsTheFrame(t *testing.T) {
	lines := []string{
		"<181>2014-12-10T19:23:45.733Z esx vmkernel: cpu1:2)etherswitch: L2Sec_EnforcePortCompliance:226: client Büro\t\"x\"\\.eth0 requested promiscuous mode on port 0x1, disallowed by vswitch policy ",
		"<14>x \xff\xfe not UTF-8", "{\"json\":1}", "\x01\x02 control", "<999>bad", "<", "\u2028 \U0001f600",
	}
	o := decoded(t, strings.Join(lines, "\n")+"\n", "--original", "all")
	if len(o) != len(lines) {
		t.Fatalf("%d events, want %d", len(o), len(lines))
	}
	for i, line := range lines {
		frame := o[i].text("event.original")
		if b64 := o[i].text("vmware.receiver.original_b64"); b64 != "" {
			raw, err := base64.StdEncoding.DecodeString(b64)
			if err != nil {
				t.Fatal(err)
			}
			frame = string(raw)
		}
		if frame != line {
			t.Errorf("line %d: %q came back as %q", i, line, frame)
		}
	}
}

func TestDecodeIsPureAndReadsGzip(t *testing.T) {
	text := mix(t, 500)
	plain, packed := filepath.Join(t.TempDir(), "vmkernel.log"), filepath.Join(t.TempDir(), "vmkernel.log")
	var gz bytes.Buffer
	w := gzip.NewWriter(&gz)
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for path, content := range map[string][]byte{plain: []byte(text), packed: gz.Bytes()} {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	first := vswarden(t, "", "decode", "--no-group", plain)
	if again := vswarden(t, "", "decode", "--no-group", plain); first.stdout != again.stdout {
		t.Error("two runs over one file differ")
	}
	unpacked := vswarden(t, "", "decode", "--no-group", packed)
	if n := strings.Count(unpacked.stdout, "\n"); n != 500 || unpacked.code != 0 {
		t.Errorf("gzip: %d events of 500 lines, exit %d: %s", n, unpacked.code, unpacked.stderr)
	}
	ids := map[string]bool{}
	for _, o := range objects(t, first.stdout) {
		ids[o.text("event.id")] = true
	}
	if len(ids) != 500 {
		t.Errorf("%d different ids of 500 lines", len(ids))
	}
}

// The table's sums by format and by dataset equal lines in and events out.
func TestDecodeStats(t *testing.T) {
	r := vswarden(t, mix(t, 1000)+"\n\n", "decode", "--no-group", "--stats")
	if r.code != 0 {
		t.Fatalf("exit %d: %s", r.code, r.stderr)
	}
	if n := strings.Count(r.stdout, "\n"); n != 1000 {
		t.Errorf("%d events of 1000 lines", n)
	}
	sums, rows := map[string]int{}, map[string]bool{}
	for line := range strings.Lines(r.stderr) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		n, err := strconv.Atoi(f[len(f)-1])
		if len(f) != 3 || err != nil {
			t.Fatalf("not kind, name, count between tabs: %q", line)
		}
		sums[f[0]] += n
		rows[f[0]+" "+f[1]] = true
	}
	if sums["format"] != 1000 || sums["dataset"] != 1000 {
		t.Errorf("sums %v of 1000 lines:\n%s", sums, r.stderr)
	}
	for _, row := range []string{"format rfc3164_iso", "dataset vmware.esxi.l2sec", "dataset vmware.esxi.hostd", "dataset vmware.esxi.vpxa", "dataset vmware.esxi.vmkernel", "dataset vmware.esxi.vob"} {
		if !rows[row] {
			t.Errorf("no row %q:\n%s", row, r.stderr)
		}
	}
}

// Bytes out per byte in, with the least that is written: the goal of the event's schema.
func TestCompactOutputIsSmall(t *testing.T) {
	const goal = 2.5
	text := mix(t, 20000)
	r := vswarden(t, text, "decode", "--no-group", "--detail", "compact", "--original", "none")
	if r.code != 0 {
		t.Fatalf("exit %d: %s", r.code, r.stderr)
	}
	ratio := float64(len(r.stdout)) / float64(len(text))
	t.Logf("detail compact, original none, as decode prints it: %.3f bytes out per byte in", ratio)
	if ratio > goal {
		t.Errorf("%.3f bytes out per byte in, the goal is %v", ratio, goal)
	}
}

// The same for what run writes, which also says when and from whom it received a line.
func TestCompactDeliveryIsSmall(t *testing.T) {
	needSignals(t)
	const goal = 2.5
	data := t.TempDir()
	path := filepath.Join(data, "events.ndjson")
	p := start(t, "-c", configured(t, data, "", fmt.Sprintf("sinks: [{name: events, type: file, detail: compact, original: none, file: {path: %q}}]", path)))
	s := load(t, "-addr", p.address(t, "tcp"), "-proto", "tcp", "-n", "20000", "-hosts", "4")
	books(t, p.settle(t, s.Sent))
	p.stop(t)
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	ratio := float64(info.Size()) / float64(s.Bytes)
	t.Logf("detail compact, original none, as run writes it: %.3f bytes out per byte in (%d bytes a line in)", ratio, s.Bytes/s.Sent)
	if ratio > goal {
		t.Errorf("%.3f bytes out per byte in, the goal is %v", ratio, goal)
	}
}

// mix returns n lines of loadgen's.
func mix(t *testing.T, n int) string {
	t.Helper()
	built(t)
	r := finish(t, exec.CommandContext(t.Context(), programs.loadgen, "-proto", "stdout", "-n", strconv.Itoa(n)), "")
	if r.code != 0 {
		t.Fatalf("loadgen: exit %d: %s", r.code, r.stderr)
	}
	return r.stdout
}
