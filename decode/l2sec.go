package decode

import (
	"strings"

	"vswarden/event"
)

// l2secLine reads a line of the virtual switch's layer 2 security check (VMware KB 304453, 344495,
// 417819). s is the text behind the vmkernel prefix:
//
//	module ": L2Sec_" function [":" line] ": " [nsxsd] message
//
// Module, function and line number move from build to build: none of them is matched on.
func l2secLine(e *event.Event, s string) bool {
	i := l2secFunction(s)
	if i < 0 {
		return false
	}
	module, ok := l2secModule(s[:i])
	if !ok {
		return false
	}
	function := s[i:]
	function = function[:span(function, inIdentifier)]
	l := &e.Rarely().L2Sec
	l.Kind, l.Module, l.Function = event.L2SecUnknown, module, function
	e.Logger = module
	s = strings.TrimPrefix(s[i+len(function):], ":")
	if line, rest := sourceLine(s); len(rest) < len(s) {
		l.Line, s = line, rest
	}
	l2secMessage(e, skipNSX(trimSpaces(s)))
	return true
}

// l2secFunction is where the function may stand: at the beginning, or behind the first colon, since no module holds one.
// Only behind a prefix that is not quite the vmkernel's it is to be looked for.
func l2secFunction(s string) int {
	if strings.HasPrefix(s, "cpu") {
		return find(s, "L2Sec_")
	}
	if strings.HasPrefix(s, "L2Sec_") {
		return 0
	}
	if i := strings.IndexByte(s, ':'); i >= 0 && strings.HasPrefix(s[i:], ": L2Sec_") {
		return i + len(": ")
	}
	return -1
}

// l2secModule finds the module in what stands before the function: "etherswitch: ". Anything else
// than one identifier means that the line only quotes the function. A prefix that is not quite the
// vmkernel's own ("cpuN:cccc)", a KB template) does not count.
func l2secModule(s string) (module string, ok bool) {
	if s == "" {
		return "", true
	}
	module, ok = strings.CutSuffix(s, ": ")
	if !ok {
		return "", false
	}
	if strings.HasPrefix(module, "cpu") {
		module = module[strings.LastIndexByte(module, ')')+1:]
	}
	return module, module != "" && identifierLen(module) == len(module)
}

// identifierLen is the length of the identifier at the beginning of s; '-' may be part of it.
func identifierLen(s string) int {
	i := 0
	for i < len(s) && classes[s[i]]&inIdentifier != 0 {
		i++
	}
	return i
}

// skipNSX skips the element that the converged switch glues to its text: [nsx@6876 comp="nsx-esx"
// subcomp="vswitch"]client …. It stays in the message.
func skipNSX(s string) string {
	at := strings.IndexByte(s[:min(len(s), 32)], '@')
	if at < 2 || s[0] != '[' {
		return s
	}
	for i := 1; i < at; i++ {
		if s[i] < 'a' || s[i] > 'z' {
			return s
		}
	}
	_, rest, _, ok := takeSD(s)
	if !ok {
		return s
	}
	return trimSpaces(rest)
}

// l2secMessage reads the text in which the switch says what it did. It is read from the right: the
// end is fixed, and the name of a VM may hold anything, even pieces of that text.
func l2secMessage(e *event.Event, s string) {
	for s != "" && s[len(s)-1] <= ' ' {
		s = s[:len(s)-1]
	}
	s = strings.TrimSuffix(s, ".")
	l := &e.Rarely().L2Sec
	switch {
	case peerMessage(l, s):
	case clientBlocked(l, s):
	case clientDenied(l, s):
	case portRestored(l, s):
	default:
		otherL2Sec(l, s)
		mark(e, event.TagUnknownL2Sec, reasonL2Sec)
		return
	}
	if !e.L2Sec.HasPort {
		mark(e, event.TagParsePartial, reasonL2SecPart)
	}
}

