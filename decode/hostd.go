package decode

import (
	"strings"

	"vswarden/event"
)

// hostdLine reads the header that hostd, vpxa and their kin put in front of their text, in any of
// the forms they had:
//
//	info hostd[2099655] [Originator@6876 sub=Libs opID=1 user=root] text   6.0 to 7.0
//	[Originator@6876 sub=Libs opID=1 sid=2 user=vpxuser:<no user>] text    8.0
//	text, and [esx@4413 sub="Libs" opID="1"] in the syslog header          9.0
//	INFO vpxd 20973 [Originator@4413 sub="Libs"] text                      vCenter 9, in files
//	[2C3ECB90 info 'Default' opID=b380000c-8a] text                        5.x
//	[2011-06-03 01:23:12.139 2351BB90 info 'App' opID=1] text              4.x
//	[2008-03-09 22:43:35.924 'ha-eventmgr' 84503472 info] text             3.x
//
// The message keeps all of it. It reports whether the header says no more than what was read.
func hostdLine(e *event.Event) (whole bool) {
	s := e.Message
	if isDigit0(s) {
		if t, n := isoStamp(s); n > 0 && n < len(s) && s[n] == ' ' && !t.bad {
			s = s[n+1:] // NoneZ lines have their stamp here
		}
	}
	e.Hostd.Present = true
	s = leveledThread(e, s)
	switch {
	case s != "" && s[0] == '[':
		if text, ok := usualBracket(e, s); ok {
			s, whole = text, true
			break
		}
		s = hostdBracket(e, s)
	case e.Syslog.StructuredData != "":
		if sd := sdElement(e.Syslog.StructuredData, "esx@"); sd != "" {
			originator(e, sd)
		}
	}
	hostdText(e, s)
	return whole
}

// isDigit0 reports whether s begins with a digit.
func isDigit0(s string) bool { return s != "" && isDigit(s[0]) }

// leveledThread takes "info hostd[2099655] " off s: level, and thread or process.
func leveledThread(e *event.Event, s string) string {
	if s == "" || s[0] == '[' {
		return s
	}
	level, rest := levelBefore(s)
	if level == "" {
		return s
	}
	end := 0
	switch { // of two nearly always
	case strings.HasPrefix(rest, "hostd["):
		end = len("hostd")
	case strings.HasPrefix(rest, "vpxa["):
		end = len("vpxa")
	default:
		end = tagEnd(rest)
	}
	if end == 0 || end == len(rest) {
		return s
	}
	thread, after := "", rest[end:]
	if after[0] == '[' {
		if end = pidEnd(after); end == 0 {
			return s
		}
		thread, after = after[1:end], after[end+1:]
	} else {
		var ok bool
		if thread, after, ok = token(after[1:], 20); !ok || !isDigit(thread[0]) {
			return s
		}
	}
	e.Level, e.Hostd.Thread = level, thread
	return trimSpaces(after)
}

// levelBefore takes the level and the blank behind it off s. Nearly all lines have one of three.
func levelBefore(s string) (level, rest string) {
	switch {
	case strings.HasPrefix(s, "info "):
		return "info", s[len("info "):]
	case strings.HasPrefix(s, "verbose "):
		return "verbose", s[len("verbose "):]
	case strings.HasPrefix(s, "warning "):
		return "warning", s[len("warning "):]
	}
	word, rest, ok := token(s, 8)
	if !ok {
		return "", s
	}
	return levelWord(word), rest
}

// hostdBracket takes the bracket with the fields off s: Originator's since 6.0, or the words before.
func hostdBracket(e *event.Event, s string) string {
	at := strings.IndexByte(s[:min(len(s), 32)], '@')
	if at > 1 && identifierLen(s[1:]) == at-1 {
		return originatorBracket(e, s)
	}
	h, ok := oldBracket(s)
	if !ok {
		return s
	}
	e.Level, e.Hostd.Thread, e.Hostd.OpID = h.level, h.thread, h.opID
	if h.logger != "" {
		e.Logger = h.logger
	}
	return h.text
}

// originatorBracket takes "[Originator@6876 …]" off s, under any name. Brackets inside values are
// balanced, except where the closing one was lost: then the next bracket begins the text.
func originatorBracket(e *event.Event, s string) string {
	end := balancedEnd(s)
	if end == 0 {
		if end = strings.Index(s, " ["); end < 0 {
			return s
		}
	}
	originator(e, s[:end])
	return trimSpaces(s[end:])
}

