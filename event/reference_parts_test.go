package event

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// meaningRow is a row of meanings.txt with the action's row looked up.
type meaningRow struct{ of, key, action, category, kind, outcome, severity, technique string }

// meaningRows reads meanings.txt the plain way.
func meaningRows() (rows []meaningRow) {
	file, err := os.ReadFile("meanings.txt")
	if err != nil {
		panic(err)
	}
	for line := range strings.Lines(string(file)) {
		w := strings.Fields(line)
		if len(w) == 0 || w[0] == "#" {
			continue
		}
		for i := range w {
			w[i] = strings.TrimPrefix(w[i], "-")
		}
		if len(w) == 3 {
			for _, r := range rows {
				if r.of == "act" && r.key == w[2] {
					w = []string{w[0], w[1], r.action, r.category, r.kind, r.outcome, r.severity, r.technique}
				}
			}
		}
		rows = append(rows, meaningRow{w[0], w[1], w[2], w[3], w[4], w[5], w[6], w[7]})
	}
	return rows
}

var allMeanings = meaningRows()

// vobSource is what comes before the part of an observation's id that the table knows.
var vobSource = regexp.MustCompile(`^(?:esx\.[^.]*|[^.]*)(?:\.(?:user\.)?|$)`)

// referenceMeaning finds the row of e by going through all of them.
func referenceMeaning(e *Event) (best meaningRow) {
	of, key := "", ""
	switch {
	case e.L2Sec.Kind != L2SecNone || e.NetPort.Kind != NetPortNone:
		return best
	case e.Act != "":
		of, key = "act", string(e.Act)
	case e.VOB.Present:
		of, key = "vob", vobSource.ReplaceAllString(e.VOB.ID, "")
	case strings.HasPrefix(e.VCEvent.Type, "esx.") || strings.HasPrefix(e.VCEvent.Type, "vob."):
		of, key = "vob", vobSource.ReplaceAllString(e.VCEvent.Type, "")
	case e.VCEvent.Type != "":
		of, key = "vcenter", strings.TrimPrefix(e.VCEvent.Type, "vim.event.")
	case e.Dataset == DatasetBridge:
		of, key = "act", "bridge-port-changed"
	}
	for _, r := range allMeanings {
		if r.of == of && (r.key == key || of == "vob" && strings.HasPrefix(key, r.key+".")) && len(r.key) >= len(best.key) {
			best = r
		}
	}
	return best
}

func referenceParts(root object, e *Event, d Detail) {
	if e.L2Sec.Kind == L2SecNone && e.NetPort.Kind == NetPortNone {
		referenceActed(root, e, d)
	}
	referenceWho(root, e, d)
	referenceCommand(root, e)
	referenceAccess(root, e)
	referenceVCenter(root, e, d)
	if e.Loss.Kind != "" {
		put(root, "vmware.logloss.kind", string(e.Loss.Kind))
		put(root, "vmware.logloss.target", text(e.Loss.Target))
		if e.Loss.Count > 0 {
			put(root, "vmware.logloss.count", number(e.Loss.Count))
		}
	}
	referenceLinux(root, &e.Linux)
	referenceGroup(root, e)
	if e.Secrets.Count > 0 {
		put(root, "vmware.redacted", true)
	}
	if d >= DetailStandard {
		referenceHostd(root, &e.Hostd)
		referenceVOB(root, &e.VOB)
	}
}

func referenceGroup(root object, e *Event) {
	if a := e.Alert; a.Rule != "" {
		const micro = "2006-01-02T15:04:05.000000Z"
		put(root, "event.start", time.Unix(0, a.Start).UTC().Format(micro))
		put(root, "event.end", time.Unix(0, a.End).UTC().Format(micro))
		put(root, "vmware.alert.rule", a.Rule)
		put(root, "vmware.alert.count", number(a.Count))
		put(root, "vmware.alert.first", a.First.String())
		put(root, "vmware.alert.sort", a.Sort)
		put(root, "vmware.alert.sender", a.Sender)
		put(root, "vmware.alert.usual_pause_ms", number(a.Usual/1e6))
	}
	if e.SameAs != (ID{}) {
		put(root, "vmware.same_as", e.SameAs.String())
	}
	if e.Merged.Lines > 0 {
		put(root, "vmware.group.lines", number(uint64(e.Merged.Lines)))
	}
	if e.Merged.Continues != (ID{}) {
		put(root, "vmware.group.continues", e.Merged.Continues.String())
	}
}

