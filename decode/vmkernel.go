package decode

import (
	"strings"

	"vswarden/event"
)

// vmkernelLine reads the prefix of a line of the vmkernel off e.Message and gives the rest to the
// decoders of its modules:
//
//	[uptime SP] ["cpu" N ":" world [" opID=" word] ")"] ["<" level ">"] [("WARNING" | "ALERT") ": "] text
//
// Only the part up to the parenthesis leaves the message.
func vmkernelLine(e *event.Event) {
	s := e.Message
	if e.Vmkernel.Uptime == "" {
		s = takeUptime(e, s)
	}
	if rest, ok := takeCPU(&e.Vmkernel, s); ok {
		e.Message = rest
		s = rest
	}
	e.Dataset = event.DatasetVmkernel
	text := takeKernelLevel(e, s)
	if l2secLine(e, text) {
		e.Dataset = event.DatasetL2Sec
		return
	}
	if text == "" {
		return
	}
	switch text[0] {
	case 'N', 'U':
		if netPortLine(e, text) || netLine(e, text) {
			e.Dataset = event.DatasetNetPort
			return
		}
	case 'W':
		if strings.HasPrefix(text, "World: ") {
			operationLine(e, text)
			return
		}
	}
	linkLine(e, text)
}

// takeKernelLevel reads the level that the text itself states and returns what follows it. The
// <6> of Linux drivers is no <PRI>.
func takeKernelLevel(e *event.Event, s string) string {
	if len(s) > 3 && s[0] == '<' && s[2] == '>' && s[1] >= '0' && s[1] <= '7' {
		e.Level = event.SeverityNames[s[1]-'0']
		s = s[3:]
	}
	if len(s) >= len("WARNING: ") && s[:len("WARNING: ")] == "WARNING: " { // HasPrefix calls for more than eight bytes
		e.Level = "warning"
		return s[len("WARNING: "):]
	}
	if rest, ok := strings.CutPrefix(s, "ALERT: "); ok {
		e.Level = "alert"
		return rest
	}
	return s
}

// cpuPrefix reports whether s begins as a line of the vmkernel does: "cpu14:1559738)".
func cpuPrefix(s string) bool {
	var v event.Vmkernel
	_, ok := takeCPU(&v, s)
	return ok
}

// takeCPU takes "cpu14:1559738 opID=936118c3)" off s.
func takeCPU(v *event.Vmkernel, s string) (rest string, ok bool) {
	if len(s) < len("cpu0:1)") || s[:3] != "cpu" {
		return s, false
	}
	cpu, n := number(s[3:])
	if n == 0 || cpu > 1<<31 {
		return s, false
	}
	i := 3 + n
	if i >= len(s) || s[i] != ':' {
		return s, false
	}
	world, n := number(s[i+1:])
	i += 1 + n
	if n == 0 || i >= len(s) {
		return s, false
	}
	op := ""
	if opID, ok := strings.CutPrefix(s[i:], " opID="); ok {
		end := strings.IndexByte(opID[:min(len(opID), 128)], ')')
		if end < 0 {
			return s, false
		}
		op = opID[:end]
		i += len(" opID=") + end
	}
	if s[i] != ')' {
		return s, false
	}
	v.Present, v.HasCPU, v.CPU, v.World, v.OpID = true, true, uint32(cpu), world, op
	return s[i+1:], true
}

// takeUptime takes "7:21:06:14.107 " off s, which ESX 3 and 4 put before the CPU. The seconds of a
// boot line ("9127.5:D:Disable PCIe VDM on PF0") are read and stay: no parenthesis ends them.
func takeUptime(e *event.Event, s string) string {
	if s == "" || !isDigit(s[0]) {
		return s
	}
	if n := uptimeLen(s); n > 0 && n < len(s) && s[n] == ' ' {
		e.Vmkernel.Present, e.Vmkernel.Uptime = true, s[:n]
		e.Message = s[n+1:]
		return s[n+1:]
	}
	_, n := number(s)
	if n > 0 && n+1 < len(s) && s[n] == '.' {
		if _, m := number(s[n+1:]); m > 0 && strings.HasPrefix(s[n+1+m:], ":") {
			e.Vmkernel.Present, e.Vmkernel.Uptime = true, s[:n+1+m]
		}
	}
	return s
}

// uptimeLen is the length of days:hh:mm:ss.mmm at the beginning of s; 0 if it is not there.
func uptimeLen(s string) int {
	_, n := number(s)
	if n == 0 || n > 6 || len(s) < n+len(":21:06:14.107") {
		return 0
	}
	t := s[n:]
	if t[0] != ':' || t[3] != ':' || t[6] != ':' || t[9] != '.' {
		return 0
	}
	if two(t, 1) > 23 || two(t, 4) > 59 || two(t, 7) > 60 {
		return 0
	}
	for i := 10; i < 13; i++ {
		if !isDigit(t[i]) {
			return 0
		}
	}
	return n + len(":21:06:14.107")
}

// uptimeLine reports whether s is "7:21:06:14.107 cpu10:202157)…": no date at all. It takes the
// uptime off the message.
func uptimeLine(e *event.Event, s string) bool {
	n := uptimeLen(s)
	if n == 0 || n >= len(s) || s[n] != ' ' || !cpuPrefix(s[n+1:]) {
		return false
	}
	e.Vmkernel.Present, e.Vmkernel.Uptime = true, s[:n]
	e.Message = s[n+1:]
	return true
}