// balancedEnd is the index behind the bracket that closes the one at s[0]; 0 if none does.
func balancedEnd(s string) int {
	depth, end := 1, 1
	for {
		i := strings.IndexByte(s[end:], ']')
		if i < 0 {
			return 0
		}
		depth += strings.Count(s[end:end+i], "[") - 1
		end += i + 1
		if depth == 0 {
			return end
		}
	}
}

// originator reads the parameters of "[Originator@6876 sub=Proxy Req 81133 opID=1 user=root]". The
// values have quotes or not; without them they may hold blanks and brackets.
func originator(e *event.Event, element string) {
	element = strings.TrimSuffix(element, "]")
	i := strings.IndexByte(element, ' ')
	if i < 0 {
		return
	}
	for s := element[i:]; ; {
		key, value, rest, ok := nextParam(s)
		if !ok {
			return
		}
		switch key {
		case "sub":
			e.Logger = value
		case "opID", "opId":
			e.Hostd.OpID = value
		case "sid":
			e.Hostd.SessionID = value
		case "user":
			e.User = splitUser(value)
		case "threadName", "thread":
			e.Hostd.Thread = value
		}
		s = rest
	}
}

// nextParam takes " key=value" off s. A value without quotes ends before the next " key=".
func nextParam(s string) (key, value, rest string, ok bool) {
	s = trimSpaces(s)
	n := identifierLen(s)
	if n == 0 || n == len(s) || s[n] != '=' {
		return "", "", s, false
	}
	key, s = s[:n], s[n+1:]
	if s != "" && s[0] == '"' {
		if end := looseQuotedEnd(s, 1); end > 0 {
			return key, unquote(s[:end]), s[end:], true
		}
		return key, unquote(s), "", true
	}
	for from := 0; ; {
		i := strings.IndexByte(s[from:], '=')
		if i < 0 {
			return key, s, "", true
		}
		from += i + 1
		k := from - 1
		for k > 0 && classes[s[k-1]]&inIdentifier != 0 {
			k--
		}
		if k > 0 && k < from-1 && s[k-1] == ' ' {
			return key, s[:k-1], s[k-1:], true
		}
	}
}

// unquote takes the quotes off both ends, however many.
func unquote(s string) string { return strings.Trim(s, `"`) }

// oldHead is the header of 3.x to 5.x.
type oldHead struct {
	level, logger, thread, opID string
	text                        string // what follows it
}

// oldBracket takes the header of 3.x to 5.x off s. Its words are told apart by their form: a stamp,
// a level, a thread in digits, a component in quotes, opID=. Without a level it is none.
func oldBracket(s string) (h oldHead, ok bool) {
	end := oldBracketEnd(s)
	if end == 0 {
		return h, false
	}
	head := s[1 : end-1]
	if t, n := isoStamp(head); n > 0 && !t.bad {
		head = head[n:]
	}
	for head = trimSpaces(head); head != ""; head = trimSpaces(head) {
		if head[0] == '\'' {
			i := componentEnd(head, 1)
			if i == 0 {
				return h, false
			}
			h.logger, head = head[1:i], head[i+1:]
			continue
		}
		word, rest, _ := strings.Cut(head, " ")
		head = rest
		switch level := levelWord(word); {
		case h.level == "" && level != "":
			h.level = level
		case strings.HasPrefix(word, "opID="):
			h.opID = word[len("opID="):]
		case h.thread == "" && isHex(word):
			h.thread = word
		}
	}
	h.text = trimSpaces(s[end:])
	return h, h.level != ""
}

// oldBracketEnd is the index behind the bracket that closes an old header: the first one outside
// the quotes of its component, which may hold the path of a VM.
func oldBracketEnd(s string) int {
	closes := true
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\'':
			if s[i-1] == ' ' && closes {
				end := componentEnd(s, i+1)
				if closes = end > 0; closes { // else no later quote closes either
					i = end
				}
			}
		case ']':
			return i + 1
		}
	}
	return 0
}

// componentEnd is the index of the quote that closes a component; a VM's path may hold others.
func componentEnd(s string, i int) int {
	for ; i < len(s); i++ {
		if s[i] == '\'' && (i+1 == len(s) || s[i+1] == ' ' || s[i+1] == ']') {
			return i
		}
	}
	return 0
}