func referenceActed(root object, e *Event, d Detail) {
	row := referenceMeaning(e)
	if d == DetailCompact && row.of == "vob" && e.VOB.Present {
		row = meaningRow{}
	}
	if row.category != "" {
		put(root, "event.category", list(strings.Split(row.category, ",")...))
		put(root, "event.type", list(strings.Split(row.kind, ",")...))
	}
	put(root, "event.action", row.action)
	severity, outcome := row.severity, row.outcome
	for _, c := range e.VCEvent.Changes {
		if e.Act == "vswitch-policy-changed" && c.New == "true" && c.Old != "true" {
			severity = "73"
		}
	}
	if e.Act == "vswitch-policy-changed" && e.Command.Weakens {
		severity = "73"
	}
	if (e.Act == "promiscuous-mode-entered" || e.Act == "promiscuous-mode-found" || e.Act == "promiscuity-raised") && e.Linux.Reason != "" {
		severity = map[LinuxReason]string{"bridge_membership": "21", "bridge_itself": "73"}[e.Linux.Reason]
		if severity == "" {
			severity = "47"
		}
	}
	switch {
	case row.key == "http-request" && e.Access.Status == 0:
		outcome = "unknown"
	case row.key == "http-request" && e.Access.Status < 400:
		outcome = "success"
	case row.key == "http-request":
		outcome = "failure"
	case e.VOB.Result != "" && row.key != "":
		outcome = string(e.VOB.Result)
	case e.Hostd.Result != "" && row.key != "":
		outcome = string(e.Hostd.Result)
	case e.Command.Line != "":
		outcome = ""
	}
	if result := e.Command.Result; result != "" && row.key != "" {
		outcome = "unknown"
		if result == "success" || result == "failure" {
			outcome = result
		}
	}
	if severity != "" {
		put(root, "event.severity", json.Number(severity))
	}
	put(root, "event.outcome", outcome)
	put(root, "event.code", text(e.VCEvent.Type))
	put(root, "event.code", text(e.VOB.ID))
	if n, err := strconv.ParseUint(e.Hostd.EventID, 10, 63); err == nil && len(e.Hostd.EventID) <= 15 && d >= DetailStandard {
		put(root, "event.sequence", number(n))
	}
	if d == DetailFull && row.technique != "" && e.Linux.Reason != "bridge_membership" {
		referenceAnalysis(root, row.technique)
	}
}

func referenceWho(root object, e *Event, d Detail) {
	put(root, "user.id", text(e.Linux.UID))
	put(root, "user.name", text(e.User.Name))
	put(root, "user.domain", text(e.User.Domain))
	if e.Target.Name != "" {
		put(root, "user.target.name", text(e.Target.Name))
		put(root, "user.target.domain", text(e.Target.Domain))
	}
	put(root, "group.name", text(e.Group))
	var ips []string
	for name, p := range map[string]Endpoint{"source": e.Source, "destination": e.Destination} {
		if p.Address == "" {
			continue
		}
		unzoned, _, _ := strings.Cut(p.Address, "%")
		ip, err := netip.ParseAddr(unzoned)
		if err == nil {
			put(root, name+".ip", ip.Unmap().String())
		} else {
			put(root, name+".address", text(p.Address))
		}
		if d >= DetailStandard {
			put(root, name+".address", text(p.Address))
		}
		if p.Port > 0 {
			put(root, name+".port", number(p.Port))
		}
	}
	for _, name := range []string{"source", "destination"} {
		end, _ := root[name].(object)
		if ip, ok := end["ip"].(string); ok && (len(ips) == 0 || ips[0] != ip) {
			ips = append(ips, ip)
		}
	}
	if d >= DetailStandard {
		put(root, "user.effective.name", text(e.User.Delegate))
	}
	if d == DetailFull {
		put(root, "related.ip", list(ips...))
		var users []any
		for i, name := range []string{e.User.Name, e.User.Delegate, e.Target.Name} {
			if name != "" && !slices.Contains([]string{e.User.Name, e.User.Delegate}[:min(i, 2)], name) {
				users = append(users, text(name))
			}
		}
		put(root, "related.user", users)
	}
	l := &e.Login
	if l.SSH {
		put(root, "network.protocol", "ssh")
	}
	put(root, "user_agent.original", text(l.Agent))
	put(root, "vmware.login.method", text(l.Method))
	put(root, "vmware.login.terminal", text(l.Terminal))
	if l.Failures > 0 {
		put(root, "vmware.login.failures", number(l.Failures))
	}
	if l.LockSecs > 0 {
		put(root, "vmware.login.lock_seconds", number(l.LockSecs))
	}
	if l.Invalid {
		put(root, "vmware.login.invalid_user", true)
	}
}

