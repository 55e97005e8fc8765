package event

import (
	_ "embed" // for meanings.txt
	"fmt"
	"strconv"
	"strings"
)

// meaning is what one row of meanings.txt says about an event.
type meaning struct {
	action   string // event.action; empty = none
	members  string // members of event: category, type and action
	outcome  string // event.outcome; empty = the row does not say
	severity uint8  // event.severity; 0 = none
	threat   string // the object threat; empty = none
}

//go:embed meanings.txt
var meaningsFile string

// meanings holds meanings.txt by kind of row and key; read-only.
var meanings = mustReadMeanings(meaningsFile)

type meaningTable struct{ acts, vobs, vcenter, l2sec map[string]*meaning }

// mustReadMeanings panics if the file that is part of the program cannot be read: no test passes then.
func mustReadMeanings(file string) meaningTable {
	t, err := readMeanings(file)
	if err != nil {
		panic(err)
	}
	return t
}

// readMeanings reads rows of eight columns, or of three where the last is the action of a row above.
func readMeanings(file string) (t meaningTable, err error) {
	t = meaningTable{acts: map[string]*meaning{}, vobs: map[string]*meaning{}, vcenter: map[string]*meaning{}, l2sec: map[string]*meaning{}}
	n := 0
	for line := range strings.Lines(file) {
		n++
		w := strings.Fields(line)
		if len(w) == 0 || strings.HasPrefix(w[0], "#") {
			continue
		}
		of := map[string]map[string]*meaning{"act": t.acts, "vob": t.vobs, "vcenter": t.vcenter, "l2sec": t.l2sec}[w[0]]
		if of == nil || len(w) < 3 || of[w[1]] != nil {
			return t, fmt.Errorf("read meanings, line %d: unknown kind, no action, or the same key again", n)
		}
		m := t.acts[w[2]]
		if len(w) == 8 {
			if m, err = newMeaning([6]string(w[2:])); err != nil {
				return t, fmt.Errorf("read meanings, line %d: %w", n, err)
			}
		}
		if m == nil {
			return t, fmt.Errorf("read meanings, line %d: no act %s", n, w[2])
		}
		of[w[1]] = m
	}
	return t, nil
}

// newMeaning makes a meaning of action, category, type, outcome, severity and technique.
func newMeaning(column [6]string) (*meaning, error) {
	for i, c := range column {
		if c == "-" {
			column[i] = ""
		}
	}
	m := &meaning{
		action: column[0],
		members: `"category":["` + strings.ReplaceAll(column[1], ",", `","`) + `"],"type":["` +
			strings.ReplaceAll(column[2], ",", `","`) + `"],`,
		outcome: column[3],
		threat:  threats[column[5]],
	}
	if column[0] != "" {
		m.members += `"action":"` + column[0] + `",`
	}
	if column[4] != "" {
		severity, err := strconv.ParseUint(column[4], 10, 8)
		if err != nil {
			return nil, fmt.Errorf("severity: %w", err)
		}
		m.severity = uint8(severity)
	}
	if column[5] != "" && m.threat == "" {
		return nil, fmt.Errorf("technique %s has no name", column[5])
	}
	return m, nil
}

// meaning returns the row of e, or nil if there is none. Lines of L2Sec and NetPort have tables of
// their own. Of an observation that is no act compact has the code alone, which says the same.
func (e *Event) meaning(d Detail) *meaning {
	switch {
	case e.common && e.Act == "" && e.Dataset != DatasetBridge: // most lines
		return nil
	case e.L2Sec.Kind != L2SecNone || e.NetPort.Kind != NetPortNone:
		return nil
	case e.Act != "":
		return meanings.acts[string(e.Act)]
	case e.VOB.Present && d < DetailStandard:
		return nil
	case e.VOB.Present:
		return meanings.vob(e.VOB.ID)
	case strings.HasPrefix(e.VCEvent.Type, "esx."), strings.HasPrefix(e.VCEvent.Type, "vob."):
		return meanings.vob(e.VCEvent.Type)
	case e.VCEvent.Type != "":
		return meanings.vcenter[strings.TrimPrefix(e.VCEvent.Type, "vim.event.")]
	case e.Dataset == DatasetBridge:
		return meanings.acts[actBridgePort]
	}
	return nil
}

// vob returns the longest row that id is or begins with.
func (t *meaningTable) vob(id string) *meaning {
	stem := vobStem(id)
	for stem != "" {
		if m := t.vobs[stem]; m != nil {
			return m
		}
		stem = stem[:max(0, strings.LastIndexByte(stem, '.'))]
	}
	return nil
}

// vobStem cuts off what differs between the reports of one happening: vob.user.ssh.session.opened is
// esx.audit.ssh.session.opened.
func vobStem(id string) string {
	source, stem, _ := strings.Cut(id, ".")
	if source == "esx" {
		_, stem, _ = strings.Cut(stem, ".")
	}
	return strings.TrimPrefix(stem, "user.")
}

// severity is event.severity, 0 for none: what weakens a virtual switch weighs more
// than what changes it, and a device that listens weighs as much as its reason.
func (e *Event) severity(m *meaning) uint8 {
	switch {
	case e.Act == ActSwitchPolicy && e.weakens():
		return severityHigh
	case e.Linux.Reason != "" && (e.Act == ActPromiscuousOn || e.Act == ActPromiscuousFound || e.Act == ActPromiscuityUp):
		return e.Linux.Reason.severity()
	case e.Act == ActPosture && e.Report != nil && e.Report.Posture != nil:
		return e.Report.Posture.severity()
	}
	return m.severity
}

// weakens reports whether a command or a change lets a virtual switch allow what it did not.
func (e *Event) weakens() bool {
	if e.Command.Weakens || e.Report != nil && e.Report.Change != nil && e.Report.Change.weakens() {
		return true
	}
	for _, c := range e.VCEvent.Changes {
		if c.Weakens() {
			return true
		}
	}
	return false
}

// outcome is event.outcome: an audit record, an answer to a request, and an observation that tells how
// it ended know better than the table.
func (e *Event) outcome(m *meaning) string {
	switch e.Command.Result {
	case "":
		switch {
		case e.Act == ActAccess:
			return e.Access.outcome()
		case e.VOB.Result != "":
			return string(e.VOB.Result)
		case e.Hostd.Result != "":
			return string(e.Hostd.Result)
		case e.Command.Line != "":
			return "" // typed; whether it worked is not known
		}
		return m.outcome
	case "success", "failure":
		return e.Command.Result
	}
	return "unknown"
}

// appendMeaning appends the members of event that the tables decide, and what the program calls the
// event: event.code.
func (e *Event) appendMeaning(dst []byte, enc *encoding) []byte {
	if m := enc.meaning; m != nil {
		dst = append(dst, m.members...)
		dst = appendWord(dst, `"outcome":"`, e.outcome(m))
		if s := e.severity(m); s != 0 {
			dst = appendUint(dst, `"severity":`, uint64(s))
		}
	}
	if enc.rare {
		dst = e.appendPartField(dst, `"code":"`, orElse(e.VOB.ID, e.VCEvent.Type))
	}
	if enc.standard {
		if n, ok := decimal(e.Hostd.EventID); ok {
			dst = appendUint(dst, `"sequence":`, n)
		}
	}
	return dst
}
