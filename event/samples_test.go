package event

import (
	"net/netip"
	"strings"
	"time"
)

// sample is an event made by hand, as decode would fill it.
type sample struct {
	name string
	e    Event
}

func unix(s string) int64 {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		panic(err)
	}
	return t.UnixNano()
}

// begin is what all samples from a socket share.
func begin(n uint64, raw string, priority int16) Event {
	return Event{
		Common: Common{
			ID:         NewID(0x5a17c0de00000001, n),
			Received:   unix("2026-09-15T10:30:00.187345219Z"),
			Time:       unix("2026-09-15T10:30:00.123Z"),
			TimeText:   "2026-09-15T10:30:00.123Z",
			TimeDigits: 3,
			Raw:        raw,
			Format:     FormatRFC3164ISO,
			Host:       "esx01.example.com",
			Syslog:     Syslog{Priority: priority, Hostname: "esx01.example.com", AppName: "vmkernel"},
			Receiver:   Receiver{Peer: netip.MustParseAddrPort("192.0.2.11:41022"), Transport: "tcp", Framing: "lf"},
		},
	}
}

const vmkernelHeader = "<181>2026-09-15T10:30:00.123Z esx01.example.com vmkernel: cpu12:2098765)"

func l2sec(n uint64, text string, l L2Sec) Event {
	e := begin(n, vmkernelHeader+text, 181)
	e.Dataset, e.Message = DatasetL2Sec, text
	e.Vmkernel = Vmkernel{Present: true, HasCPU: true, CPU: 12, World: 2098765}
	if l.Module == "" {
		l.Module = "etherswitch"
	}
	l.Function = "L2Sec_EnforcePortCompliance"
	l.Violation = l.Kind.Violation()
	e.L2Sec = l
	return e
}

func promiscEvent() Event {
	e := l2sec(1, "etherswitch: L2Sec_EnforcePortCompliance:226: client web-01.eth0 requested promiscuous mode on port 0x3000005, disallowed by vswitch policy",
		L2Sec{
			Kind: L2SecPromiscRequested, Line: 226, HasPort: true, Port: 0x3000005, Reason: "disallowed by vswitch policy",
			Client: Client{Raw: "web-01.eth0", Type: ClientVM, Name: "web-01", Device: "eth0"},
		})
	e.Receiver.Transport, e.Receiver.Framing = "tls", "octet_counting"
	e.Receiver.TLSPeer, e.Receiver.Authenticated = "esx01.example.com", true
	return e
}

func hostdEvent() Event {
	msg := `info hostd[2099655] [Originator@6876 sub=Vimsvc.TaskManager opID=q1000000000-3e1b user=vpxuser:LAB\svc_vc] Task Completed : haTask-ha-host-vim.host.NetworkSystem.updatePortGroup-155043017 Status success`
	e := begin(2, "<166>2026-09-15T10:30:00.123Z esx01.example.com Hostd: "+msg, 166)
	e.Dataset, e.Message, e.Level, e.Logger = DatasetHostd, msg, "info", "Vimsvc.TaskManager"
	e.Syslog.AppName = "Hostd"
	e.User = User{Name: "vpxuser", Domain: "LAB", Delegate: "svc_vc"}
	e.Hostd = Hostd{
		Present: true, Thread: "2099655", OpID: "q1000000000-3e1b",
		Task: "haTask-ha-host-vim.host.NetworkSystem.updatePortGroup-155043017", Method: "vim.host.NetworkSystem.updatePortGroup",
	}
	return e
}

