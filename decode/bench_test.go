package decode

import (
	"strings"
	"testing"

	"vswarden/event"
)

const (
	benchHostd  = `<166>2022-10-01T11:09:32.770Z hypervisor01 Hostd: info hostd[2100080] [Originator@6876 sub=Vimsvc.TaskManager opID=2e195085 user=vpxuser] Task Created : haTask--vim.InternalStatsCollector.queryLatestVmStats-2475465895`
	benchL2Sec  = `<181>2014-12-10T19:23:45.733Z esx.vmware.com vmkernel: cpu14:1559738)etherswitch: L2Sec_EnforcePortCompliance:226: client vm_name.eth0 requested promiscuous mode on port 0x200002b, disallowed by vswitch policy `
	benchKernel = `<181>2014-12-10T18:25:25.426Z esx.vmware.com vmkernel: cpu9:7045276)ScsiDeviceIO: 1198: Device naa.60a9800041764b6c463f437868556b7a performance has improved. I/O latency reduced from 5587 microseconds to 2650 microseconds.`
	bench5424   = `<182>1 2026-02-07T09:29:18.734Z esx9.example.com vobd 2098000 - [esx@4413 threadName="netCorrelator"] 3639187707810us: [esx.problem.net.vmnic.linkstate.down] Physical NIC vmnic6 linkstate is down.`
	benchVob    = `<14>2014-12-10T16:31:09.619Z esx.vmware.com vobd:  [netCorrelator] 73154456us: [esx.audit.net.firewall.config.changed] Firewall configuration has changed. Operation 'add' for rule set webAccess succeeded.`
)

func benchLine(b *testing.B, raw string) {
	b.Helper()
	var e event.Event
	o := Options{}
	b.ReportAllocs()
	b.SetBytes(int64(len(raw)))
	for b.Loop() {
		e.Reset()
		e.Raw = raw
		e.Received = 1664622572770000000
		Line(&e, &o)
	}
}

func BenchmarkHeaderHostd(b *testing.B)    { benchLine(b, benchHostd) }
func BenchmarkHeaderL2Sec(b *testing.B)    { benchLine(b, benchL2Sec) }
func BenchmarkHeaderVmkernel(b *testing.B) { benchLine(b, benchKernel) }
func BenchmarkRFC5424(b *testing.B)        { benchLine(b, bench5424) }
func BenchmarkHeaderVob(b *testing.B)      { benchLine(b, benchVob) }

// BenchmarkMix is a day's lines one after the other, as they come: the branches of one line are not those of the last.
func BenchmarkMix(b *testing.B) {
	lines := testdataLines(b, "mix.log")
	var e event.Event
	o := Options{}
	i := 0
	b.ReportAllocs()
	for b.Loop() {
		e.Reset()
		e.Raw = lines[i]
		e.Received = 1790000000000000000
		Line(&e, &o)
		if i++; i == len(lines) {
			i = 0
		}
	}
}

// BenchmarkFind is find beside what it is instead of.
func BenchmarkFind(b *testing.B) {
	const text = "Send config update invoked, 66 properties, 14781 ms since"
	for _, d := range []struct {
		name string
		find func(s, sep string) int
	}{{"find", find}, {"Index", strings.Index}} {
		b.Run(d.name, func(b *testing.B) {
			for b.Loop() {
				if d.find(text, "<TCP '") >= 0 {
					b.Fatal("found")
				}
			}
		})
	}
}

// BenchmarkStamp is the stamp of a usual line, read as such and as any other.
func BenchmarkStamp(b *testing.B) {
	const text = "2026-09-21T14:13:20.049Z esx-0007.lab.example Vpxa: x"
	b.Run("usual", func(b *testing.B) {
		for b.Loop() {
			if _, ok := usualStamp(text); !ok {
				b.Fatal("not read")
			}
		}
	})
	b.Run("any", func(b *testing.B) {
		for b.Loop() {
			if _, n := anyStamp(text); n == 0 {
				b.Fatal("not read")
			}
		}
	})
}

// BenchmarkBracket is the usual bracket of hostd, read as such and as any other.
func BenchmarkBracket(b *testing.B) {
	const text = "[Originator@6876 sub=Vimsvc.ha-eventmgr opID=seq0003-0000000003-0b user=vpxuser] Task"
	var e event.Event
	b.Run("usual", func(b *testing.B) {
		for b.Loop() {
			if _, ok := usualBracket(&e, text); !ok {
				b.Fatal("not read")
			}
		}
	})
	b.Run("any", func(b *testing.B) {
		for b.Loop() {
			if hostdBracket(&e, text) == text {
				b.Fatal("not read")
			}
		}
	})
}

