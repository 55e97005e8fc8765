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
	if vobPrefix(s) {
		v.Correlator, s, _ = strings.Cut(s[1:], "]")
		s = trimSpaces(s)
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
	vobFacts(v)
	if !loginText(e, v.Text) {
		vobWho(e)
	}
}

// vobWho reads of whom or what an observation speaks where it is neither login nor network: "Multiple
// remote login failures detected for ESXi local user account 'vpxuser'.", "A duplicate IP address was
// detected for 10.0.0.5 on the interface vmk0.".
func vobWho(e *event.Event) {
	switch id, s := e.VOB.ID, e.VOB.Text; {
	case strings.HasPrefix(id, "vob.net."), strings.HasPrefix(id, "esx.") && strings.Contains(id[:min(len(id), 16)], ".net."):
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
	inner := strings.TrimPrefix(s, "The event (")
	if !strings.HasPrefix(inner, "[vob.") && !strings.HasPrefix(inner, "[esx.") && !strings.HasPrefix(inner, "[vprob.") {
		return "", s
	}
	id, rest, ok := strings.Cut(inner[1:], "]")
	if !ok || strings.IndexByte(id, ' ') >= 0 {
		return "", s
	}
	return id, trimSpaces(rest)
}

// vobFacts reads the words that texts about the network and about logging are built of. vob.*
// writes "Uplink: vmnic6 is down" but "Uplink:vmnic6 is up".
func vobFacts(v *event.VOB) {
	switch {
	case strings.HasPrefix(v.ID, "vob.net."), strings.Contains(v.ID, ".net."):
	case strings.HasSuffix(v.ID, "vmsyslogd.remote.failure"):
		v.Target, _ = quotedAfter(v.Text, `host "`)
		return
	default:
		return
	}
	netFacts(v)
}

// netFacts reads what a text about the network names.
func netFacts(v *event.VOB) {
	s := v.Text
	if strings.Contains(v.ID, ".firewall.") {
		if _, rest, ok := strings.Cut(s, "Operation '"); ok {
			v.Operation, _, _ = strings.Cut(rest, "'")
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
	} else if strings.Contains(v.ID, ".lacp.") {
		v.Switch = wordAfter(s, " on VDS ")
	}
	if i := find(s, "ffected "); i >= 0 {
		vobAffected(v, s[i+len("ffected "):])
	} else if i := find(s, ", portgroup"); i >= 0 {
		vobAffected(v, s[i+len(", "):])
	} else if strings.Contains(v.ID, ".dvport.") {
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
	what, _, ok := strings.Cut(s[:min(len(s), 16)], ": ")
	if !ok {
		return
	}
	rest := s[len(what)+len(": "):]
	switch what {
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
	_, rest, ok := strings.Cut(s, before)
	if !ok {
		return ""
	}
	return firstWord(rest)
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