func samples() []sample {
	all := []sample{
		{"promisc_requested", promiscEvent()},
		{"hostd", hostdEvent()},
		{"promisc_vmk", l2sec(3, `cswitch: L2Sec_EnforcePortCompliance:209: [nsx@6876 comp="nsx-esx" subcomp="vswitch"]client vmk1 requested promiscuous mode on port 0x4000010, disallowed by vswitch policy`,
			L2Sec{
				Kind: L2SecPromiscRequested, Module: "cswitch", Line: 209, HasPort: true, Port: 0x4000010, Reason: "disallowed by vswitch policy",
				Client: Client{Raw: "vmk1", Type: ClientVMK, Device: "vmk1"},
			})},
		{"promisc_revoked", l2sec(4, "etherswitch: L2Sec_EnforcePortCompliance: 0x100000f: peer not allowed promiscuous, revoking setting",
			L2Sec{Kind: L2SecPromiscRevoked, HasPort: true, Port: 0x100000f, Reason: "revoking setting", Client: Client{Type: ClientUnknown}})},
		{"mac_change", l2sec(5, "etherswitch: L2Sec_EnforcePortCompliance:247: client Büro \"7\".eth1 requested mac address change to 00:50:56:9a:00:01 on port 0x84000006, disallowed by vswitch policy",
			L2Sec{
				Kind: L2SecMACChangeRequested, Line: 247, HasPort: true, Port: 0x84000006, Reason: "disallowed by vswitch policy", RequestedMAC: "00:50:56:9a:00:01",
				Client: Client{Raw: `Büro "7".eth1`, Type: ClientVM, Name: `Büro "7"`, Device: "eth1"},
			})},
		{"peer_blocked", l2sec(6, "etherswitch: L2Sec_EnforcePortCompliance: 0x100000f: peer not allowed to change address, blocking port",
			L2Sec{Kind: L2SecPeerBlocked, HasPort: true, Port: 0x100000f, Reason: "blocking port", Client: Client{Type: ClientUnknown}})},
		{"port_blocked", l2sec(7, "etherswitch: L2Sec_EnforcePortCompliance:356: client web-01 has policy violations on port 0x3000005. Port is blocked",
			L2Sec{Kind: L2SecPortBlocked, Line: 356, HasPort: true, Port: 0x3000005, Client: Client{Raw: "web-01", Type: ClientVM, Name: "web-01"}})},
		{"port_unblocked", l2sec(8, "etherswitch: L2Sec_EnforcePortCompliance:361: client web-01 port 0x3000005 unblocked",
			L2Sec{Kind: L2SecPortUnblocked, Line: 361, HasPort: true, Port: 0x3000005, Client: Client{Raw: "web-01", Type: ClientVM, Name: "web-01"}})},
		{"l2sec_unknown", l2sec(9, "etherswitch: L2Sec_Whatever:1: something new", L2Sec{Kind: L2SecUnknown, Line: 1})},
		{"netport", begin(10, vmkernelHeader+"NetPort: 982: enabled port 0x3000007 with mac 00:50:56:84:5a:b4", 182)},
		{"rfc5424", begin(11, "<14>1 2026-09-15T10:30:00.123456Z esx9 vobd 2097 link [esx@4413 threadName=\"vobd \\\"7\\\"\"][meta seq=9] [netCorrelator] 1us: [vob.net.vmnic.linkstate.down] vmnic vmnic1 linkstate down", 14)},
		{"raw", begin(12, "\x80\x81 binary \x00", -1)},
		{"old_uptime", begin(13, "<181>Sep 15 10:30:00 esx4 vmkernel: 7:21:06:14.107 cpu10:202157 opID=936118c3)text", 181)},
	}
	all[2].e.Vmkernel.OpID = "936118c3"
	all[4].e.L2Sec.PolicySource = PolicyPortgroup
	all[5].e.L2Sec.PolicySource = PolicyUnknown
	all[8].e.Tags = TagUnknownL2Sec

	n := &all[9].e
	n.Dataset, n.Message = DatasetNetPort, n.Raw[len(vmkernelHeader):]
	n.Vmkernel = Vmkernel{Present: true, HasCPU: true, CPU: 12, World: 2098765, OpID: "936118c3"}
	n.NetPort = NetPort{Kind: NetPortEnabled, Module: "NetPort", Line: 982, Port: 0x3000007, MAC: "00:50:56:84:5a:b4"}

	r := &all[10].e
	r.Dataset, r.Format, r.Message = DatasetVOB, FormatRFC5424, r.Raw[strings.Index(r.Raw, "[netCorr"):]
	r.TimeText = "2026-09-15T10:30:00.123456Z"
	r.Syslog = Syslog{
		Priority: 14, Version: 1, Hostname: "esx9", AppName: "vobd", ProcID: "2097", MsgID: "link",
		StructuredData: `[esx@4413 threadName="vobd \"7\""][meta seq=9]`,
	}

	b := &all[11].e
	b.Dataset, b.Format, b.Kind, b.Message = DatasetGeneric, FormatRaw, "pipeline_error", b.Raw
	b.TimeText, b.Time, b.TimeSource = "", b.Received, TimeReceived
	b.Tags, b.Reason = TagNoHeader|TagNotUTF8|TagTruncated, "no syslog header"
	b.Syslog = Syslog{Priority: -1}
	b.Host = "2001:db8::1"
	b.Receiver = Receiver{Peer: netip.MustParseAddrPort("[2001:db8::1]:514"), Transport: "udp", Framing: "datagram"}

	r.VOB = VOB{Present: true, ID: "vob.net.vmnic.linkstate.down", Correlator: "netCorrelator", UptimeUS: 1, NIC: "vmnic1"}

	o := &all[12].e
	o.Dataset, o.Format, o.Message, o.Host = DatasetVmkernel, FormatRFC3164BSD, "text", "esx4"
	o.TimeText, o.TimeDigits, o.Syslog.Hostname = "", 0, "ESX4"
	o.Time = unix("2026-09-15T10:30:00Z")
	o.Receiver.Relay = "198.51.100.7"
	o.Vmkernel = Vmkernel{Present: true, HasCPU: true, CPU: 10, World: 202157, OpID: "936118c3", Uptime: "7:21:06:14.107"}
	return append(all, partSamples()...)
}
