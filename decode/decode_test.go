package decode

import (
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
	"unsafe"

	"vswarden/event"
)

// received is when every line of these tests came in, unless a test says otherwise.
var received = time.Date(2026, 2, 7, 12, 0, 0, 0, time.UTC)

// line decodes raw as if it had come from a socket.
func line(raw string) event.Event { return lineAt(raw, received, Options{}) }

func lineAt(raw string, at time.Time, o Options) event.Event {
	var e event.Event
	e.Reset()
	e.Raw = raw
	e.Received = at.UnixNano()
	e.Receiver.Peer = netip.MustParseAddrPort("192.0.2.9:50000")
	Line(&e, &o)
	return e
}

// fileLine decodes raw as a line of a file.
func fileLine(raw string, o Options) event.Event {
	o.File = true
	var e event.Event
	e.Reset()
	e.Raw = raw
	Line(&e, &o)
	return e
}

// want are the fields that a header decides.
type want struct {
	format  event.Format
	pri     int16
	host    string // host.name; the peer's address where the header names none
	app     string
	proc    string
	msg     string
	time    string // RFC 3339; empty: the receive time
	dataset event.Dataset
	tags    event.Tags // TagClockSkew is left out of the comparison
}

func checkHeader(t *testing.T, e event.Event, w want) {
	t.Helper()
	got := want{
		format: e.Format, pri: e.Syslog.Priority, host: e.Host, app: e.Syslog.AppName, proc: e.Syslog.ProcID,
		msg: e.Message, dataset: e.Dataset, tags: e.Tags &^ event.TagClockSkew,
	}
	if e.TimeSource == event.TimeHeader {
		got.time = time.Unix(0, e.Time).UTC().Format(time.RFC3339Nano)
	}
	if w.dataset == "" {
		got.dataset = ""
	}
	if got != w {
		t.Errorf("%s\n got %+v\nwant %+v", e.Raw, got, w)
	}
}

const peer = "192.0.2.9" // what host falls back to

