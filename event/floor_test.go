package event

import (
	"strconv"
	"strings"
	"testing"
)

// The floor: what a line costs when only its header is read and six fields are written, by hand and
// with nothing kept, checked or known. It is the yardstick for decode and AppendJSON, since a
// multiple of it holds on any machine.

// floorLine is a hostd line as the corpus generators write it.
const floorLine = `<166>2026-11-20T10:00:00.000Z esx-001.lab.example Hostd: info hostd[2099655] [Originator@6876 sub=Vimsvc.TaskManager opID=q1000000000-3e1b user=vpxuser:LAB\svc_vc] Task Completed : haTask-ha-host-vim.host.NetworkSystem.updatePortGroup-155043017 Status success`

type floorEvent struct {
	priority                  int
	stamp, host, app, message string
}

// parseFloor reads "<166>stamp host app: message".
func parseFloor(line string) (e floorEvent, ok bool) {
	if !strings.HasPrefix(line, "<") {
		return e, false
	}
	i := 1
	for ; i < len(line) && line[i] >= '0' && line[i] <= '9'; i++ {
		e.priority = e.priority*10 + int(line[i]-'0')
	}
	if i == len(line) || line[i] != '>' {
		return e, false
	}
	var a, b, c bool
	e.stamp, line, a = strings.Cut(line[i+1:], " ")
	e.host, line, b = strings.Cut(line, " ")
	e.app, line, c = strings.Cut(line, ":")
	e.message = strings.TrimPrefix(line, " ")
	return e, a && b && c
}

func appendFloorJSON(dst []byte, e *floorEvent) []byte {
	dst = append(dst, `{"timestamp":"`...)
	dst = appendFloorText(dst, e.stamp)
	dst = append(dst, `","host":"`...)
	dst = appendFloorText(dst, e.host)
	dst = append(dst, `","app":"`...)
	dst = appendFloorText(dst, e.app)
	dst = append(dst, `","severity":"`...)
	dst = append(dst, SeverityNames[e.priority&7]...)
	dst = append(dst, `","priority":`...)
	dst = strconv.AppendInt(dst, int64(e.priority), 10)
	dst = append(dst, `,"message":"`...)
	dst = appendFloorText(dst, e.message)
	return append(dst, '"', '}')
}

// appendFloorText escapes byte by byte, as one writes it first.
func appendFloorText(dst []byte, s string) []byte {
	start := 0
	for i := range len(s) {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		dst = append(dst, s[start:i]...)
		if c >= ' ' {
			dst = append(dst, '\\', c)
		} else {
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
		start = i + 1
	}
	return append(dst, s[start:]...)
}

func BenchmarkFloorParse(b *testing.B) {
	dst := make([]byte, 0, 1024)
	b.SetBytes(int64(len(floorLine)))
	b.ReportAllocs()
	for b.Loop() {
		e, ok := parseFloor(floorLine)
		if !ok {
			b.Fatal("not parsed")
		}
		dst = appendFloorJSON(dst[:0], &e)
	}
}
