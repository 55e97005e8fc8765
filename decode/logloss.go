package decode

import (
	"strings"

	"vswarden/event"
)

// lossLine reads a message that is about messages which did not come:
//
//	last message repeated 5 times
//	Dropping messages due to log stress (qsize = 25000)
//	… vmsyslog logger 10.100.10.30:514 lost 156959 log messages
//
// Such a line belongs to the dataset of log loss, whoever writes it.
func lossLine(e *event.Event, s string) bool {
	rest := strings.TrimPrefix(s, "--- ")
	count, ok := strings.CutPrefix(rest, "last message repeated ")
	if !ok { // rsyslog: "message repeated 2 times: [ text]"
		count, ok = strings.CutPrefix(rest, "message repeated ")
	}
	if ok {
		n, _ := number(count)
		e.Rarely().Loss = event.LogLoss{Kind: event.LossRepeated, Count: n}
		return true
	}
	if strings.HasPrefix(s, "Dropping messages due to log stress") {
		e.Rarely().Loss.Kind = event.LossStress
		e.Act = event.ActLogLost
		if _, size, ok := strings.Cut(s, "qsize = "); ok {
			e.Rarely().Loss.Count, _ = number(size)
		}
		return true
	}
	return lostMessages(e, s)
}

// lostMessages reads "… logger 10.100.10.30:514 lost 156959 log messages".
func lostMessages(e *event.Event, s string) bool {
	s, ok := strings.CutSuffix(strings.TrimSuffix(s, "."), " log messages")
	if !ok {
		return false
	}
	head, count, ok := cutLast(s, " lost ")
	n, digits := number(count)
	if !ok || digits == 0 || digits != len(count) {
		return false
	}
	e.Rarely().Loss = event.LogLoss{Kind: event.LossLost, Count: n}
	e.Act = event.ActLogLost
	if _, target, ok := cutLast(head, "logger "); ok && strings.IndexByte(target, ' ') < 0 {
		e.Rarely().Loss.Target = target
	}
	return true
}

// lossOfVOB reads vmsyslogd's own observation: the log host named is lost, so this line came by
// another way.
func lossOfVOB(e *event.Event) bool {
	if !strings.HasSuffix(e.VOB.ID, "vmsyslogd.remote.failure") {
		return false
	}
	e.Rarely().Loss = event.LogLoss{Kind: event.LossRemote, Target: e.VOB.Target}
	e.Act = event.ActLogLost
	return true
}

// lossOfText notes that ESXi 8 and later shortened this message before it sent it: msgModified and
// originalLen in the structured data, which its RFC 3164 puts in front of the text.
func lossOfText(e *event.Event) {
	sd := e.Syslog.StructuredData
	if sd == "" {
		const longest = 512
		end := 0
		if strings.HasPrefix(e.Message, "[") {
			end = balancedEnd(e.Message[:min(len(e.Message), longest)])
		}
		sd = e.Message[:end]
	}
	_, length, ok := strings.Cut(sd, "originalLen=")
	if !ok && !strings.Contains(sd, "msgModified=") {
		return
	}
	n, _ := number(strings.TrimPrefix(length, `"`))
	e.Rarely().Loss = event.LogLoss{Kind: event.LossModified, Count: n}
}

// wordInBrackets reports "[root]: …", in which no structured data is to be looked for.
func wordInBrackets(s string) bool {
	n := span(s[1:], inIdentifier)
	return 1+n < len(s) && s[1+n] == ']'
}
