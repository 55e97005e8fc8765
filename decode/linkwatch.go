package decode

import (
	"strings"

	"vswarden/event"
)

// linkwatchWord is what linkwatch says of a device.
type linkwatchWord struct {
	words string
	act   event.Act
	// promisc: the line is about who listens. Else it is about a bridge if the device is one or a
	// port of one, or if bridge says so.
	promisc, bridge, state bool
}

// linkwatchWords are all there are: docs/linkwatch.md.
var linkwatchWords = [...]linkwatchWord{
	{words: "entered promiscuous mode", act: event.ActPromiscuousOn, promisc: true},
	{words: "left promiscuous mode", act: event.ActPromiscuousOff, promisc: true},
	{words: "promiscuity raised", act: event.ActPromiscuityUp, promisc: true},
	{words: "promiscuity lowered", act: event.ActPromiscuityDown, promisc: true},
	{words: "found in promiscuous mode", act: event.ActPromiscuousFound, promisc: true, state: true},
	{words: "appeared in promiscuous mode", act: event.ActPromiscuousFound, promisc: true},
	{words: "found", act: event.ActLinkFound, state: true},
	{words: "appeared", act: event.ActLinkAdded},
	{words: "removed", act: event.ActLinkRemoved},
	{words: "renamed", act: event.ActLinkRenamed},
	{words: "joined a master", act: event.ActBridgeJoined, bridge: true},
	{words: "left its master", act: event.ActBridgeLeft, bridge: true},
	{words: "port settings changed", act: event.ActBridgeSettings, bridge: true},
	{words: "ageing time changed", act: event.ActBridgeAgeing, bridge: true},
	{words: "became a hub", act: event.ActBridgeHub, bridge: true},
	{words: "found as a hub", act: event.ActBridgeHubFound, bridge: true, state: true},
	{words: "appeared as a hub", act: event.ActBridgeHubFound, bridge: true},
}

// kindState is event.kind of what was so already when somebody looked.
const kindState = "state"

// linkwatchLine reads a line of `vswarden linkwatch`:
//
//	tap0: promiscuity raised, index=7 kind=tun promiscuity=2 master=br0 master_kind=bridge … reason=capture
func linkwatchLine(e *event.Event, s string) bool {
	if s == "netlink messages were lost, all links are read anew" {
		e.Rarely().Loss.Kind, e.Act, e.Dataset = event.LossNetlink, event.ActLogLost, event.DatasetLogLoss
		return true
	}
	if strings.HasPrefix(s, "logger ") && lostMessages(e, s) {
		e.Dataset = event.DatasetLogLoss
		return true
	}
	device, rest, ok := strings.Cut(s, ": ")
	if !ok || device == "" || strings.IndexByte(device, ' ') >= 0 {
		return false
	}
	words, rest, ok := strings.Cut(rest, ", index=")
	if !ok {
		return false
	}
	for i := range linkwatchWords {
		if w := &linkwatchWords[i]; w.words == words {
			l := event.Linux{Device: device}
			bridge := linkwatchKeys(&l, rest) || w.bridge
			e.Rarely().Linux, e.Act, e.Dataset = l, w.act, event.DatasetPromisc
			if bridge && !w.promisc {
				e.Dataset = event.DatasetBridge
			}
			if w.state {
				e.Kind = kindState
			}
			return true
		}
	}
	return false
}

// linkwatchKeys reads "7 kind=tun promiscuity=2 …" and reports a bridge or a part of one.
func linkwatchKeys(l *event.Linux, s string) (bridge bool) {
	master, masterKind, kind := "", "", ""
	f := &l.Watch
	for s != "" {
		var word string
		word, s, _ = strings.Cut(s, " ")
		key, value, ok := strings.Cut(word, "=")
		if !ok {
			continue
		}
		switch key {
		case "kind":
			kind = value
		case "master":
			master = value
		case "master_kind":
			masterKind = value
		case "master_was":
			f.MasterWas = value
		case "name_was":
			f.NameWas = value
		case "promiscuity":
			linkwatchNumber(f, event.FactPromiscuity, &f.Promiscuity, value)
		case "promiscuity_was":
			linkwatchNumber(f, event.FactPromiscuityWas, &f.PromiscuityWas, value)
		case "ageing":
			linkwatchSeconds(f, event.FactAgeing, &f.Ageing, value)
		case "ageing_was":
			linkwatchSeconds(f, event.FactAgeingWas, &f.AgeingWas, value)
		case "reason":
			l.Reason = linkwatchReason(value)
		default:
			linkwatchSwitch(f, key, value)
		}
	}
	l.Kind = linkKind(kind, l.Device)
	if kind != "physical" && kind != "loopback" {
		l.Driver = kind // of a device that is software, rtnetlink's word for its driver
	}
	if bridges := masterKind == "bridge" || masterKind == "openvswitch"; bridges {
		l.Bridge, bridge = master, true
	} else {
		f.Master = master
	}
	return bridge || l.Kind == event.DeviceBridge
}

func linkwatchNumber(f *event.LinkFacts, fact event.LinkFact, dst *uint32, value string) {
	if v, n := number(value); n > 0 && n == len(value) && v <= 1<<32-1 {
		*dst = uint32(v)
		f.Known |= fact
	}
}

// linkwatchSeconds reads 300.00s as milliseconds.
func linkwatchSeconds(f *event.LinkFacts, fact event.LinkFact, dst *uint32, value string) {
	whole, part, ok := strings.Cut(value, ".")
	v, n := number(whole)
	if !ok || n == 0 || n != len(whole) || len(part) != 3 || part[2] != 's' || !isDigit(part[0]) || !isDigit(part[1]) || v > 1<<32/1000-1 {
		return
	}
	*dst = uint32(v)*1000 + uint32(part[0]-'0')*100 + uint32(part[1]-'0')*10
	f.Known |= fact
}

// linkwatchSwitch reads unicast_flood=on and its like, and unicast_flood_was=off.
func linkwatchSwitch(f *event.LinkFacts, key, value string) {
	known, on := &f.Known, &f.On
	name, was := strings.CutSuffix(key, "_was")
	if was {
		known, on = &f.WasKnown, &f.Was
	}
	var fact event.LinkFact
	switch name {
	case "unicast_flood":
		fact = event.FactUnicastFlood
	case "learning":
		fact = event.FactLearning
	case "isolated":
		fact = event.FactIsolated
	case "iff_promisc":
		fact = event.FactFlag
	}
	switch value {
	case "on":
		*on |= fact
	case "off":
	default:
		return
	}
	*known |= fact
}

func linkwatchReason(word string) event.LinuxReason {
	for _, r := range [...]event.LinuxReason{event.ReasonBridgeMembership, event.ReasonBridgeItself, event.ReasonCapture} {
		if string(r) == word {
			return r
		}
	}
	return ""
}

// linkKind is the kind of a device by rtnetlink's word for it, else by its name.
func linkKind(kind, name string) event.DeviceKind {
	switch kind {
	case "bridge", "openvswitch":
		return event.DeviceBridge
	case "tun", "macvtap", "ipvtap":
		return event.DeviceTap
	case "veth":
		return event.DeviceVeth
	case "bond", "team":
		return event.DeviceBond
	case "physical":
		return event.DevicePhysical
	case "":
		return deviceKind(name)
	}
	return event.DeviceUnknown
}
