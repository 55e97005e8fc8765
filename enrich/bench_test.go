package enrich

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"vswarden/event"
	"vswarden/inventory"
)

// BenchmarkEnrich joins lines of 200 hosts with 10 000 VMs, each line of another host than the one before.
func BenchmarkEnrich(b *testing.B) {
	l := newLab(b)
	const hosts, vms = 200, 50
	for i := range hosts {
		ref := inventory.Ref{VC: l.vc, ID: fmt.Sprintf("host-%d", 1000+i)}
		h := l.host(inventory.Reject)
		h.Ref, h.Name = ref, fmt.Sprintf("node%d.example.com", i)
		h.Kernel = []inventory.VMKernel{{Device: "vmk0", Port: 0x2000004, Addresses: []netip.Addr{netip.AddrFrom4([4]byte{10, 1, byte(i >> 8), byte(i)})}}}
		for g := range 40 {
			h.Portgroups = append(h.Portgroups, inventory.Portgroup{Kind: inventory.Standard, Name: fmt.Sprintf("VLAN%d", 10+g), Switch: "vSwitch0", VLAN: inventory.StandardVLAN(int32(10 + g))})
		}
		u := inventory.Update{Source: l.id, At: stamp(300), Hosts: []inventory.Host{h}, Tables: []inventory.PortTable{{Host: ref, Whole: true}}}
		for j := range vms {
			n := i*vms + j
			vm := l.vm(0, fmt.Sprintf("vm-%05d", n))
			vm.Ref.ID, vm.Host = fmt.Sprintf("vm-%d", 1000+n), ref.ID
			vm.NICs[0].Backing.Portgroup = fmt.Sprintf("VLAN%d", 10+n%40)
			vm.NICs[0].MAC = inventory.MAC{2, 0, 0, byte(n >> 16), byte(n >> 8), byte(n)}
			u.VMs = append(u.VMs, vm)
			u.Tables[0].Rows = append(u.Tables[0].Rows, inventory.Row{Port: 0x2000010 + uint32(j), Kind: inventory.KindVM, MAC: vm.NICs[0].MAC})
		}
		if err := l.inv.Apply(&u); err != nil {
			b.Fatal(err)
		}
	}
	l.report(400)
	lines, denials := make([]event.Event, hosts), make([]event.Event, hosts)
	for i := range hosts {
		peer := netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 1, byte(i >> 8), byte(i)}), 514)
		lines[i], denials[i] = l.line(380, 0), l.denial(380, fmt.Sprintf("vm-%05d.eth0", i*vms+i%vms))
		lines[i].Receiver.Peer, denials[i].Receiver.Peer = peer, peer
		denials[i].L2Sec.Port = 0x2000010 + uint32(i%vms)
		for s := range 40 { // until the clock is known
			e := l.line(200+3*s, 0)
			e.Receiver.Peer = peer
			l.Enrich(&e)
		}
	}
	strangers := make([]event.Event, hosts)
	for i := range strangers {
		strangers[i] = denials[i]
		strangers[i].L2Sec.PolicySource = ""
	}
	one := make([]event.Event, hosts) // over one connection: a relay that nobody listed
	for i := range one {
		one[i] = lines[i]
		one[i].Receiver.Peer = netip.MustParseAddrPort("203.0.113.5:514")
		one[i].Syslog.Hostname = fmt.Sprintf("node%d.example.com", i)
	}
	for name, list := range map[string][]event.Event{"any line": lines, "any line of one connection": one, "denial": denials, "unknown client": strangers, "unknown client written": strangers} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			i, n := 0, 0
			dst := make([]byte, 0, 16<<10)
			for b.Loop() {
				e := &list[i]
				e.Joined = event.Joined{}
				if strings.HasPrefix(name, "unknown") { // each line names another one
					n++
					e.Rarely().L2Sec.Client.Raw, e.L2Sec.Client.Name, e.L2Sec.Client.Device = unknownClient(n)
				}
				l.Enrich(e)
				if e.Joined.Host == nil {
					b.Fatal("not joined")
				}
				if strings.HasSuffix(name, "written") {
					dst = e.AppendJSON(dst[:0], event.DetailFull, event.OriginalNone)
				}
				i = (i + 17) % hosts
			}
		})
	}
}

// unknownClient is a client that no inventory has, another one for each n: in memory of its own, as a frame would be.
func unknownClient(n int) (raw, name, device string) {
	b := []byte("app-17-seq0042-0000000000.eth0")
	for i := len("app-17-seq0042-0000000000") - 1; n > 0; i, n = i-1, n/10 {
		b[i] = byte('0' + n%10)
	}
	raw = string(b)
	return raw, raw[:len(raw)-len(".eth0")], "eth0"
}
