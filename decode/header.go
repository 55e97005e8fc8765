package decode

import (
	"strings"

	"vswarden/event"
)

// head is what a program's decoder has to know about the header in front of its message.
type head struct {
	format event.Format // of the innermost header
	esxi   bool         // stamped as ESXi stamps: ISO 8601, UTC with Z
	// untagged: version and stamp of RFC 5424 are there, but neither its fields nor a tag follow.
	untagged bool
}

// maxHops bounds how many headers are taken off one line: the sender's, and those of relays that
// each put one in front.
const maxHops = 4

// header takes the syslog header, or the headers, off e.Raw and leaves the rest in e.Message. The
// innermost header wins: it is the sender's own.
func header(e *event.Event, o *Options) head {
	s := e.Raw
	if s != "" && s[0] != '<' {
		s = trimCount(trimBOM(s))
	}
	if usualLine(e, s) {
		if !headerAfterTag(e.Message) {
			e.Format = event.FormatRFC3164ISO
			return head{format: event.FormatRFC3164ISO, esxi: true}
		}
	}
	e.Syslog.Priority = -1
	e.TimeSource = event.TimeReceived
	e.Message = s
	outer := ""
	for hop := 1; ; hop++ {
		h, wrapped := oneHeader(e, o)
		if !wrapped || hop == maxHops {
			e.Format = h.format
			if hop > 1 {
				e.Format = event.FormatRelay
				unwrap(e, outer)
			}
			lostStamp(e, o)
			return h
		}
		if outer == "" {
			outer = e.Syslog.Hostname
		}
		e.Syslog = event.Syslog{Priority: e.Syslog.Priority, Hostname: e.Syslog.Hostname}
	}
}

// lostStamp finds the stamp that a broken header has pushed into the text:
// "<164>NoneZ esx Hostd: 2015-06-21T00:02:08.553Z warning hostd[…".
func lostStamp(e *event.Event, o *Options) {
	if e.Tags&event.TagBadTimestamp != 0 && e.TimeSource != event.TimeHeader {
		takeISO(e, o, e.Message)
	}
}

// unwrap records the outermost of several headers as a relay's.
func unwrap(e *event.Event, outer string) {
	if e.Receiver.Relay == "" {
		e.Receiver.Relay = outer
	}
}

// oneHeader takes one header off e.Message. It reports whether what follows is a header again.
func oneHeader(e *event.Event, o *Options) (h head, wrapped bool) {
	s, pri := takePriority(e, e.Message)
	if s != "" && (s[0] == ' ' || s[0] == '\t' || s[0] == '<' && pri) && beginsHeader(trimSpaces(s)) {
		s = trimSpaces(s)
		if s[0] == '<' { // a <PRI> twice
			e.Message = s
			return oneHeader(e, o)
		}
	}
	e.Message = s
	if s == "" {
		return bare(e, o, s)
	}
	switch c := s[0]; {
	case isDigit(c):
		if rest, version := takeVersion(s); version != 0 {
			return versioned(e, o, rest, version, pri)
		}
		if rest, ok := takeISO(e, o, s); ok {
			return isoHeader(e, rest, isoStyle{pri: pri, zulu: s[len(s)-len(rest)-1] == 'Z'})
		}
		if h, ok := dateOnlyFile(e, o, s); ok {
			return h, false
		}
	case c >= 'A' && c <= 'S':
		if rest, ok := takeBSD(e, o, s); ok {
			return bsdHeader(e, rest, pri)
		}
	case c == '[':
		if h, ok := bracketFile(e, o, s); ok {
			return h, false
		}
	}
	if rest, ok := takeLocal(e, o, s); ok {
		return bsdHeader(e, rest, pri)
	}
	if rest, ok := takeBrokenStamp(e, s, pri); ok {
		return isoHeader(e, rest, isoStyle{pri: pri, zulu: true})
	}
	return bare(e, o, s)
}

// bare is a line without a stamp at its beginning: an uptime, a grep's file name in front of a
// header, a program without a header, or nothing we know.
func bare(e *event.Event, o *Options, s string) (head, bool) {
	if uptimeLine(e, s) {
		return head{format: event.FormatUptime, esxi: true}, false
	}
	if rest, ok := afterFileName(s); ok {
		e.Message = rest
		return oneHeader(e, o)
	}
	if bareProgram(e, s) {
		return head{format: event.FormatUptime, esxi: true}, false
	}
	mark(e, event.TagNoHeader, reasonNoHeader)
	return head{format: event.FormatRaw}, false
}