func TestHeaderShapes(t *testing.T) {
	for name, tc := range map[string]struct {
		raw string
		want
	}{
		"ESXi 5 wire": {
			`<181>2014-12-10T19:23:45.733Z esx1.example.com vmkernel: cpu14:1559738)World: 1: text`,
			want{"rfc3164_iso", 181, "esx1.example.com", "vmkernel", "", "World: 1: text", "2014-12-10T19:23:45.733Z", event.DatasetVmkernel, 0},
		},
		"ESXi 8 wire, pid in the tag": {
			`<166>2025-07-01T14:29:11.508Z esx1 Hostd[263196]: [Originator@6876 sub=Libs] text`,
			want{"rfc3164_iso", 166, "esx1", "Hostd", "263196", "[Originator@6876 sub=Libs] text", "2025-07-01T14:29:11.508Z", event.DatasetHostd, 0},
		},
		"two blanks after the tag": {
			`<14>2014-12-10T16:31:21.337Z esx1 vobd:  [UserLevelCorrelator] 84872345us: [esx.audit.host.boot] Host has booted.`,
			want{"rfc3164_iso", 14, "esx1", "vobd", "", "[UserLevelCorrelator] 84872345us: [esx.audit.host.boot] Host has booted.", "2014-12-10T16:31:21.337Z", event.DatasetVOB, 0},
		},
		"whole seconds": {
			`<13>2014-12-22T01:01:01Z esx1 root: Unable to extract`,
			want{"rfc3164_iso", 13, "esx1", "root", "", "Unable to extract", "2014-12-22T01:01:01Z", event.DatasetSystem, 0},
		},
		"IPv6 host": {
			`<13>2014-12-22T01:01:01Z fe80::20c:29ff:fe1 shell[1]: ls`,
			want{"rfc3164_iso", 13, "fe80::20c:29ff:fe1", "shell", "1", "ls", "2014-12-22T01:01:01Z", event.DatasetShell, 0},
		},
		"host missing": {
			`<182>2025-07-01T14:29:11.508Z vmkernel: cpu0:1)text`,
			want{"rfc3164_iso", 182, peer, "vmkernel", "", "text", "2025-07-01T14:29:11.508Z", event.DatasetVmkernel, 0},
		},
		"tag missing": {
			`<182>2025-07-01T14:29:11.508Z esx9 boot: is not a tag, this is`,
			want{"rfc3164_iso", 182, "esx9", "boot", "", "is not a tag, this is", "2025-07-01T14:29:11.508Z", event.DatasetSystem, 0},
		},
		"no tag at all": {
			`<182>2025-07-01T14:29:11.508Z esx9 just some text here`,
			want{"rfc3164_iso", 182, "esx9", "", "", "just some text here", "2025-07-01T14:29:11.508Z", event.DatasetSystem, 0},
		},
		"empty message": {
			`<166>2025-07-01T14:29:11.508Z esx1 Hostd:`,
			want{"rfc3164_iso", 166, "esx1", "Hostd", "", "", "2025-07-01T14:29:11.508Z", event.DatasetHostd, 0},
		},
		"tag without colon": {
			`<13>2022-06-01T13:42:40.681Z esx8 host-16250 <analytics> Skip service health check.`,
			want{"rfc3164_iso", 13, "esx8", "host-16250", "", "<analytics> Skip service health check.", "2022-06-01T13:42:40.681Z", event.DatasetSystem, 0},
		},
		"RFC 5424": {
			`<182>1 2026-02-07T09:29:18.734Z esx9 vobd 2098000 - [esx@4413 threadName="netCorrelator"] 3639187707810us: [esx.audit.x] text`,
			want{"rfc5424", 182, "esx9", "vobd", "2098000", "3639187707810us: [esx.audit.x] text", "2026-02-07T09:29:18.734Z", event.DatasetVOB, 0},
		},
		"RFC 5424 from ESX 9's vmkernel": {
			`<182>1 2026-02-07T09:29:18.734Z esx9 vmkernel - - [esx@4413] cpu0:262261)World: 1: text`,
			want{"rfc5424", 182, "esx9", "vmkernel", "", "World: 1: text", "2026-02-07T09:29:18.734Z", event.DatasetVmkernel, 0},
		},
		"RFC 5424 with nil values": {
			`<14>1 - - - - - - hello`,
			want{"rfc5424", 14, peer, "", "", "hello", "", event.DatasetGeneric, 0},
		},
		"RFC 5424 with a byte order mark": {
			"<14>1 2026-02-07T09:29:18.734Z h app 1 ID7 - \ufeffgr\u00fc\u00df",
			want{"rfc5424", 14, "h", "app", "1", "gr\u00fc\u00df", "2026-02-07T09:29:18.734Z", event.DatasetGeneric, 0},
		},
		"vCenter": {
			`<14>1 2021-09-06T14:40:30.285831+00:00 vcenter vpxd 58650 - -  Event [1] [1-1] [x]`,
			want{"rfc5424", 14, "vcenter", "vpxd", "58650", "Event [1] [1-1] [x]", "2021-09-06T14:40:30.285831Z", "", 0},
		},
		"hybrid": {
			`<166>1 2025-07-01T14:29:11.508Z esx8 Hostd[263196]: [esx@4413 sub="Libs"] text`,
			want{"hybrid", 166, "esx8", "Hostd", "263196", "text", "2025-07-01T14:29:11.508Z", event.DatasetHostd, 0},
		},
		"hybrid keeps hostd's own element": {
			`<166>1 2025-07-01T14:29:11.508Z esx8 Hostd: info hostd[1] [Originator@6876 sub=Libs] text`,
			want{"hybrid", 166, "esx8", "Hostd", "", "info hostd[1] [Originator@6876 sub=Libs] text", "2025-07-01T14:29:11.508Z", event.DatasetHostd, 0},
		},
		"hybrid without host": {
			`<182>1 2025-07-01T14:29:11.508Z vmkernel: cpu0:1)text`,
			want{"hybrid", 182, peer, "vmkernel", "", "text", "2025-07-01T14:29:11.508Z", event.DatasetVmkernel, 0},
		},
		"fields of RFC 5424 without version and priority": {
			`2026-02-07T09:29:18.734Z esx9 vobd 2098000 - [esx@4413 threadName="netCorrelator"] 3639187707810us: text`,
			want{"no_pri", -1, "esx9", "vobd", "2098000", "3639187707810us: text", "2026-02-07T09:29:18.734Z", event.DatasetVOB, 0},
		},
		"no priority": {
			`2025-06-23T12:59:42.288Z esx1.example.com Hostd[2098952]: [Originator@6876 sub=Vimsvc] Accepted`,
			want{"no_pri", -1, "esx1.example.com", "Hostd", "2098952", "[Originator@6876 sub=Vimsvc] Accepted", "2025-06-23T12:59:42.288Z", event.DatasetHostd, 0},
		},
		"BSD": {
			`<13>Feb  7 11:58:00 gw1 dhcpd[411]: lease`,
			want{"rfc3164_bsd", 13, "gw1", "dhcpd", "411", "lease", "2026-02-07T11:58:00Z", event.DatasetGeneric, 0},
		},
		"BSD without host, as glibc writes it": {
			`<13>Feb  7 11:58:00 dhcpd[411]: lease`,
			want{"rfc3164_bsd", 13, peer, "dhcpd", "411", "lease", "2026-02-07T11:58:00Z", event.DatasetGeneric, 0},
		},
		"BSD without priority, ESX 4 file": {
			`Feb  7 11:58:00 esx4 vmkernel: 7:21:06:14.107 cpu10:202157)NetPort: 1: text`,
			want{"no_pri", -1, "esx4", "vmkernel", "", "NetPort: 1: text", "2026-02-07T11:58:00Z", event.DatasetVmkernel, 0},
		},
		"host glued to a BSD stamp": {
			`<13>Feb  7 11:58:00ESX01 vmkernel: 7:21:06:14.107 cpu10:202157)text`,
			want{"rfc3164_bsd", 13, "ESX01", "vmkernel", "", "text", "2026-02-07T11:58:00Z", event.DatasetVmkernel, 0},
		},
		"uptime alone": {
			`7:21:06:14.107 cpu10:202157)NetPort: 982: text`,
			want{"uptime", -1, peer, "", "", "NetPort: 982: text", "", event.DatasetVmkernel, 0},
		},
		"uptime behind a tag": {
			`<6>vmkernel: 188:04:24:16.970 cpu8:4288)WARNING: iscsi_vmk: x`,
			want{"uptime", 6, peer, "vmkernel", "", "WARNING: iscsi_vmk: x", "", event.DatasetVmkernel, 0},
		},
		"file of ESXi 5 to 7": {
			`2022-04-19T17:46:40.897Z cpu10:266351 opID=936118c3)World: 12075: VC opID esxui maps to vmkernel opID 936118c3`,
			want{"file_iso", -1, peer, "", "", "World: 12075: VC opID esxui maps to vmkernel opID 936118c3", "2022-04-19T17:46:40.897Z", event.DatasetVmkernel, 0},
		},
		"file, shell.log": {
			`2012-12-23T01:12:51Z shell[277438]: tcpdump-uw -i vmk0`,
			want{"file_iso", -1, peer, "shell", "277438", "tcpdump-uw -i vmk0", "2012-12-23T01:12:51Z", event.DatasetShell, 0},
		},
		"file, hostd.log of 6 and 7": {
			`2021-01-04T16:02:17.168Z info hostd[526501] [Originator@6876 sub=Libs] text`,
			want{"file_iso", -1, peer, "hostd", "526501", "info hostd[526501] [Originator@6876 sub=Libs] text", "2021-01-04T16:02:17.168Z", event.DatasetHostd, 0},
		},
		"file, hostd.log of 5": {
			`2012-05-22T12:36:59.101Z [5ED40B90 verbose 'vm:/vmfs/x.vmx'] Time to gather`,
			want{"file_iso", -1, peer, "", "", "[5ED40B90 verbose 'vm:/vmfs/x.vmx'] Time to gather", "2012-05-22T12:36:59.101Z", event.DatasetHostd, 0},
		},
		"file, hostd.log of 4": {
			`[2011-04-01 15:14:34.203 F5A5AB90 info 'Libs'] VMotionPrepare`,
			want{"file_iso", -1, peer, "", "", "[2011-04-01 15:14:34.203 F5A5AB90 info 'Libs'] VMotionPrepare", "2011-04-01T15:14:34.203Z", event.DatasetHostd, 0},
		},
		"file, vpxd.log of vCenter 9": {
			`2025-06-04T17:06:21.349Z INFO vpxd 20973 [Originator@4413 sub="ServiceAccount"] text`,
			want{"file_iso", -1, peer, "vpxd", "20973", `INFO vpxd 20973 [Originator@4413 sub="ServiceAccount"] text`, "2025-06-04T17:06:21.349Z", "", 0},
		},
		"file, note of the rotation": {
			`2021-05-24T20:31:05.671Z - last log rotation time, 2021-05-24T09:30:02.683Z`,
			want{"file_iso", -1, peer, "", "", "- last log rotation time, 2021-05-24T09:30:02.683Z", "2021-05-24T20:31:05.671Z", event.DatasetSystem, 0},
		},
		"file, a section": {
			`2022-06-01T13:24:08.243Z Section for vdtc, pid=4774, version=e.x.p`,
			want{"file_iso", -1, peer, "", "", "Section for vdtc, pid=4774, version=e.x.p", "2022-06-01T13:24:08.243Z", event.DatasetSystem, 0},
		},
		"file of ESXi 8": {
			`2025-01-20T16:36:19.937Z Wa(180) vmkwarning: cpu68:2098009)WARNING: HBX: 2723: text`,
			want{"file_esxi8", 180, peer, "vmkwarning", "", "WARNING: HBX: 2723: text", "2025-01-20T16:36:19.937Z", event.DatasetVmkernel, 0},
		},
		"file of ESXi 8, continued": {
			`2022-06-02T05:34:23Z In(14)[+] hostprofile[1001430319]: {'mode': 'Disabled'}`,
			want{"file_esxi8", 14, peer, "hostprofile", "1001430319", "{'mode': 'Disabled'}", "2022-06-02T05:34:23Z", event.DatasetSystem, 0},
		},
		"file of ESXi 8, continued, other mark": {
			`2025-12-11T16:43:23.314Z In(166)+ Hostd[169797]: --> [context]zKq7[/context]`,
			want{"file_esxi8", 166, peer, "Hostd", "169797", "--> [context]zKq7[/context]", "2025-12-11T16:43:23.314Z", event.DatasetHostd, 0},
		},
		"file of ESXi 8, time behind the program": {
			`2022-06-02 In(14) hostprofile[1001430319]: 05:34:23.666 {'mode': 'Disabled'}`,
			want{"file_esxi8", 14, peer, "hostprofile", "1001430319", "05:34:23.666 {'mode': 'Disabled'}", "2022-06-02T05:34:23.666Z", event.DatasetSystem, 0},
		},
		"grep's file name": {
			`vmkernel.9:Feb  7 11:58:00 esx4 vmkernel: 97:00:40:02.937 cpu15:14570)VMW_SATP_SVC: text`,
			want{"no_pri", -1, "esx4", "vmkernel", "", "VMW_SATP_SVC: text", "2026-02-07T11:58:00Z", event.DatasetVmkernel, 0},
		},
		"grep's file name and line": {
			`vmkernel.log:17:2012-12-23T01:12:51.889Z cpu0:352565)text`,
			want{"file_iso", -1, peer, "", "", "text", "2012-12-23T01:12:51.889Z", event.DatasetVmkernel, 0},
		},
		"octet count left in place": {
			`57 <13>2014-12-22T01:01:01Z esx1 root: Unable to extract`,
			want{"rfc3164_iso", 13, "esx1", "root", "", "Unable to extract", "2014-12-22T01:01:01Z", event.DatasetSystem, 0},
		},
		"byte order mark at the beginning of a file": {
			"\ufeff2012-12-23T01:12:51Z shell[277438]: ls",
			want{"file_iso", -1, peer, "shell", "277438", "ls", "2012-12-23T01:12:51Z", event.DatasetShell, 0},
		},
		"priority alone": {
			`<13>`,
			want{"raw", 13, peer, "", "", "", "", event.DatasetGeneric, event.TagNoHeader},
		},
		"not syslog": {
			`POST /sdk HTTP/1.1`,
			want{"raw", -1, peer, "", "", "POST /sdk HTTP/1.1", "", event.DatasetGeneric, event.TagNoHeader},
		},
		"program without a header": {
			`Hostd: info hostd[FFE61B70] [Originator@6876 sub=Vimsvc.ha-eventmgr] Event 6361 : x`,
			want{"raw", -1, peer, "Hostd", "", "info hostd[FFE61B70] [Originator@6876 sub=Vimsvc.ha-eventmgr] Event 6361 : x", "", event.DatasetHostd, event.TagNoHeader},
		},
		"audit record": {
			`<110>2022-11-04T15:25:46.186Z esx1 shell[1231448]: [shell.cmd@6876 subject="root" object="shell" command="ls"]`,
			want{"rfc3164_iso", 110, "esx1", "shell", "1231448", `[shell.cmd@6876 subject="root" object="shell" command="ls"]`, "2022-11-04T15:25:46.186Z", event.DatasetAudit, 0},
		},
		"sshd of ESXi": {
			`<38>2022-11-04T15:25:46Z esx1 sshd[1231448]: Connection from 192.0.2.1 port 2605`,
			want{"rfc3164_iso", 38, "esx1", "sshd", "1231448", "Connection from 192.0.2.1 port 2605", "2022-11-04T15:25:46Z", event.DatasetAuth, 0},
		},
		"sshd of another system": {
			`<38>Feb  7 11:58:00 gw1 sshd[1231448]: Connection from 192.0.2.1 port 2605`,
			want{"rfc3164_bsd", 38, "gw1", "sshd", "1231448", "Connection from 192.0.2.1 port 2605", "2026-02-07T11:58:00Z", event.DatasetGeneric, 0},
		},
		"program with a path": {
			`Feb  7 11:58:00 esx4 /usr/lib/vmware/bin/vmware-hostd[23877]: pam_per_user: x`,
			want{"no_pri", -1, "esx4", "/usr/lib/vmware/bin/vmware-hostd", "23877", "pam_per_user: x", "2026-02-07T11:58:00Z", event.DatasetHostd, 0},
		},
		"offset from UTC": {
			`2014-11-04T15:53:31.075+05:30 verbose vpxd[05160] [Originator@6876 sub=X] RecordOp`,
			want{"file_iso", -1, peer, "vpxd", "05160", "verbose vpxd[05160] [Originator@6876 sub=X] RecordOp", "2014-11-04T10:23:31.075Z", "", 0},
		},
	} {
		t.Run(name, func(t *testing.T) { checkHeader(t, line(tc.raw), tc.want) })
	}
}