func referenceAccess(root object, e *Event) {
	a := &e.Access
	if a.Method == "" {
		return
	}
	put(root, "http.request.method", text(a.Method))
	if a.Status != 0 {
		put(root, "http.response.status_code", number(a.Status))
	}
	put(root, "http.version", text(a.Version))
	put(root, "url.path", text(referenceMask(e, a.Path)))
	put(root, "url.query", text(referenceMask(e, a.Query)))
}

func referenceCommand(root object, e *Event) {
	c := &e.Command
	put(root, "process.name", text(c.Name))
	line := referenceMask(e, c.Line)
	if e.Dataset == "vmware.esxi.audit" {
		line = sdEscape.ReplaceAllString(line, "$1")
	}
	put(root, "process.command_line", text(line))
	if n, err := strconv.ParseUint(c.Status, 10, 63); err == nil && len(c.Status) <= 15 {
		put(root, "process.exit_code", number(n))
	}
	put(root, "vmware.command.network", string(c.Network))
	put(root, "vmware.command.switch", text(c.Switch))
	put(root, "vmware.command.portgroup", text(c.Portgroup))
	if c.Weakens {
		put(root, "vmware.command.weakens", true)
	}
}

func referenceHostd(root object, h *Hostd) {
	put(root, "vmware.op_id", text(h.OpID))
	put(root, "vmware.session_id", text(h.SessionID))
	put(root, "vmware.task.id", text(h.Task))
	put(root, "vmware.task.method", text(h.Method))
	if h.Thread == "" {
		return
	}
	if n, err := strconv.ParseUint(h.Thread, 10, 63); err == nil && len(h.Thread) <= 15 {
		put(root, "process.thread.id", number(n))
	} else if n, err := strconv.ParseUint(h.Thread, 16, 63); err == nil && len(h.Thread) >= 8 && len(h.Thread) <= 15 {
		put(root, "process.thread.id", number(n))
	} else {
		put(root, "process.thread.name", text(h.Thread))
	}
}

func referenceVOB(root object, v *VOB) {
	if !v.Present {
		return
	}
	for name, value := range map[string]string{
		"correlator": v.Correlator, "switch": v.Switch, "nic": v.NIC, "dvport": v.DVPort,
		"rule_set": v.RuleSet, "operation": v.Operation, "target": v.Target,
	} {
		put(root, "vmware.vob."+name, text(value))
	}
	if v.UptimeUS > 0 {
		put(root, "vmware.vob.uptime_us", number(v.UptimeUS))
	}
	names := []string{v.Portgroups}
	if strings.HasPrefix(v.Portgroups, `"`) {
		names = strings.Split(strings.TrimSuffix(v.Portgroups[1:], `"`), `", "`)
	}
	var groups []any
	for _, name := range names {
		if name != "" {
			groups = append(groups, text(name))
		}
	}
	put(root, "vmware.vob.portgroups", groups)
}