func isHex(s string) bool {
	for i := range len(s) {
		if hexDigit(s[i]) > 15 {
			return false
		}
	}
	return len(s) >= 4 && len(s) <= 16
}

// vmacorePrefix reports text that can only come from hostd or its kin: "[Originator@6876 …" or the
// bracket of 5.x with thread and level.
func vmacorePrefix(s string) bool {
	if strings.HasPrefix(s, "[Originator@") {
		return true
	}
	if s == "" || s[0] != '[' || strings.IndexByte(s, '\'') < 0 {
		return false
	}
	_, ok := oldBracket(s)
	return ok
}

// hostdText reads what hostd says behind its header: numbered events and tasks.
func hostdText(e *event.Event, s string) {
	e.Hostd.Text = s
	if s == "" {
		return
	}
	switch s[0] {
	case 'E':
		if number, text, ok := hostdEvent(s); ok {
			e.Hostd.EventID, e.Hostd.Text = number, text
		}
	case 'T': // Task Created : haTask-…, Task Completed : haTask-… Status success
		if i := strings.IndexByte(s, ':'); i > 0 && strings.HasPrefix(s[i:], ": haTask-") {
			s = s[i+len(": "):]
			e.Hostd.Task, e.Hostd.Method = hostdTask(s)
			networkTask(e, s[len(e.Hostd.Task):])
		}
	case '[': // [TaskInfoChannel::GetTaskInfo] task: haTask-…
		if strings.IndexByte(s, 'T') < 0 { // which is rarer than what haTask begins with
			break
		}
		if i := find(s, "haTask-"); i >= 0 {
			e.Hostd.Task, e.Hostd.Method = hostdTask(s[i:])
		}
	}
	switch {
	case e.Hostd.Task != "", loginText(e, e.Hostd.Text):
	case e.Hostd.EventID != "":
		echoText(e, e.Hostd.Text)
	default:
		tcpPair(e, e.Hostd.Text)
	}
}

// networkTask says of a task that changes the host's virtual switches what it is, and how it ended, which s tells
// behind the task. No event tells of such a change.
func networkTask(e *event.Event, s string) {
	verb, ok := strings.CutPrefix(e.Hostd.Method, "vim.host.NetworkSystem.")
	if !ok || !strings.HasPrefix(verb, "update") && !strings.HasPrefix(verb, "add") && !strings.HasPrefix(verb, "remove") {
		return
	}
	e.Act = event.ActSwitchChanged
	if i := find(s, " Status "); i >= 0 {
		e.Hostd.Result = event.OutcomeFailure
		if firstWord(s[i+len(" Status "):]) == "success" {
			e.Hostd.Result = event.OutcomeSuccess
		}
	}
}

// hostdEvent splits "Event 285 : User root@10.10.10.1 logged in".
func hostdEvent(s string) (number, text string, ok bool) {
	rest, ok := strings.CutPrefix(s, "Event ")
	if !ok {
		return "", "", false
	}
	n := identifierLen(rest)
	if n == 0 || n > 20 || !strings.HasPrefix(rest[n:], " : ") {
		return "", "", false
	}
	return rest[:n], rest[n+len(" : "):], true
}

// hostdTask reads "haTask--vim.host.NetworkSystem.updatePortGroup-134": the task, and the method
// that it runs.
func hostdTask(s string) (task, method string) {
	task = untilBlank(s)
	for task[len(task)-1] < '0' { // a full stop, a comma
		task = task[:len(task)-1]
	}
	end := max(0, strings.LastIndexByte(task, '-'))
	if i := find(task[:end], "vim."); i >= 0 {
		method = task[i:end]
	}
	return task, method
}

// levelWord is the level that a word of hostd's names; "" if it names none. Unlike syslog, hostd
// has verbose below info and trivia below that.
func levelWord(word string) string {
	switch word {
	case "info", "INFO":
		return "info"
	case "verbose", "VERBOSE":
		return "verbose"
	case "warning", "WARNING", "warn", "WARN":
		return "warning"
	case "error", "ERROR":
		return "error"
	case "trivia", "TRIVIA":
		return "trivia"
	case "debug", "DEBUG":
		return "debug"
	case "panic", "PANIC":
		return "panic"
	case "fatal", "FATAL":
		return "fatal"
	}
	return ""
}
