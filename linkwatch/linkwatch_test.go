package linkwatch

import (
	"encoding/hex"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mdlayher/netlink"
)

// patience bounds every wait for something that must happen.
const patience = 60 * time.Second

var epoch = time.Date(2026, 9, 15, 10, 0, 0, 0, time.UTC)

func newTable(links ...Link) *table {
	t := &table{links: map[int32]Link{}, now: epoch}
	for _, l := range links {
		t.links[l.Index] = l
	}
	return t
}

func (t *table) texts() (texts []string) {
	for _, l := range t.lines {
		texts = append(texts, l.Text)
	}
	t.lines = nil
	return texts
}

var (
	br0  = Link{Index: 2, Name: "br0", Kind: "bridge", Ageing: 30000, HasAgeing: true}
	tap0 = Link{Index: 3, Name: "tap0", Kind: "tun", Promiscuity: 1, Master: 2, MasterKind: "bridge", Port: UnicastFlood | Learning, PortKnown: UnicastFlood | Learning | Isolated}
	eth0 = Link{Index: 1, Name: "eth0", Kind: "physical"}
)

func with(l Link, change func(*Link)) Link { change(&l); return l }

func TestChanges(t *testing.T) {
	const tap = "index=3 kind=tun promiscuity=1 master=br0 master_kind=bridge unicast_flood=on learning=on isolated=off"
	for _, c := range []struct {
		name string
		news news
		want []string
	}{
		{"nothing changes", news{link: tap0}, nil},
		{"a new device", news{link: Link{Index: 9, Name: "veth9", Kind: "veth"}}, []string{"veth9: appeared, index=9 kind=veth promiscuity=0"}},
		{"a device goes", news{link: tap0, gone: true}, []string{"tap0: removed, " + tap + " reason=bridge_membership"}},
		{"an unknown device goes", news{link: Link{Index: 99}, gone: true}, nil},
		{
			"a second listener",
			news{link: with(tap0, func(l *Link) { l.Promiscuity = 2 })},
			[]string{"tap0: promiscuity raised, " + strings.Replace(tap, "promiscuity=1", "promiscuity=2", 1) + " promiscuity_was=1 reason=capture"},
		},
		{"another master", news{link: with(tap0, func(l *Link) { l.Master, l.PortKnown, l.Port = 77, 0, 0 })}, []string{
			"tap0: left its master, index=3 kind=tun promiscuity=1 master=#77 master_kind=bridge master_was=br0 master_kind_was=bridge reason=bridge_membership",
			"tap0: joined a master, index=3 kind=tun promiscuity=1 master=#77 master_kind=bridge reason=bridge_membership",
		}},
		{
			"the port left its bridge",
			news{link: Link{Index: 3, Master: 2}, gone: true, port: true},
			[]string{"tap0: left its master, index=3 kind=tun promiscuity=1 master_was=br0 master_kind_was=bridge reason=capture"},
		},
		{"the port left a bridge it is not in", news{link: Link{Index: 3, Master: 5}, gone: true, port: true}, nil},
		{"port settings", news{link: Link{Index: 3, Master: 2, Port: Learning | Isolated, PortKnown: UnicastFlood | Learning | Isolated}, port: true}, []string{
			"tap0: port settings changed, index=3 kind=tun promiscuity=1 master=br0 master_kind=bridge unicast_flood=off learning=on isolated=on unicast_flood_was=on isolated_was=off reason=bridge_membership",
		}},
		{"settings of an unknown port", news{link: Link{Index: 98, Master: 2}, port: true}, nil},
		{"about a bridge as its own port", news{link: Link{Index: 2}, port: true}, nil},
		{
			"the flag alone",
			news{link: with(eth0, func(l *Link) { l.Flag = true })},
			[]string{"eth0: entered promiscuous mode, index=1 kind=physical promiscuity=1 iff_promisc=on promiscuity_was=0 reason=capture"},
		},
		{
			"a bridge listens",
			news{link: with(br0, func(l *Link) { l.Promiscuity = 1 })},
			[]string{"br0: entered promiscuous mode, index=2 kind=bridge promiscuity=1 ageing=300.00s promiscuity_was=0 reason=bridge_itself"},
		},
		{
			"a bridge forgets",
			news{link: with(br0, func(l *Link) { l.Ageing = 0 })},
			[]string{"br0: became a hub, index=2 kind=bridge promiscuity=0 ageing=0.00s ageing_was=300.00s"},
		},
		{
			"a bridge remembers for less",
			news{link: with(br0, func(l *Link) { l.Ageing = 1234 })},
			[]string{"br0: ageing time changed, index=2 kind=bridge promiscuity=0 ageing=12.34s ageing_was=300.00s"},
		},
	} {
		table := newTable(eth0, br0, tap0)
		table.apply(c.news)
		if got := table.texts(); !slices.Equal(got, c.want) {
			t.Errorf("%s:\n got %q\nwant %q", c.name, got, c.want)
		}
	}
}

