package decode

import (
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