// peerMessage reads the grammar of ESX 3 and 4, which begins with the port and names no client:
//
//	0x100000f: peer not allowed promiscuous, revoking setting
//	0x100000f: peer not allowed to change address, blocking port
func peerMessage(l *event.L2Sec, s string) bool {
	if !strings.HasPrefix(s, "0x") {
		return false
	}
	port, text, ok := strings.Cut(s, ": peer not allowed ")
	if !ok || strings.IndexByte(port, ' ') >= 0 {
		return false
	}
	switch text {
	case "promiscuous, revoking setting":
		l.Kind, l.Violation = event.L2SecPromiscRevoked, event.ViolationPromiscuous
		l.Reason = text[len("promiscuous, "):]
	case "to change address, blocking port":
		l.Kind, l.Violation = event.L2SecPeerBlocked, event.ViolationMACChange
		l.Reason = text[len("to change address, "):]
	default:
		return false
	}
	l.Client.Type = event.ClientUnknown
	setPort(l, port)
	return true
}

// denialReason ends every denial. A frame may be cut inside it.
const denialReason = "disallowed by vswitch policy"

// clientDenied reads the newer grammar:
//
//	client C requested promiscuous mode on port P, disallowed by vswitch policy
//	client C requested mac address change to M on port P, disallowed by vswitch policy
func clientDenied(l *event.L2Sec, s string) bool {
	who, ok := strings.CutPrefix(s, "client ")
	if !ok {
		return false
	}
	comma := lastIndex(who, ", disallowed by ")
	if comma < 0 {
		return cutDenial(l, who)
	}
	reason := who[comma+2:]
	if !strings.HasPrefix(denialReason, reason) { // the comma is one in the name of a VM
		return false
	}
	who, port, ok := cutLast(who[:comma], " on port ")
	if !ok || !denied(l, who) {
		return false
	}
	l.Reason = reason
	setPort(l, port)
	return true
}

// denied reads "C requested promiscuous mode" and "C requested mac address change to M".
func denied(l *event.L2Sec, s string) bool {
	if client, ok := strings.CutSuffix(s, " requested promiscuous mode"); ok {
		l.Kind, l.Violation = event.L2SecPromiscRequested, event.ViolationPromiscuous
		l.Client = splitClient(client)
		return true
	}
	client, mac, ok := cutLast(s, " requested mac address change to ")
	if !ok || strings.IndexByte(mac, ' ') >= 0 {
		return false
	}
	l.Kind, l.Violation = event.L2SecMACChangeRequested, event.ViolationMACChange
	l.Client = splitClient(client)
	if isMAC(mac) && len(mac) == macLen {
		l.RequestedMAC = mac
	}
	return true
}

// cutDenial reads a denial whose end is lost: a UDP frame of ESXi ends after 480 bytes. The digits
// of a port that ends the line may not be all of them, so there is no port.
func cutDenial(l *event.L2Sec, who string) bool {
	if client, tail, ok := cutLast(who, " on port "); ok && isCutPort(tail) {
		return denied(l, client)
	}
	return denied(l, who)
}

// isCutPort reports the beginning of a port id, with a piece of the comma's text behind it or not.
func isCutPort(s string) bool {
	word, rest, _ := strings.Cut(s, ",")
	return strings.HasPrefix("0x", word[:min(len(word), 2)]) && strings.IndexByte(word, ' ') < 0 &&
		strings.HasPrefix(" disallowed by ", rest[:min(len(rest), len(" disallowed by "))])
}

// clientBlocked reads the summary that follows a denied change of address:
//
//	client C has policy violations on port P. Port is blocked
//
// Some builds spell it vialations.
func clientBlocked(l *event.L2Sec, s string) bool {
	who, ok := strings.CutPrefix(s, "client ")
	if !ok {
		return false
	}
	who, ok = strings.CutSuffix(who, ". Port is blocked")
	if !ok {
		return false
	}
	who, port, ok := cutLast(who, " on port ")
	if !ok {
		return false
	}
	client, ok := strings.CutSuffix(who, " has policy violations")
	if !ok {
		client, ok = strings.CutSuffix(who, " has policy vialations")
	}
	if !ok {
		return false
	}
	l.Kind, l.Violation = event.L2SecPortBlocked, event.ViolationPolicy
	l.Client = splitClient(client)
	setPort(l, port)
	return true
}