func referenceVCenter(root object, e *Event, d Detail) {
	v := &e.VCEvent
	if !v.Present {
		return
	}
	put(root, "vmware.event.id", number(v.ID))
	put(root, "vmware.event.target", text(v.Target))
	if v.ChainID > 0 {
		put(root, "vmware.event.chain_id", number(v.ChainID))
	}
	if v.Parts > 1 {
		put(root, "vmware.event.part", number(v.Part))
		put(root, "vmware.event.parts", number(v.Parts))
	}
	if d >= DetailStandard {
		put(root, "vmware.event.created_time", text(v.Time))
	}
	for name, value := range map[string]string{"switch": v.Switch, "portgroup": v.Portgroup, "dvport": v.DVPort, "vm": v.VM} {
		put(root, "vmware.event."+name, text(value))
	}
	if v.NewMAC != "" {
		put(root, "vmware.event.mac.old", text(v.OldMAC))
		put(root, "vmware.event.mac.new", text(v.NewMAC))
	}
	seen := map[string]bool{}
	for _, c := range v.Changes {
		name := map[string]string{"allowPromiscuous": "allow_promiscuous", "macChanges": "mac_changes", "forgedTransmits": "forged_transmits"}[c.Setting]
		if name != "" && !seen[name] {
			put(root, "vmware.policy_change."+name+".old", text(c.Old))
			put(root, "vmware.policy_change."+name+".new", text(c.New))
		}
		seen[name] = true
		if c.New == "true" && c.Old != "true" {
			put(root, "vmware.policy_change.weakens", true)
		}
	}
}

func referenceLinux(root object, l *Linux) {
	if l.Device == "" {
		return
	}
	auid := l.AUID
	if auid == "4294967295" {
		auid = ""
	}
	for name, value := range map[string]string{
		"device": l.Device, "driver": l.Driver, "bus": l.Bus, "bridge": l.Bridge, "state": l.State, "auid": auid,
	} {
		put(root, "vmware.linux."+name, text(value))
	}
	put(root, "vmware.linux.device_kind", string(l.Kind))
	put(root, "vmware.linux.reason", string(l.Reason))
	if l.Port != 0 {
		put(root, "vmware.linux.port", number(l.Port))
	}
	w := &l.Watch
	put(root, "vmware.linux.master", text(w.Master))
	put(root, "vmware.linux.master_was", text(w.MasterWas))
	put(root, "vmware.linux.device_was", text(w.NameWas))
	for bit, value := range map[int]uint32{4: w.Promiscuity, 5: w.PromiscuityWas, 6: w.Ageing, 7: w.AgeingWas} {
		if w.Known>>bit&1 == 1 {
			put(root, "vmware.linux."+[]string{"promiscuity", "promiscuity_was", "ageing_ms", "ageing_was_ms"}[bit-4], number(value))
		}
	}
	for bit, name := range []string{"unicast_flood", "learning", "isolated", "promiscuous_flag"} {
		if w.Known>>bit&1 == 1 {
			put(root, "vmware.linux."+name, w.On>>bit&1 == 1)
		}
		if w.WasKnown>>bit&1 == 1 && bit < 3 {
			put(root, "vmware.linux."+name+"_was", w.Was>>bit&1 == 1)
		}
	}
}

// referenceMask puts *** for each secret in s, which stands once in e.Raw.
func referenceMask(e *Event, s string) string {
	if e.Secrets.Count == 0 || s == "" {
		return s
	}
	if strings.Count(e.Raw, s) != 1 {
		panic(fmt.Sprintf("%q does not stand once in %q", s, e.Raw))
	}
	at := strings.Index(e.Raw, s)
	var b strings.Builder
	for i := at; i < at+len(s); i++ {
		inside := false
		for _, span := range e.Secrets.Spans[:e.Secrets.Count] {
			inside = inside || i >= int(span.Start) && i < int(span.End)
			if i == max(at, int(span.Start)) && i < int(span.End) {
				b.WriteString("***")
			}
		}
		if !inside {
			b.WriteByte(e.Raw[i])
		}
	}
	return b.String()
}
