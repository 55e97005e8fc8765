package decode

import (
	"strings"

	"vswarden/event"
)

// vobLine reads what vobd reports:
//
//	[netCorrelator] 73154456us: [esx.audit.net.firewall.config.changed] text    5.0 and later
//	73154456us: [esx.audit…] text, the correlator in [esx@4413 threadName=…]    9.0
//	Jun  3 01:23:12.139: 73154456us: [vprob.net…] text                         4.x
//	The event ([esx.clear.…] …) …                                              9.x, a fourth copy
func vobLine(e *event.Event) {
	s := e.Message
	if c, n := bsdStamp(s); n > 0 && !c.bad {
		s = trimSpaces(strings.TrimPrefix(s[n:], ":"))
	}
	v := &e.Rarely().VOB
	if name, rest, ok := vobCorrelator(s); ok {
		v.Correlator, s = name, rest
	} else if sd := sdElement(e.Syslog.StructuredData, "esx@"); sd != "" {
		v.Correlator = sdParam(sd, "threadName")
	}
	if us, n := number(s); n > 0 && strings.HasPrefix(s[n:], "us:") {
		v.UptimeUS = us
		s = trimSpaces(s[n+len("us:"):])
	} else if !vobID0(s) && (v.Correlator == "" || s == "" || s[0] < 'A' || s[0] > 'Z') {
		*v = event.VOB{}
		return // vobd about itself
	}
	v.Present = true
	v.ID, v.Text = vobID(s)
	v.Again = v.ID != "" && s[0] == 'T'
	words := vobWords(v.ID)
	vobFacts(v, words)
	if !loginText(e, v.Text) {
		vobWho(e, words)
	}
}

// vobCorrelator takes "[netCorrelator] " off s.
func vobCorrelator(s string) (name, rest string, ok bool) {
	if s == "" || s[0] != '[' {
		return "", s, false
	}
	end := strings.IndexByte(s[:min(len(s), 48)], ']')
	if end < 0 || s[max(0, end-len("Correlator")):end] != "Correlator" {
		return "", s, false
	}
	return s[1:end], trimSpaces(s[end+1:]), true
}

// vobWho reads of whom or what an observation speaks where it is neither login nor network: "Multiple
// remote login failures detected for ESXi local user account 'vpxuser'.", "A duplicate IP address was
// detected for 10.0.0.5 on the interface vmk0.".
func vobWho(e *event.Event, words uint8) {
	switch id, s := e.VOB.ID, e.VOB.Text; {
	case words&vobNet != 0 && (strings.HasPrefix(id, "vob.net.") || strings.HasPrefix(id, "esx.") && strings.Contains(id[:min(len(id), 16)], ".net.")):
		if strings.HasSuffix(id, ".ip.duplicate") {
			e.Source.Address = wordAfter(s, "detected for ")
		}
	case strings.Contains(id, ".account.") || strings.Contains(id, ".dcui.login"):
		if _, user, ok := strings.Cut(s, "account '"); ok {
			e.User = splitUser(untilQuote(user))
		} else if _, user, ok := strings.Cut(s, " user "); ok { // of user bob, for user bob
			e.User = splitUser(firstWord(user))
		}
	case strings.Contains(id, ".supershell."):
		if _, user, ok := strings.Cut(s, "started by "); ok {
			e.User = splitUser(firstWord(user))
		}
	}
}

// vobID0 reports an observation of which only the id and the text are left: "[esx.audit.ssh.enabled] …".
func vobID0(s string) bool {
	if s == "" || s[0] != '[' && s[0] != 'T' {
		return false
	}
	id, _ := vobID(s)
	return id != ""
}

// vobID splits "[esx.audit.host.boot] Host has booted.".
func vobID(s string) (id, text string) {
	inner := s
	if s != "" && s[0] == 'T' {
		inner = strings.TrimPrefix(s, "The event (")
	}
	if !strings.HasPrefix(inner, "[vob.") && !strings.HasPrefix(inner, "[esx.") && !strings.HasPrefix(inner, "[vprob.") {
		return "", s
	}
	end := strings.IndexByte(inner, ']')
	if end < 0 || strings.IndexByte(inner[:end], ' ') >= 0 {
		return "", s
	}
	return inner[1:end], trimSpaces(inner[end+1:])
}

// What an observation is about, as the words between the dots of its id say.
const (
	vobNet = 1 << iota
	vobFirewall
	vobLACP
	vobDVPort
)

// vobWords finds these words in an id: "esx.audit.net.firewall.config.changed".
func vobWords(id string) (words uint8) {
	start := 0
	for i := range len(id) { // a call for each word takes longer
		if id[i] != '.' {
			continue
		}
		switch id[start:i] { // the first is esx, vob or vprob: vobID
		case "net":
			words |= vobNet
		case "firewall":
			words |= vobFirewall
		case "lacp":
			words |= vobLACP
		case "dvport":
			words |= vobDVPort
		}
		start = i + 1
	}
	return words
}

// vobFacts reads the words that texts about the network and about logging are built of. vob.*
// writes "Uplink: vmnic6 is down" but "Uplink:vmnic6 is up".
func vobFacts(v *event.VOB, words uint8) {
	switch {
	case words&vobNet != 0:
	case strings.HasSuffix(v.ID, "vmsyslogd.remote.failure"):
		v.Target, _ = quotedAfter(v.Text, `host "`)
		return
	default:
		return
	}
	netFacts(v, words)
}

