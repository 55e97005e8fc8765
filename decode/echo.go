package decode

import (
	"strings"

	"vswarden/event"
)

// echoText reads the text of an observation where hostd ("Event 37 : …") or vCenter (EventEx) repeats it
// without its id: the words decide.
func echoText(e *event.Event, s string) bool {
	if len(s) < len("Lost ") {
		return false
	}
	a := echoAct(s)
	if a == "" {
		return false
	}
	v := event.VOB{Present: true, Text: s}
	if a == event.ActLogLost {
		v.Target, _ = quotedAfter(s, `host "`)
		e.Rarely().Loss = event.LogLoss{Kind: event.LossRemote, Target: v.Target}
	} else {
		netFacts(&v, 0) // without an id
	}
	if a == event.ActIPConflict {
		e.Source.Address = wordAfter(s, "detected for ")
	}
	e.Act, e.Rarely().VOB = a, v
	return true
}

// echoAct knows what a text says by how it begins.
func echoAct(s string) event.Act {
	switch s[0] {
	case 'A', 'D':
		if strings.HasPrefix(s, "A duplicate IP address ") || strings.HasPrefix(s, "Duplicate IP address ") {
			return event.ActIPConflict
		}
	case 'L':
		switch {
		case strings.HasPrefix(s, "Lost network connectivity on "):
			return event.ActNetLost
		case strings.HasPrefix(s, "Lost uplink redundancy on "):
			return event.ActRedundancyLost
		}
	case 'N':
		if strings.HasPrefix(s, "Network connectivity restored on ") {
			return event.ActNetRestored
		}
	case 'P':
		if rest, ok := strings.CutPrefix(s, "Physical NIC "); ok {
			_, state, _ := strings.Cut(rest, " linkstate is ")
			switch firstWord(state) {
			case "up":
				return event.ActLinkUp
			case "down":
				return event.ActLinkDown
			}
		}
	case 'T':
		switch {
		case strings.HasPrefix(s, "Taking down physical NIC "):
			return event.ActLinkFlapping
		case strings.HasPrefix(s, `The host "`) && strings.Contains(s, " has become unreachable."):
			return event.ActLogLost
		}
	case 'U':
		switch {
		case strings.HasPrefix(s, "Uplink redundancy degraded on "):
			return event.ActRedundancyDegraded
		case strings.HasPrefix(s, "Uplink redundancy restored on "):
			return event.ActRedundancyRestored
		}
	}
	return ""
}
