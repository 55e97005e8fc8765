package linkwatch

import (
	"strconv"
	"time"
)

// Severity is a syslog severity (RFC 5424, 6.2.1).
type Severity uint8

// The severities in use.
const (
	Warning Severity = 4
	Notice  Severity = 5
	Info    Severity = 6
)

// Line is one thing to say. Its text is "DEVICE: WORDS, key=value …"; docs/linkwatch.md has all
// words and keys, and package decode reads them.
type Line struct {
	Time     time.Time
	Severity Severity
	Text     string
}

// Program is the name under which lines are written (APP-NAME of RFC 5424, the tag of others).
const Program = "linkwatch"

// facility is daemon: the kernel's own is not for others to use.
const facility = 3

// AppendPlain appends a line for files and people: "2026-09-15T10:00:00.000000Z kvm1 linkwatch: text".
func (l *Line) AppendPlain(dst []byte, host string) []byte {
	dst = l.appendTime(dst)
	dst = append(dst, ' ')
	dst = append(dst, host...)
	dst = append(dst, ' ')
	dst = append(dst, Program...)
	dst = append(dst, ':', ' ')
	return append(dst, l.Text...)
}

// AppendRFC5424 appends the line as a syslog message, without framing.
func (l *Line) AppendRFC5424(dst []byte, host string, pid int) []byte {
	dst = append(dst, '<')
	dst = strconv.AppendUint(dst, facility<<3|uint64(l.Severity&7), 10)
	dst = append(dst, '>', '1', ' ')
	dst = l.appendTime(dst)
	dst = append(dst, ' ')
	dst = append(dst, host...)
	dst = append(dst, ' ')
	dst = append(dst, Program...)
	dst = append(dst, ' ')
	dst = strconv.AppendInt(dst, int64(pid), 10)
	dst = append(dst, " - - "...)
	return append(dst, l.Text...)
}

func (l *Line) appendTime(dst []byte) []byte {
	return l.Time.UTC().AppendFormat(dst, "2006-01-02T15:04:05.000000Z")
}