// netFacts reads what a text about the network names.
func netFacts(v *event.VOB, words uint8) {
	s := v.Text
	if words&vobFirewall != 0 {
		if i := find(s, "Operation '"); i >= 0 {
			v.Operation, _, _ = strings.Cut(s[i+len("Operation '"):], "'")
		}
		switch end := strings.TrimSuffix(s, "."); {
		case strings.HasSuffix(end, " succeeded"):
			v.Result = event.OutcomeSuccess
		case strings.HasSuffix(end, " failed"):
			v.Result = event.OutcomeFailure
		}
		v.RuleSet = wordAfter(s, "rule set ")
		return
	}
	v.NIC = vobNIC(s)
	if name, ok := quotedAfter(s, `switch "`); ok {
		v.Switch = name
	} else if strings.HasPrefix(s, "Portset ") {
		v.Switch = wordAfter(s, "Portset ")
	} else if words&vobLACP != 0 {
		v.Switch = wordAfter(s, " on VDS ")
	}
	if i := find(s, "ffected "); i >= 0 {
		vobAffected(v, s[i+len("ffected "):])
	} else if i := find(s, ", portgroup"); i >= 0 {
		vobAffected(v, s[i+len(", "):])
	} else if words&vobDVPort != 0 {
		if i := strings.Index(s, " DVPorts: "); i >= 0 {
			vobAffected(v, s[i+1:])
		}
	}
}

// vobNIC finds the physical NIC: "vmnic vmnic6 linkstate down", "Uplink: vmnic6 is down", "Physical
// NIC vmnic2 is down", "Taking down physical NIC vmnic2 because …".
func vobNIC(s string) string {
	rest, ok := strings.CutPrefix(s, "vmnic ")
	if !ok {
		if rest, ok = strings.CutPrefix(s, "Uplink:"); ok {
			rest = trimSpaces(rest)
		} else if i := find(s, "hysical NIC "); i >= 0 {
			rest = s[i+len("hysical NIC "):]
		} else {
			rest = s
		}
	}
	if nic := firstWord(rest); strings.HasPrefix(nic, "vmnic") {
		return nic
	}
	return adapterIn(s)
}

// adapterIn is the first adapter of the host that s names: vmnic2, vmk0.
func adapterIn(s string) string {
	for from := 0; ; {
		i := strings.Index(s[from:], "vm")
		if i < 0 {
			return ""
		}
		from += i
		n := 0
		for _, prefix := range [...]string{"vmnic", "vmk"} {
			if strings.HasPrefix(s[from:], prefix) {
				n = len(prefix)
			}
		}
		end := from + n
		for end < len(s) && isDigit(s[end]) {
			end++
		}
		if n > 0 && end > from+n && (from == 0 || !isAlnum(s[from-1])) && (end == len(s) || !isAlnum(s[end])) {
			return s[from:end]
		}
		from += len("vm")
	}
}

// vobAffected reads "port groups: …", "portgroup: …", "dvPort: …".
func vobAffected(v *event.VOB, s string) {
	end := find(s[:min(len(s), 16)], ": ")
	if end < 0 {
		return
	}
	rest := s[end+len(": "):]
	switch s[:end] {
	case "port groups", "portgroups", "portgroup", "port group":
		v.Portgroups = portgroupList(rest)
	case "dvPort", "dvPorts", "DVPorts":
		v.DVPort, _, _ = strings.Cut(strings.TrimPrefix(firstWord(rest), `"`), "/") // the switch's UUID follows
	}
}

// portgroupList is the names of portgroups at the beginning of s: a list in quotes, or one name up
// to the sentence that follows it. Names may hold dots.
func portgroupList(s string) string {
	if strings.HasPrefix(s, `"`) {
		end := 0
		for {
			i := strings.IndexByte(s[end+1:], '"')
			if i < 0 {
				return s
			}
			end += i + 2
			if !strings.HasPrefix(s[end:], `, "`) {
				return s[:end]
			}
			end += len(", ")
		}
	}
	// "Management Network. 1 uplinks up. Failed criteria: 128"
	if i := lastIndex(s, " uplinks up"); i >= 0 {
		s = s[:i]
		for s != "" && isDigit(s[len(s)-1]) {
			s = s[:len(s)-1]
		}
		s = strings.TrimSuffix(s, ". ")
	}
	return strings.TrimSuffix(s, ".")
}

// quotedAfter is the text between the end of before, which ends in a quote, and the next quote. It reports whether before
// is there.
func quotedAfter(s, before string) (value string, ok bool) {
	for from := 0; ; {
		quote := strings.IndexByte(s[from:], '"')
		if quote < 0 {
			return "", ok
		}
		if ok {
			return s[from : from+quote], true
		}
		from += quote + 1
		ok = strings.HasSuffix(s[:from], before)
	}
}

// wordAfter is the word that follows before.
func wordAfter(s, before string) string {
	i := find(s, before)
	if i < 0 {
		return ""
	}
	return firstWord(s[i+len(before):])
}

// firstWord is the word at the beginning of s, without a full stop or comma at its end.
func firstWord(s string) string {
	word := untilBlank(s)
	for word != "" && (word[len(word)-1] == '.' || word[len(word)-1] == ',' || word[len(word)-1] == ';') {
		word = word[:len(word)-1]
	}
	return word
}

// sdParam is the value of a parameter of one element of structured data, without its quotes.
func sdParam(element, name string) string {
	element = strings.TrimSuffix(element, "]")
	i := strings.IndexByte(element, ' ')
	if i < 0 {
		return ""
	}
	for s := element[i:]; ; {
		key, value, rest, ok := nextParam(s)
		if !ok {
			return ""
		}
		if key == name {
			return value
		}
		s = rest
	}
}