// portRestored reads any text that says a port works again. No such line has been published, so
// only its words are known.
func portRestored(l *event.L2Sec, s string) bool {
	client, text := looseClient(s)
	if !strings.Contains(text, "unblock") && !strings.Contains(text, "no longer blocked") {
		return false
	}
	l.Kind, l.Violation = event.L2SecPortUnblocked, event.ViolationNone
	l.Client = surely(client)
	scanPort(l, text)
	return true
}

// surely is the client of a text whose grammar is not known, so that where its name ends is a guess.
// Only a form that says so itself is taken apart: it ends with the last adapter (web-01.eth0), or it
// is vmk0, vmnic2 or Management. Anything else stays as written, and is nobody.
func surely(client string) event.Client {
	for end := len(client); end > 0; end = lastIndex(client[:end], " ") {
		if c := splitClient(client[:end]); c.Device != "" || c.Type == event.ClientSystem {
			return c
		}
	}
	return event.Client{Raw: client, Type: event.ClientUnknown}
}

// otherL2Sec keeps what a text of unknown meaning still shows: client, port and address.
func otherL2Sec(l *event.L2Sec, s string) {
	client, text := looseClient(s)
	l.Kind, l.Violation = event.L2SecUnknown, event.ViolationUnknown
	l.Client = surely(client)
	scanPort(l, text)
	for i := 0; i+macLen <= len(text); i++ {
		if (i == 0 || !isAlnum(text[i-1]) && text[i-1] != ':') && isMAC(text[i:]) {
			l.RequestedMAC = text[i : i+macLen]
			return
		}
	}
}

// looseClient splits "client C …" where only the words around C are known; text is what the client
// cannot be part of. Each word is looked for from the right.
func looseClient(s string) (client, text string) {
	who, ok := strings.CutPrefix(s, "client ")
	if !ok {
		return "", s
	}
	end := len(who)
	for _, word := range [...]string{" requested ", " has ", " on port ", " is ", " was ", " no longer ", " unblock", " port "} {
		if i := lastIndex(who, word); i >= 0 && i < end {
			end = i
		}
	}
	if end == len(who) {
		return "", s
	}
	return who[:end], who[end:]
}

// scanPort looks for a port id in unknown text: behind the last "port ", in front of the first
// colon, or the only hexadecimal number there is.
func scanPort(l *event.L2Sec, s string) {
	for rest := s; ; {
		head, tail, ok := cutLast(rest, "port ")
		if !ok {
			break
		}
		if id, _, ok := portID(tail); ok {
			l.HasPort, l.Port = true, id
			return
		}
		rest = head
	}
	first := strings.Index(s, "0x")
	if first < 0 || first > 0 && strings.LastIndex(s, "0x") != first || first > 0 && s[first-1] != ' ' {
		return
	}
	if id, _, ok := portID(s[first:]); ok {
		l.HasPort, l.Port = true, id
	}
}

// setPort gives l its port. The KB prints one with a blank behind the first digit, "0xN nnnnnnn":
// where the rest is hexadecimal, that is one number. Anything else is no port.
func setPort(l *event.L2Sec, s string) {
	id, n, ok := portID(s)
	if !ok {
		return
	}
	if n < len(s) {
		rest := s[n:]
		if rest[0] != ' ' || n != len("0xN") || len(rest) != len(" nnnnnnn") && len(rest) != len(" nnnnnn") {
			return
		}
		for i := 1; i < len(rest); i++ {
			d := hexDigit(rest[i])
			if d > 15 {
				return
			}
			id = id<<4 | uint32(d)
		}
	}
	l.HasPort, l.Port = true, id
}

// cutLast splits s around the last sep.
func cutLast(s, sep string) (before, after string, ok bool) {
	i := lastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

// lastIndex is strings.LastIndex for a sep that stands near the end of s: it has nothing to set up. Both ends of sep are
// looked at before it is compared, since it often begins with a blank.
func lastIndex(s, sep string) int {
	first, last := sep[0], sep[len(sep)-1]
	for end := len(s) - 1; end >= len(sep)-1; end-- {
		if s[end] != last {
			continue
		}
		if i := end + 1 - len(sep); s[i] == first && s[i:end+1] == sep {
			return i
		}
	}
	return -1
}
