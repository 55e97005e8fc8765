package decode

import (
	"testing"

	"vswarden/event"
)

const linkwatchWire = "<28>1 2026-09-15T10:00:00.000000Z kvm1 linkwatch 42 - - "

func TestLinkwatch(t *testing.T) {
	const port = ", index=3 kind=tun promiscuity=2 master=br0 master_kind=bridge unicast_flood=on learning=off"
	bridgePort := event.Linux{
		Device: "tap0", Kind: event.DeviceTap, Driver: "tun", Bridge: "br0",
		Watch: event.LinkFacts{Known: event.FactPromiscuity | event.FactUnicastFlood | event.FactLearning, On: event.FactUnicastFlood, Promiscuity: 2},
	}
	with := func(change func(*event.Linux)) event.Linux { l := bridgePort; change(&l); return l }
	for text, w := range map[string]struct {
		act     event.Act
		dataset event.Dataset
		kind    string
		l       event.Linux
	}{
		"tap0: promiscuity raised" + port + " promiscuity_was=1 reason=capture": {event.ActPromiscuityUp, event.DatasetPromisc, "", with(func(l *event.Linux) {
			l.Reason, l.Watch.PromiscuityWas = event.ReasonCapture, 1
			l.Watch.Known |= event.FactPromiscuityWas
		})},
		"tap0: port settings changed" + port + " learning_was=on reason=bridge_membership": {event.ActBridgeSettings, event.DatasetBridge, "", with(func(l *event.Linux) {
			l.Reason = event.ReasonBridgeMembership
			l.Watch.WasKnown, l.Watch.Was = event.FactLearning, event.FactLearning
		})},
		"tap0: found in promiscuous mode" + port: {event.ActPromiscuousFound, event.DatasetPromisc, "state", bridgePort},
		"tap0: removed" + port:                   {event.ActLinkRemoved, event.DatasetBridge, "", bridgePort},
		"eth0: found, index=1 kind=physical promiscuity=0": {event.ActLinkFound, event.DatasetPromisc, "state", event.Linux{
			Device: "eth0", Kind: event.DevicePhysical, Watch: event.LinkFacts{Known: event.FactPromiscuity},
		}},
		"eth1: joined a master, index=9 promiscuity=0 master=bond0 master_kind=bond": {event.ActBridgeJoined, event.DatasetBridge, "", event.Linux{
			Device: "eth1", Kind: event.DevicePhysical, Watch: event.LinkFacts{Known: event.FactPromiscuity, Master: "bond0"},
		}},
		"br0: became a hub, index=2 kind=bridge promiscuity=1 iff_promisc=on ageing=0.00s ageing_was=15.50s reason=bridge_itself": {event.ActBridgeHub, event.DatasetBridge, "", event.Linux{
			Device: "br0", Kind: event.DeviceBridge, Driver: "bridge", Reason: event.ReasonBridgeItself,
			Watch: event.LinkFacts{
				Known: event.FactPromiscuity | event.FactFlag | event.FactAgeing | event.FactAgeingWas, On: event.FactFlag, Promiscuity: 1, AgeingWas: 15500,
			},
		}},
		"v0: renamed, index=4 kind=veth promiscuity=0 name_was=guest0": {event.ActLinkRenamed, event.DatasetPromisc, "", event.Linux{
			Device: "v0", Kind: event.DeviceVeth, Driver: "veth", Watch: event.LinkFacts{Known: event.FactPromiscuity, NameWas: "guest0"},
		}},
	} {
		for _, wire := range []string{linkwatchWire, "2026-09-15T10:00:00.000000Z kvm1 linkwatch: ", "<28>Sep 15 10:00:00 kvm1 linkwatch[42]: "} {
			e := line(wire + text)
			if e.Act != w.act || e.Linux != w.l || e.Dataset != w.dataset || e.Message != text || e.Kind != w.kind || e.Host != "kvm1" {
				t.Errorf("%s\n got %q %+v %s %q %q\nwant %+v", wire+text, e.Act, e.Linux, e.Dataset, e.Kind, e.Message, w)
			}
			checkStrings(t, &e)
		}
	}
	for _, text := range []string{
		"", "tap0", "tap0: entered promiscuous mode", "tap0: danced, index=1", "a b: found, index=1", ": found, index=1", "logger x lost log messages",
	} {
		if e := line(linkwatchWire + text); e.Act != "" || e.Linux.Device != "" || e.Dataset != event.DatasetGeneric {
			t.Errorf("%q: %q %+v %s", text, e.Act, e.Linux, e.Dataset)
		}
	}
}

func TestLinkwatchLoss(t *testing.T) {
	e := line(linkwatchWire + "netlink messages were lost, all links are read anew")
	if e.Loss.Kind != event.LossNetlink || e.Dataset != event.DatasetLogLoss || e.Act != event.ActLogLost {
		t.Errorf("%+v %s", e.Loss, e.Dataset)
	}
	e = line(linkwatchWire + "logger tcp://10.1.1.1:514 lost 12 log messages")
	if e.Loss != (event.LogLoss{Kind: event.LossLost, Count: 12, Target: "tcp://10.1.1.1:514"}) || e.Dataset != event.DatasetLogLoss {
		t.Errorf("%+v %s", e.Loss, e.Dataset)
	}
}

// Without a header the text alone is enough.
func TestLinkwatchWithoutHeader(t *testing.T) {
	if e := line("br0: became a hub, index=2 kind=bridge promiscuity=0 ageing=0.00s"); e.Act != event.ActBridgeHub || e.Dataset != event.DatasetBridge {
		t.Errorf("%q %s", e.Act, e.Dataset)
	}
}

func FuzzLinkwatch(f *testing.F) {
	f.Add("tap0: promiscuity raised, index=3 kind=tun promiscuity=2 master=br0 master_kind=bridge unicast_flood=on promiscuity_was=1 reason=capture")
	f.Add("br0: became a hub, index=2 kind=bridge promiscuity=0 ageing=0.00s ageing_was=300.00s")
	f.Fuzz(func(t *testing.T, text string) {
		for _, prefix := range []string{linkwatchWire, ""} {
			e := line(prefix + text)
			checkStrings(t, &e)
			checkEvent(t, &e)
		}
	})
}

func TestLinkwatchAllocatesNothing(t *testing.T) {
	if underRace {
		t.Skip("the race detector allocates")
	}
	e := event.Event{}
	raw := linkwatchWire + "tap0: port settings changed, index=3 kind=tun promiscuity=1 master=br0 master_kind=bridge unicast_flood=off learning=on unicast_flood_was=on reason=bridge_membership"
	if n := testing.AllocsPerRun(100, func() { e.Reset(); e.Raw = raw; Line(&e, nil) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