// A dump tells what messages that were lost would have told.
func TestReplace(t *testing.T) {
	table := newTable(eth0, br0, tap0)
	table.replace([]Link{eth0, with(br0, func(l *Link) { l.Ageing = 0 }), {Index: 8, Name: "v8", Kind: "veth"}}, false)
	want := []string{"tap0: removed,", "br0: became a hub,", "v8: appeared,"}
	got := table.texts()
	if len(got) != len(want) {
		t.Fatalf("%q", got)
	}
	for i := range want {
		if !strings.HasPrefix(got[i], want[i]) {
			t.Errorf("%q, want %q", got[i], want[i])
		}
	}
	table.replace([]Link{eth0}, true)
	if got := table.texts(); !slices.Equal(got[2:], []string{"eth0: found, index=1 kind=physical promiscuity=0"}) {
		t.Errorf("%q", got)
	}
	table.replace([]Link{{Index: 1, Name: "other", Kind: "veth"}}, false) // the number was given anew
	if got := table.texts(); len(got) != 2 || !strings.HasPrefix(got[0], "eth0: removed") || !strings.HasPrefix(got[1], "other: appeared") {
		t.Errorf("%q", got)
	}
}

func TestWire(t *testing.T) {
	l := Line{epoch, Warning, "eth0: found, index=1"}
	if got := string(l.AppendPlain(nil, "kvm1")); got != "2026-09-15T10:00:00.000000Z kvm1 linkwatch: eth0: found, index=1" {
		t.Error(got)
	}
	if got := string(l.AppendRFC5424(nil, "kvm1", 42)); got != "<28>1 2026-09-15T10:00:00.000000Z kvm1 linkwatch 42 - - eth0: found, index=1" {
		t.Error(got)
	}
}

func TestNamesAreHarmless(t *testing.T) {
	if got := printable("a\x1b[2J\n\u0085\xffé"); got != "a?[2J???é" {
		t.Errorf("%q", got)
	}
}

// message builds the body of RTM_NEWLINK.
func message(t testing.TB, family byte, index int32, flags uint32, build func(*netlink.AttributeEncoder)) []byte {
	t.Helper()
	ae := netlink.NewAttributeEncoder()
	build(ae)
	attrs, err := ae.Encode()
	if err != nil {
		t.Fatal(err)
	}
	b := make([]byte, ifinfoLen)
	b[0] = family
	ae = netlink.NewAttributeEncoder()
	ae.Int32(0, index)
	ae.Uint32(0, flags)
	fields, err := ae.Encode()
	if err != nil {
		t.Fatal(err)
	}
	copy(b[4:], fields[4:8])
	copy(b[8:], fields[12:16])
	return append(b, attrs...)
}

func portMessage(t testing.TB) []byte {
	return message(t, 0, 3, iffPromisc, func(ae *netlink.AttributeEncoder) {
		ae.String(iflaIfname, "tap0")
		ae.Uint32(iflaPromiscuity, 2)
		ae.Int32(iflaMaster, 2)
		ae.Nested(iflaLinkinfo, func(ae *netlink.AttributeEncoder) error {
			ae.String(iflaInfoKind, "tun")
			ae.String(iflaInfoSlaveKind, "bridge")
			ae.Nested(iflaInfoSlaveData, func(ae *netlink.AttributeEncoder) error {
				ae.Uint8(iflaBrportLearning, 1)
				ae.Uint8(iflaBrportUnicastFlood, 0)
				return nil
			})
			return nil
		})
	})
}

func TestParse(t *testing.T) {
	n, err := parseLink(portMessage(t), false)
	want := Link{Index: 3, Name: "tap0", Kind: "tun", Promiscuity: 2, Flag: true, Master: 2, MasterKind: "bridge", Port: Learning, PortKnown: Learning | UnicastFlood}
	if err != nil || n.link != want || n.port || n.gone {
		t.Errorf("%+v, %v", n, err)
	}
	n, err = parseLink(message(t, familyBridge, 3, 0, func(ae *netlink.AttributeEncoder) {
		ae.Nested(iflaProtinfo, func(ae *netlink.AttributeEncoder) error { ae.Uint8(iflaBrportIsolated, 1); return nil })
	}), true)
	if err != nil || !n.port || !n.gone || n.link.Port != Isolated {
		t.Errorf("%+v, %v", n, err)
	}
	n, err = parseLink(message(t, 0, 1, iffLoopback, func(ae *netlink.AttributeEncoder) { ae.Bytes(iflaProtinfo, []byte{3}) }), false)
	if err != nil || n.link.Kind != "loopback" {
		t.Errorf("%+v, %v", n, err)
	}
	n, err = parseLink(message(t, 0, 1, 0x200, func(ae *netlink.AttributeEncoder) { ae.String(iflaParentDevName, "0000:00:1f.6") }), false)
	if err != nil || n.link.Kind != "physical" || n.link.Promiscuous() {
		t.Errorf("0x200 is IFF_ALLMULTI: %+v, %v", n, err)
	}
	for _, bad := range []string{"", "00", hex.EncodeToString(portMessage(t)[:20])} {
		b, _ := hex.DecodeString(bad)
		if _, err := parseLink(b, false); err == nil {
			t.Errorf("%q was read", bad)
		}
	}
}

func FuzzParseLink(f *testing.F) {
	f.Add(portMessage(f), false)
	f.Add(message(f, familyBridge, 3, 0, func(ae *netlink.AttributeEncoder) { ae.Uint8(iflaProtinfo, 1) }), true)
	f.Fuzz(func(t *testing.T, b []byte, gone bool) {
		n, err := parseLink(b, gone)
		if err != nil {
			return
		}
		table := newTable(eth0, br0, tap0)
		table.apply(n)
		for _, line := range table.texts() {
			if strings.ContainsAny(line, "\n\r\x00\x1b") {
				t.Errorf("%q", line)
			}
		}
	})
}