// bareProgram reads the program of a line that has nothing else left of its header, where the name is
// one that no text begins with: "Hostd: …", "sshd[2102293]: …", "info hostd[526501] [Originator@…",
// "In(166) Hostd[2098867]: …". It reports whether an uptime follows, as ESX 3 and 4 have it.
func bareProgram(e *event.Event, s string) bool {
	s = trimSpaces(s)
	if app, pid, rest, ok := takeTag(s); ok && (isESXProgram(app) || pid != "" && isBareProgram(app)) {
		e.Syslog.AppName, e.Syslog.ProcID, e.Message = app, pid, rest
		return uptimeLine(e, rest)
	}
	if leveledProgram(e, s) {
		if programOf(e.Syslog.AppName) == programUnknown && !vmwareSD(s[:min(len(s), 96)]) {
			e.Syslog.AppName, e.Syslog.ProcID, e.Level = "", "", ""
		}
		return false
	}
	if level, pri, rest, ok := takeCode(s); ok {
		esxi8Line(e, level, pri, rest)
		e.Format = ""
	}
	return false
}

// isBareProgram reports a program that is known by its name and process alone.
func isBareProgram(app string) bool {
	switch programOf(baseName(app)) {
	case programShell, programLogin, programAuthd, programCron, programSystem, programVCenter:
		return true
	}
	return false
}

// takePriority takes <PRI> off s. A number above 191, or a short word in its place, is tagged and
// taken off too. It reports whether there was one, good or bad.
func takePriority(e *event.Event, s string) (rest string, ok bool) {
	if len(s) < 3 || s[0] != '<' {
		return halfPriority(e, s)
	}
	value, i := 0, 1
	for ; i < len(s) && i <= 9 && isDigit(s[i]); i++ {
		value = value*10 + int(s[i]-'0')
	}
	if i == len(s) {
		return s, false
	}
	if s[i] == ' ' && i > 1 && beginsStamp(s[i+1:]) { // <166 2026-…
		mark(e, event.TagBadPriority, reasonPriority)
		return s[i+1:], true
	}
	if s[i] == '>' && i > 1 {
		if i > 4 || value > 191 {
			mark(e, event.TagBadPriority, reasonPriority)
			return s[i+1:], true
		}
		e.Syslog.Priority = int16(value)
		return s[i+1:], true
	}
	if i = wordPriority(s); i > 0 {
		mark(e, event.TagBadPriority, reasonPriority)
		return s[i:], true
	}
	return s, false
}

// halfPriority takes "166>" off s, a priority that has lost its first byte, where a stamp follows.
func halfPriority(e *event.Event, s string) (rest string, ok bool) {
	for i := 1; i < min(len(s), 4) && isDigit(s[i-1]); i++ {
		if s[i] == '>' && beginsStamp(s[i+1:]) {
			mark(e, event.TagBadPriority, reasonPriority)
			return s[i+1:], true
		}
	}
	return s, false
}

// wordPriority returns the length of something like <PRI> or <-1> that a header follows directly:
// a letter or a digit. "<unk>: " and "<NMLX_INF> " are text.
func wordPriority(s string) int {
	end := strings.IndexByte(s[:min(len(s), 10)], '>')
	if end < 2 || end+1 == len(s) || !isAlnum(s[end+1]) {
		return 0
	}
	for i := 1; i < end; i++ {
		if !isAlnum(s[i]) && s[i] != '-' && s[i] != '+' {
			return 0
		}
	}
	return end + 1
}

// takeVersion takes "1 " off s where a stamp or a nil stamp follows (RFC 5424, 6.2.2).
func takeVersion(s string) (rest string, version uint8) {
	if len(s) < 4 || s[0] == '0' {
		return s, 0
	}
	i, v := 0, 0
	for ; i < 3 && isDigit(s[i]); i++ {
		v = v*10 + int(s[i]-'0')
	}
	if s[i] != ' ' || v > 255 {
		return s, 0
	}
	rest = s[i+1:]
	if isoForm(rest) || strings.HasPrefix(rest, "- ") {
		return rest, uint8(v)
	}
	return s, 0
}

