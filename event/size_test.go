package event

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// TestSize holds the goal of at most 2.5 bytes out per byte in, at detail compact without originals,
// on the usual mix: 73 % hostd and vpxa, 16 % vmkernel, 10 % vobd, 0.5 % L2Sec. The events are made
// by hand of what those lines say; test/ has the same with the real decoders.
func TestSize(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	families := []struct {
		name  string
		share float64 // of the lines
		make  func(*rand.Rand) Event
	}{
		{"hostd", 47.5, hostdLine},
		{"vpxa", 26, vpxaLine},
		{"vmkernel", 16, vmkernelLine},
		{"vobd", 10, vobdLine},
		{"l2sec", 0.5, func(*rand.Rand) Event { return promiscEvent() }},
	}
	var in, out float64
	var dst []byte
	for _, f := range families {
		var fin, fout float64
		const lines = 500
		for range lines {
			e := f.make(r)
			dst = e.AppendJSON(dst[:0], DetailCompact, OriginalNone)
			fin, fout = fin+float64(len(e.Raw)+1), fout+float64(len(dst)+1)
		}
		in, out = in+fin/lines*f.share, out+fout/lines*f.share
		t.Logf("%-8s %5.0f bytes a line, %.2f out per byte in", f.name, fin/lines, fout/fin)
	}
	t.Logf("the mix: %.0f bytes a line, %.2f bytes out per byte in", in/100, out/in)
	if out/in > 2.5 {
		t.Errorf("%.2f bytes out per byte in, want at most 2.5", out/in)
	}
}

// headed makes a line and its event from header and message.
func headed(r *rand.Rand, priority int16, app string, dataset Dataset, message string) Event {
	e := begin(r.Uint64(), "", priority)
	e.ID = NewID(r.Uint64(), r.Uint64N(1<<40))
	e.Host = fmt.Sprintf("esx-%03d.lab.example", r.IntN(100))
	e.Syslog.Hostname, e.Syslog.AppName = e.Host, app
	e.Dataset, e.Message = dataset, message
	e.Raw = fmt.Sprintf("<%d>%s %s %s: %s", priority, e.TimeText, e.Host, app, message)
	return e
}

func hostdLine(r *rand.Rand) Event {
	texts := []string{
		fmt.Sprintf("Task Created : haTask-%d-vim.VirtualMachine.reset-%d", r.IntN(900)+1, r.IntN(99999999)+100000000),
		fmt.Sprintf("Task Completed : haTask-ha-host-vim.host.NetworkSystem.updatePortGroup-%d Status success", r.IntN(99999999)+100000000),
		fmt.Sprintf("Event %d : User root@10.20.%d.%d logged in as VMware-client/8.0.2", r.IntN(99999), r.IntN(255), r.IntN(255)),
		"Send config update invoked",
		fmt.Sprintf("State Transition (VM_STATE_ON -> VM_STATE_RECONFIGURING) for \"APP%d\" in <resgroup-%d>", r.IntN(50), r.IntN(300)),
		fmt.Sprintf("Refreshing datastore %08x-%08x; capacity=%d free=%d; last refresh took %d ms, %d objects were revalidated", r.Uint32(), r.Uint32(), r.Int64N(1<<42), r.Int64N(1<<41), r.IntN(4000), r.IntN(900)),
	}
	users := map[string]User{`vpxuser:LAB\svc_vc`: {"vpxuser", "LAB", "svc_vc"}, "vpxuser": {Name: "vpxuser"}, "root": {Name: "root"}}
	user := []string{`vpxuser:LAB\svc_vc`, "vpxuser", "root"}[r.IntN(3)]
	e := headed(r, 166, "Hostd", DatasetHostd, fmt.Sprintf(`info hostd[%d] [Originator@6876 sub=Vimsvc.TaskManager opID=q%d-%04x user=%s] %s`,
		2099000+r.IntN(999), 1000000000+r.IntN(1000000), r.IntN(65536), user, texts[r.IntN(len(texts))]))
	e.Level, e.Logger = "info", "Vimsvc.TaskManager"
	e.Hostd, e.User = Hostd{Present: true, Thread: "2099655", OpID: "q1"}, users[user]
	return e
}

func vpxaLine(r *rand.Rand) Event {
	e := headed(r, 166, "Vpxa", DatasetVpxa, fmt.Sprintf("verbose vpxa[%d] [Originator@6876 sub=vpxLro opID=q%d-%02x] [VpxLRO] -- BEGIN lro-%d -- vpxa -- vpxapi.VpxaService.getChanges -- 52%06x",
		2100000+r.IntN(999), 1000000000+r.IntN(1000000), r.IntN(256), r.IntN(999999), r.IntN(1<<24)))
	e.Level, e.Logger = "verbose", "vpxLro"
	return e
}

func vmkernelLine(r *rand.Rand) Event {
	texts := []string{
		fmt.Sprintf("ScsiDeviceIO: 4124: Cmd(0x45b9%08x) 0x2a, CmdSN 0x%x from world %d to dev \"naa.600508b1001c%016x\" failed H:0x0 D:0x2 P:0x0", r.Uint32(), r.IntN(9999999), 2097000+r.IntN(999), r.Uint64()),
		fmt.Sprintf("NMP: nmp_ThrottleLogForDevice:3863: Cmd 0x%x (0x45d9%08x, %d) to dev \"naa.60a9800%013x\" on path \"vmhba%d:C0:T%d:L%d\" Failed: H:0x0 D:0x2 P:0x0 Invalid sense data: 0x0 0x0 0x0. Act:NONE", r.IntN(256), r.Uint32(), 2097000+r.IntN(9999), r.Int64N(1<<51), r.IntN(4), r.IntN(8), r.IntN(64)),
		fmt.Sprintf("VMotionRecv: %d: %d D: Estimated network bandwidth %d.%03d MB/s during pre-copy", 3000+r.IntN(999), r.Int64N(1<<52), 100+r.IntN(900), r.IntN(1000)),
		fmt.Sprintf("NetPort: 3043: resuming traffic on DV port %d", r.IntN(4096)),
		fmt.Sprintf("DVFilter: 6053: Checking disconnected filters for timeouts (%d active)", r.IntN(64)),
	}
	text := texts[r.IntN(len(texts))]
	prefix := fmt.Sprintf("cpu%d:%d)", r.IntN(64), 2097000+r.IntN(99999))
	e := headed(r, 182, "vmkernel", DatasetVmkernel, prefix+text)
	e.Message = strings.TrimPrefix(e.Message, prefix)
	e.Vmkernel = Vmkernel{Present: true, HasCPU: true, CPU: 12, World: 2098765}
	return e
}

func vobdLine(r *rand.Rand) Event {
	e := headed(r, 142, "vobd", DatasetVOB, fmt.Sprintf("[netCorrelator] %dus: [vob.net.pg.uplink.transition.up] Uplink: vmnic%d is up. Affected portgroup: VLAN%d-PROD. %d uplinks up. Failed criteria: 128",
		1000000000+r.IntN(1000000), r.IntN(8), r.IntN(4094)+1, r.IntN(4)))
	e.VOB = VOB{Present: true, ID: "vob.net.pg.uplink.transition.up", Correlator: "netCorrelator", UptimeUS: 1, NIC: "vmnic1", Portgroups: "VLAN7-PROD"}
	return e
}
