package enrich

import (
	"fmt"
	"strings"
	"testing"

	"vswarden/event"
	"vswarden/inventory"
)

// hintsOf joins a line and returns its hints as one text.
func hintsOf(l *lab, e *event.Event) string {
	l.Enrich(e)
	var lines []string
	list, _ := dig(l.json(e), "vmware.hints").([]any)
	for _, h := range list {
		lines = append(lines, fmt.Sprint(h))
	}
	return strings.Join(lines, "\n")
}

func TestHintsFitTheLine(t *testing.T) {
	macChange := func(l *lab, requested string) *event.Event {
		e := l.denial(1000, "web-01.eth0")
		l2 := &e.Rarely().L2Sec
		l2.Kind, l2.Violation, l2.RequestedMAC = event.L2SecMACChangeRequested, event.ViolationMACChange, requested
		return &e
	}
	for _, c := range []struct {
		name    string
		version string
		vlan    inventory.VLAN
		line    func(l *lab) *event.Event
		has     []string
		lacks   []string
	}{
		{
			"a VM that wants to listen", "8.0.3", inventory.StandardVLAN(120),
			func(l *lab) *event.Event { e := l.denial(1000, "web-01.eth0"); return &e },
			[]string{"esxcli network port stats get -p 33554448", "pktcap-uw --switchport 33554448 -o", "--capture PortInput --switchport 33554448", "--capture PortOutput", "article/304453", "close to a hub", "sniffing appliances, nested ESXi", "MAC learning", "portgroup of their own", "connected anew"},
			[]string{"--srcmac", "--vlan", "--vmk", "Drop"},
		},
		{
			"on a trunk", "8.0.3", inventory.StandardVLAN(4095),
			func(l *lab) *event.Event { e := l.denial(1000, "web-01.eth0"); return &e },
			[]string{"--switchport 33554448 --vlan ID"},
			nil,
		},
		{
			"before 5.5", "5.1.0", inventory.StandardVLAN(120),
			func(l *lab) *event.Event { return macChange(l, mac(2).String()) },
			[]string{"esxcli network port stats get"},
			[]string{"pktcap-uw"},
		},
		{
			"a vmk", "8.0.3", inventory.StandardVLAN(120),
			func(l *lab) *event.Event { e := l.denial(1000, "vmk0"); e.Rarely().L2Sec.Port = 0x2000004; return &e },
			[]string{"pktcap-uw --vmk vmk0", "a capture on a vmk interface"},
			[]string{"--switchport", "close to a hub"},
		},
		{
			"a vmk before 5.5", "5.1.0", inventory.StandardVLAN(120),
			func(l *lab) *event.Event { e := l.denial(1000, "vmk0"); e.Rarely().L2Sec.Port = 0x2000004; return &e },
			[]string{"tcpdump-uw -i vmk0"},
			[]string{"pktcap-uw --"},
		},
		{
			"an uplink", "8.0.3", inventory.StandardVLAN(120),
			func(l *lab) *event.Event {
				e := l.denial(1000, "vmnic2")
				e.Rarely().L2Sec.Port = 0x84000006
				return &e
			},
			[]string{"pktcap-uw --uplink vmnic2"},
			[]string{"--switchport"},
		},
		{
			"somebody else's address", "8.0.3", inventory.StandardVLAN(120),
			func(l *lab) *event.Event { return macChange(l, mac(2).String()) },
			[]string{"pktcap-uw --srcmac " + mac(2).String() + " -o", "--capture Drop", "another machine's", "replaces the table's entry", "logs nothing", "NLB", "bonding", "VRRP and CARP", "macvlan, macvtap and containers"},
			[]string{"locally administered"},
		},
		{
			"a host's address", "8.0.3", inventory.StandardVLAN(120),
			func(l *lab) *event.Event { return macChange(l, mac(200).String()) },
			[]string{"a host's own"},
			nil,
		},
		{
			"a virtual router's", "8.0.3", inventory.StandardVLAN(120),
			func(l *lab) *event.Event { return macChange(l, "00:00:5e:00:01:0a") },
			[]string{"virtual routers"},
			nil,
		},
		{
			"made up", "8.0.3", inventory.StandardVLAN(120),
			func(l *lab) *event.Event { return macChange(l, "0a:11:22:33:44:55") },
			[]string{"locally administered"},
			nil,
		},
		{
			"its own initial one", "8.0.3", inventory.StandardVLAN(120),
			func(l *lab) *event.Event { return macChange(l, mac(1).String()) },
			[]string{"own initial one"},
			[]string{"another machine's"},
		},
		{
			"a port nobody is known to hold", "8.0.3", inventory.StandardVLAN(120),
			func(l *lab) *event.Event { e := l.denial(1000, ""); e.Rarely().L2Sec.Port = 0x2000099; return &e },
			[]string{"esxcli network vm list", "pktcap-uw --switchport 33554585"},
			nil,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := newLab(t)
			h := l.host(inventory.Reject)
			h.Version, h.Portgroups[0].VLAN = c.version, c.vlan
			l.tell(600, inventory.Update{Hosts: []inventory.Host{h}})
			l.report(1100)
			got := hintsOf(l, c.line(l))
			for _, want := range c.has {
				if !strings.Contains(got, want) {
					t.Errorf("hints lack %q:\n%s", want, got)
				}
			}
			for _, not := range c.lacks {
				if strings.Contains(got, not) {
					t.Errorf("hints have %q:\n%s", not, got)
				}
			}
		})
	}
}

// TestAddressesAskedForCostNoMemory: a guest may ask for one address after the other.
func TestAddressesAskedForCostNoMemory(t *testing.T) {
	l := newLab(t)
	for i := range 3000 {
		e := l.denial(200, "web-01.eth0")
		l2 := &e.Rarely().L2Sec
		l2.Kind, l2.Violation = event.L2SecMACChangeRequested, event.ViolationMACChange
		e.Rarely().L2Sec.RequestedMAC = inventory.MAC{0, 0x11, 0, 0, byte(i >> 8), byte(i)}.String()
		l.Enrich(&e)
	}
	if p := &l.ports; len(p.vms.of)+len(p.places.of)+len(p.policies.of) > 3 || len(p.hints.of) > 2 || len(p.owners.of) != 0 {
		t.Errorf("%d, %d, %d, %d, %d parts for one port", len(p.vms.of), len(p.places.of), len(p.policies.of), len(p.hints.of), len(p.owners.of))
	}
	if n := l.kept(); n > maxMemos {
		t.Errorf("%d answers are kept", n)
	}
}