// takeISO takes an ISO stamp off s and gives its time to e. What follows it must be a blank, the
// colon that ESXi glues to it in files, or the end.
func takeISO(e *event.Event, o *Options, s string) (rest string, ok bool) {
	t, n := isoStamp(s)
	if n == 0 || !stampEnds(s, n) {
		return s, false
	}
	if t.local {
		t.nanos = inZone(t.nanos, o.Location)
	}
	setTime(e, t, s[:n])
	return s[n:], true
}

// stampEnds reports whether an ISO stamp of n bytes stands alone at the beginning of s.
func stampEnds(s string, n int) bool {
	return n == len(s) || s[n] == ' ' || s[n] == ':' || s[n] == '\t'
}

// takeBSD takes a BSD stamp off s. A host glued to it is accepted (17:31:20ESX01).
func takeBSD(e *event.Event, o *Options, s string) (rest string, ok bool) {
	c, n := bsdStamp(s)
	if n == 0 || n < len(s) && s[n] != ' ' && s[n] != ':' && !isAlnum(s[n]) {
		return s, false
	}
	setTime(e, c.resolve(e, o), "")
	return s[n:], true
}

// takeLocal takes a stamp of another place or language off s.
func takeLocal(e *event.Event, o *Options, s string) (rest string, ok bool) {
	c, n := localStamp(s)
	if n == 0 || n < len(s) && s[n] != ' ' && s[n] != ':' {
		return s, false
	}
	setTime(e, c.resolve(e, o), "")
	return s[n:], true
}

// setTime gives e the time t, written as text. A later header replaces the time of an earlier one.
func setTime(e *event.Event, t stamp, text string) {
	if t.bad {
		mark(e, event.TagBadTimestamp, reasonTimestamp)
		return
	}
	e.Time, e.TimeDigits, e.TimeSource = t.nanos, t.digits, event.TimeHeader
	e.TimeText = ""
	if t.copied {
		e.TimeText = text
	}
}

// takeBrokenStamp takes off a word where the stamp should be: NoneZ, or after a <PRI> any other
// word that ends in Z and is built like a stamp, such as xxxx-xxxx-xxxx-xxxx-xxxZ.
func takeBrokenStamp(e *event.Event, s string, pri bool) (rest string, ok bool) {
	end := strings.IndexByte(s[:min(len(s), 48)], ' ')
	if end < 5 || s[end-1] != 'Z' {
		return s, false
	}
	if s[:end] != "NoneZ" {
		dashes := strings.Count(s[:end], "-") + strings.Count(s[:end], ":")
		if !pri || dashes < 2 {
			return s, false
		}
	}
	mark(e, event.TagBadTimestamp, reasonTimestamp)
	return s[end:], true
}

// beginsHeader reports whether s begins with a header: what a relay leaves behind its own.
func beginsHeader(s string) bool {
	if len(s) < len("Jul 1 14:30:23") {
		return false
	}
	if s[0] == '<' {
		i := strings.IndexByte(s[:6], '>')
		if i < 2 || !isDigit(s[1]) {
			return false
		}
		s = s[i+1:]
		return beginsStamp(s) || strings.HasPrefix(s, "1 - ")
	}
	return beginsStamp(s)
}

// beginsStamp reports whether s begins with a stamp, or a version and a stamp.
func beginsStamp(s string) bool {
	if s == "" {
		return false
	}
	if isDigit(s[0]) {
		if rest, version := takeVersion(s); version != 0 {
			s = rest
		}
		_, n := isoStamp(s)
		return n > 0 && stampEnds(s, n)
	}
	_, n := bsdStamp(s)
	return n > 0
}

// trimBOM takes off the byte order mark with which a file, or the MSG of RFC 5424, may begin.
func trimBOM(s string) string {
	return strings.TrimPrefix(s, "\ufeff")
}

// trimCount takes off an octet count that framing has left in place: "189 <181>…".
func trimCount(s string) string {
	if s == "" || s[0] < '1' || s[0] > '9' {
		return s
	}
	i := 1
	for i < len(s) && i < 8 && isDigit(s[i]) {
		i++
	}
	if i+1 < len(s) && s[i] == ' ' && s[i+1] == '<' {
		return s[i+1:]
	}
	return s
}

// afterFileName cuts the file name that grep puts in front of a line: "vmkernel.9:Mar 10 …",
// "hostd.log:17:2014-…".
func afterFileName(s string) (string, bool) {
	for i := 0; i < len(s) && i < 200 && s[i] != ' '; i++ {
		if s[i] == ':' && beginsStamp(s[i+1:]) {
			return s[i+1:], i > 0
		}
	}
	return s, false
}