func BenchmarkHeaderHost(b *testing.B) {
	raw := []byte(benchL2Sec)
	b.ReportAllocs()
	for b.Loop() {
		if len(HeaderHost(raw)) == 0 {
			b.Fatal("no host")
		}
	}
}

// BenchmarkTestdata is each line of testdata that ESXi, vCenter and their neighbours write.
func BenchmarkTestdata(b *testing.B) {
	for _, raw := range append(testdataLines(b, "esxi.log"), testdataLines(b, "foreign.log")...) {
		e := line(raw)
		b.Run(string(e.Dataset), func(b *testing.B) { benchLine(b, raw) })
	}
}

// BenchmarkDecoders is one line for each decoder, header and all. Compare with event's FloorParse: a
// multiple of it holds on any machine.
func BenchmarkDecoders(b *testing.B) {
	for _, d := range []struct{ name, raw string }{
		{"Access", `<166>2026-03-01T10:00:00.126Z esx1 envoy-access[15]: POST /sdk 200 via_upstream - 0 100 - 2 1 0 192.0.2.5:51004 HTTP/1.1 TLSv1.2 192.0.2.1:443`},
		{"Audit", `<110>2026-03-01T10:00:00.186Z esx7a shell[1231448]: [shell.cmd@6876 subject="root" object="shell" command="ls" result="success" status="0"]`},
		{"Echo", `<166>2026-03-01T10:00:00.123Z esx7 Hostd: warning hostd[2099655] [Originator@6876 sub=Vimsvc.ha-eventmgr] Event 617 : Lost uplink redundancy on virtual switch "vSwitch0". Physical NIC vmnic6 is down. Affected port groups: "VM Network"`},
		{"HostdLogin", `<166>2026-03-01T10:00:00.123Z esx8 Hostd[2098952]: [Originator@6876 sub=Vimsvc.HaSessionManager opID=esxcli-44 sid=52a9] Accepted password for user root from 192.0.2.7 - session=52000000-0002`},
		{"Linux", `<6>Mar  1 10:00:00 kvm1 kernel: [12345.678] e1000e 0000:00:1f.6 eno1: entered promiscuous mode`},
		{"LogLoss", `<13>2026-03-01T10:00:00Z esx1 vmsyslogd[2]: Dropping messages due to log stress (qsize = 25000)`},
		{"Net", `<182>2026-03-01T10:00:00.123Z esx1 vmkernel: cpu3:2065)Net: 2312: connected web-01 eth0 to VM Network, portID 0x3000007`},
		{"NetPort", `<182>2026-03-01T10:00:00.123Z esx1 vmkernel: cpu1:65597)NetPort: 982: enabled port 0x3000003 with mac 00:50:56:84:5a:b1`},
		{"SSHD", `<38>2026-03-01T10:00:00Z esx8 sshd[1]: Accepted publickey for root from 192.0.2.4 port 33398 ssh2: RSA SHA256:abc`},
		{"SSO", `2026-03-01T10:00:00.424Z {"user":"admin@vsphere.local","client":"192.0.2.182","timestamp":"x","description":"User admin logged out","eventSeverity":"INFO","type":"com.vmware.sso.Logout"}`},
		{"Service", `2026-03-01T10:00:00.608Z INFO ssoAdminServer[7:pool-1-thread-1] [OpId=a1] [com.vmware.X] User {Name: admin, Domain: vsphere.local} with role 'x' logged in successfully.`},
		{"Shell", `<14>2026-03-01T10:00:00Z esx8 shell[77]: [root]: esxcli network vswitch standard policy security set -v vSwitch0 --allow-promiscuous=true`},
		{"VCEvent", `<14>1 2026-03-01T10:00:00.285831+01:00 vc1 vpxd 58650 - -  Event [7] [1-1] [2026-03-01T09:00:00.28341Z] [vim.event.DvsPortBlockedEvent] [info] [] [DC 1] [7] [The dvPort 431 was blocked in the vSphere Distributed Switch DVS-A in DC 1. It was in unset state before.]`},
	} {
		b.Run(d.name, func(b *testing.B) { benchLine(b, d.raw) })
	}
}
