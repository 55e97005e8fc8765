package decode

import (
	"strings"

	"vswarden/event"
)

// switchFacts reads which switch, portgroup and port an event of vCenter is about, in the texts that
// vpxd has for them:
//
//	The dvPort 431 was blocked in the vSphere Distributed Switch DVS-A in DC1. It was in unset state before.
//	dvPort group PG-Web in DC1 was reconfigured. Modified: …
//	dvPort group PG-Web in DC1 was added to switch DVS-A.
//	The vSphere Distributed Switch DVS-A in DC1 was reconfigured.
//	The host esx1 joined the vSphere Distributed Switch DVS-A in DC1.
func switchFacts(v *event.VCEvent) {
	s := v.Text
	if _, named, ok := strings.Cut(s, "Distributed Switch "); ok {
		v.Switch = inDatacenter(beforeVerb(named), v.Target)
	} else if _, rest, ok := strings.Cut(s, " to switch "); ok {
		v.Switch = strings.TrimSuffix(firstSentence(rest), ".")
	}
	if rest, ok := strings.CutPrefix(s, "dvPort group "); ok {
		v.Portgroup = inDatacenter(beforeVerb(rest), v.Target)
	}
	rest := strings.TrimPrefix(s, "The ")
	if port, ok := strings.CutPrefix(rest, "dvPort "); ok && !strings.HasPrefix(port, "group ") {
		v.DVPort = firstWord(port)
	} else if port, ok := strings.CutPrefix(rest, "dvPort(s) "); ok {
		v.DVPort = firstWord(port)
	}
}

// beforeVerb is what stands before " was …" or the end of the sentence.
func beforeVerb(s string) string {
	s = firstSentence(s)
	for from := 0; ; {
		i := strings.IndexByte(s[from:], ' ')
		if i < 0 || from+i+1 == len(s) {
			return strings.TrimSuffix(s, ".")
		}
		from += i + 1
		switch rest := s[from:]; rest[0] {
		case 'w':
			if strings.HasPrefix(rest, "was ") || strings.HasPrefix(rest, "were ") {
				return s[:from-1]
			}
		case 'i', 'h':
			if strings.HasPrefix(rest, "is ") || strings.HasPrefix(rest, "has ") {
				return s[:from-1]
			}
		}
	}
}

// firstSentence is s up to a full stop and a blank, or a line break however it is escaped. Names may hold
// full stops.
func firstSentence(s string) string {
	for from := 0; ; {
		i := strings.IndexByte(s[from:], '.')
		if i < 0 || from+i+1 == len(s) {
			return s
		}
		switch from += i + 1; s[from] {
		case ' ', '#', '\\', '\n':
			return s[:from-1]
		}
	}
}

// inDatacenter cuts " in DC1" off "DVS-A in DC1". The name of either may hold the same word, so that the
// event's target decides where it is the datacenter.
func inDatacenter(s, datacenter string) string {
	if head, ok := strings.CutSuffix(s, datacenter); ok && datacenter != "" {
		if head, ok = strings.CutSuffix(head, " in "); ok {
			return head
		}
	}
	head, _, ok := cutLast(s, " in ")
	if !ok {
		return s
	}
	return head
}

// macFacts reads which addresses an event about a MAC address names: "Changed MAC address from A to B for
// adapter X for VM", "New MAC address (A) assigned to adapter X for VM", "The MAC address (A) of VM conflicts
// with MAC assigned to OTHER".
func macFacts(v *event.VCEvent) {
	s := v.Text
	v.OldMAC, v.NewMAC = macPair(s)
	if _, vm, ok := cutLast(s, " for "); ok {
		v.VM = strings.TrimSuffix(vm, ".")
	} else if _, rest, ok := strings.Cut(s, ") of "); ok {
		v.VM, _, _ = strings.Cut(rest, " conflicts with ")
	}
}

// macPair is the first two MAC addresses in s, or only the new one.
func macPair(s string) (before, after string) {
	for i := 0; i+macLen <= len(s); i++ {
		if hexDigit(s[i]) > 15 || !isMAC(s[i:]) || i > 0 && isAlnum(s[i-1]) {
			continue
		}
		if before, after = after, s[i:i+macLen]; before != "" {
			return before, after
		}
		i += macLen
	}
	return before, after
}