func TestRelays(t *testing.T) {
	for name, tc := range map[string]struct {
		raw   string
		relay string
		want
	}{
		"BSD stamp around ESXi's own header": {
			`Jul  1 14:30:23 192.168.8.233 2025-07-01T14:29:11.508Z localhost.localdomain shell[1627100]: [root]: esxcli system`, "192.168.8.233",
			want{"relay", -1, "localhost.localdomain", "shell", "1627100", "[root]: esxcli system", "2025-07-01T14:29:11.508Z", event.DatasetShell, 0},
		},
		"priority outside, RFC 5424 inside": {
			`<182>Jun 29 10:54:02 172.16.0.9 1 2020-06-29T10:52:50.786+01:00 nma01af NSXV 6152 - [nsxv@6876 comp="nsx-manager"] Start`, "172.16.0.9",
			want{"relay", 182, "nma01af", "NSXV", "6152", "Start", "2020-06-29T09:52:50.786Z", event.DatasetGeneric, 0},
		},
		"two whole frames": {
			`<13>2026-02-07T11:58:01Z relay1 <181>2026-02-07T11:58:00.100Z esx1 vmkernel: cpu0:1)text`, "relay1",
			want{"relay", 181, "esx1", "vmkernel", "", "text", "2026-02-07T11:58:00.1Z", event.DatasetVmkernel, 0},
		},
		"frame inside a tag of the relay": {
			`<13>Feb  7 11:58:01 relay1 forwarder[7]: <181>2026-02-07T11:58:00.100Z esx1 vmkernel: cpu0:1)text`, "relay1",
			want{"relay", 181, "esx1", "vmkernel", "", "text", "2026-02-07T11:58:00.1Z", event.DatasetVmkernel, 0},
		},
		"frame inside the MSG of RFC 5424": {
			`<13>1 2026-02-07T11:58:01Z relay1 fwd - - - <181>2026-02-07T11:58:00.100Z esx1 vmkernel: cpu0:1)text`, "relay1",
			want{"relay", 181, "esx1", "vmkernel", "", "text", "2026-02-07T11:58:00.1Z", event.DatasetVmkernel, 0},
		},
		"ISO around BSD": {
			`<13>2026-02-07T11:58:01Z relay1 <6>Feb  7 11:58:00 esx4 vmkernel: 7:21:06:14.107 cpu10:202157)text`, "relay1",
			want{"relay", 6, "esx4", "vmkernel", "", "text", "2026-02-07T11:58:00Z", event.DatasetVmkernel, 0},
		},
		"three headers": {
			`<13>Feb  7 11:58:02 relay2 <13>Feb  7 11:58:01 relay1 <181>2026-02-07T11:58:00.100Z esx1 vmkernel: cpu0:1)text`, "relay2",
			want{"relay", 181, "esx1", "vmkernel", "", "text", "2026-02-07T11:58:00.1Z", event.DatasetVmkernel, 0},
		},
		"shipper that sends a log file of ESXi 8": {
			`<133>1 2026-02-07T11:58:01Z esx1 vmkernel - - - 2026-02-07T11:58:00.100Z In(182) vmkernel: cpu0:1)text`, "esx1",
			want{"relay", 182, "esx1", "vmkernel", "", "text", "2026-02-07T11:58:00.1Z", event.DatasetVmkernel, 0},
		},
		"inner header without a host": {
			`<13>Feb  7 11:58:01 esx1 2026-02-07T11:58:00.100Z cpu0:1)text`, "esx1",
			want{"relay", 13, "esx1", "", "", "text", "2026-02-07T11:58:00.1Z", event.DatasetVmkernel, 0},
		},
	} {
		t.Run(name, func(t *testing.T) {
			e := line(tc.raw)
			checkHeader(t, e, tc.want)
			if e.Receiver.Relay != tc.relay {
				t.Errorf("relay %q, want %q", e.Receiver.Relay, tc.relay)
			}
		})
	}
}

// A relay that the receiver believed (a listed address, a PROXY header) is not replaced by a word
// that anyone can send.
func TestRelayOfTheReceiverStays(t *testing.T) {
	var e event.Event
	e.Reset()
	e.Raw = `<13>Feb  7 11:58:01 forged <181>2026-02-07T11:58:00.100Z esx1 vmkernel: cpu0:1)text`
	e.Receiver.Relay = "10.1.2.3"
	Line(&e, nil)
	if e.Receiver.Relay != "10.1.2.3" || e.Host != "esx1" {
		t.Errorf("relay %q, host %q", e.Receiver.Relay, e.Host)
	}
}

func TestHostFallsBackToPeer(t *testing.T) {
	e := line("cpu0:1)text")
	if e.Host != peer {
		t.Errorf("host %q, want the peer's address", e.Host)
	}
	if e := fileLine("cpu0:1)text", Options{}); e.Host != "" {
		t.Errorf("host %q of a file's line without one", e.Host)
	}
}

func TestKind(t *testing.T) {
	for raw, kind := range map[string]string{
		"":                       kindPipelineError,
		"hello":                  kindPipelineError,
		"<13>hello":              "",
		"cpu0:1)text":            "",
		"\x00\x01":               kindPipelineError,
		"Hostd: text":            "",
		"2026-02-07T11:58:00Z x": "",
	} {
		if e := line(raw); e.Kind != kind {
			t.Errorf("%q: kind %q, want %q", raw, e.Kind, kind)
		}
	}
}

func TestNotUTF8(t *testing.T) {
	if e := line("<13>2014-12-22T01:01:01Z esx1 root: caf\xe9"); e.Tags&event.TagNotUTF8 == 0 || e.Message != "caf\xe9" {
		t.Errorf("tags %b, message %q", e.Tags, e.Message)
	}
}

func TestTagsOfTheFrameStay(t *testing.T) {
	var e event.Event
	e.Reset()
	e.Raw, e.Tags = benchL2Sec, event.TagTruncated
	Line(&e, nil)
	if e.Tags != event.TagTruncated {
		t.Errorf("tags %b", e.Tags)
	}
}

// inside reports whether part's bytes lie in whole: no copy.
func inside(whole, part string) bool {
	if part == "" {
		return true
	}
	if whole == "" {
		return false
	}
	w, p := uintptr(unsafe.Pointer(unsafe.StringData(whole))), uintptr(unsafe.Pointer(unsafe.StringData(part)))
	return p >= w && p+uintptr(len(part)) <= w+uintptr(len(whole))
}

// constants are the words that decode sets by itself.
var constants = strings.Fields("emergency alert critical error warning notice info debug verbose trivia panic fatal")

func isConstant(s string) bool {
	return s == "" || slices.Contains(constants, s)
}

// checkStrings fails where a string of e is neither a part of Raw nor a constant. Constants have
// types of their own, except the few named here.
func checkStrings(t *testing.T, e *event.Event) {
	t.Helper()
	checkValue(t, e, reflect.ValueOf(&e.Common).Elem(), "Event")
	checkValue(t, e, reflect.ValueOf(&e.Rare).Elem(), "Event")
	if e.OnlyCommon() && e.Rare != (event.Rare{}) {
		t.Errorf("a field of Rare was written past Rarely: frame %q", e.Raw)
	}
}

func checkValue(t *testing.T, e *event.Event, v reflect.Value, name string) {
	t.Helper()
	switch name {
	case "Event.Raw", "Event.Kind", "Event.Reason", "Event.Receiver.Transport", "Event.Receiver.Framing":
		return
	case "Event.Host":
		if v.String() == peer {
			return
		}
	case "Event.Level":
		if isConstant(v.String()) {
			return
		}
	}
	switch {
	case v.Kind() == reflect.Struct && v.Type() != reflect.TypeFor[netip.AddrPort]():
		for i := range v.NumField() {
			checkValue(t, e, v.Field(i), name+"."+v.Type().Field(i).Name)
		}
	case v.Type() == reflect.TypeFor[string]():
		if !inside(e.Raw, v.String()) {
			t.Errorf("%s %q is not a part of the frame %q", name, v.String(), e.Raw)
		}
	}
}
