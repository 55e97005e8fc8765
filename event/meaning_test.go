package event

import (
	"go/ast"
	"go/parser"
	"go/token"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestMeaningsFollowECS holds every row, also those no sample uses, against the words ECS allows and
// against the reader that the samples are compared with.
func TestMeaningsFollowECS(t *testing.T) {
	word := regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
	tables := map[string]map[string]*meaning{"act": meanings.acts, "vob": meanings.vobs, "vcenter": meanings.vcenter, "l2sec": meanings.l2sec}
	n := 0
	for _, r := range allMeanings {
		event := object{"kind": "event", "category": list(strings.Split(r.category, ",")...), "type": list(strings.Split(r.kind, ",")...)}
		if r.outcome != "" {
			event["outcome"] = r.outcome
		}
		if err := checkECSWords(event); err != nil {
			t.Errorf("%s %s: %v", r.of, r.key, err)
		}
		if !slices.Contains([]string{"", "21", "47", "73", "99"}, r.severity) || r.action != "" && !word.MatchString(r.action) {
			t.Errorf("%s %s: severity %q, action %q", r.of, r.key, r.severity, r.action)
		}
		if r.of == "act" && r.key != r.action {
			t.Errorf("act %s is called %s", r.key, r.action)
		}
		m := tables[r.of][r.key]
		if m == nil || m.outcome != r.outcome || r.severity != "" && strconv.Itoa(int(m.severity)) != r.severity || (r.technique == "") != (m.threat == "") {
			t.Errorf("%s %s was read as %+v", r.of, r.key, m)
		}
		n++
	}
	if all := len(meanings.acts) + len(meanings.vobs) + len(meanings.vcenter) + len(meanings.l2sec); all != n || n < 100 {
		t.Errorf("%d rows, %d were read", n, all)
	}
}

// TestEveryActHasAMeaning: the constants of act.go and the rows of meanings.txt are the same.
func TestEveryActHasAMeaning(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "act.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{actBridgePort: true}
	ast.Inspect(file, func(n ast.Node) bool {
		v, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if typ, ok := v.Type.(*ast.Ident); !ok || typ.Name != "Act" {
			return true
		}
		act, err := strconv.Unquote(v.Values[0].(*ast.BasicLit).Value)
		if err != nil {
			t.Fatal(err)
		}
		known[act] = true
		if meanings.acts[act] == nil {
			t.Errorf("meanings.txt has no act %s", act)
		}
		return true
	})
	for act := range meanings.acts {
		if !known[act] {
			t.Errorf("meanings.txt has an act %s that decode does not find", act)
		}
	}
}

func TestReadMeaningsFaults(t *testing.T) {
	const good = "act a a host info - 21 -\n"
	if _, err := readMeanings(good + "\n# x\nvob b.c a\n"); err != nil {
		t.Error(err)
	}
	for file, want := range map[string]string{
		good + good:                         "line 2: unknown kind, no action, or the same key again",
		"x a a host info - 21 -":            "line 1: unknown kind",
		good + "vob b":                      "line 2: unknown kind, no action",
		good + "vob b c":                    "line 2: no act c",
		"act a a host info - much -":        "line 1: severity: ",
		"act a a host info - 256 -":         "line 1: severity: ",
		"act a a host info - 21 T1":         "line 1: technique T1 has no name",
		"act a a host info - 21 - and more": "line 1: no act a",
	} {
		if _, err := readMeanings(file); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", file, err)
		}
	}
}

func TestMeaningOfVOBs(t *testing.T) {
	for id, action := range map[string]string{
		"vob.net.vmnic.linkstate.down":         "link-down",
		"esx.problem.net.vmnic.linkstate.down": "link-down",
		"vprob.net.connectivity.lost":          "network-connectivity-lost",
		"esx.audit.ssh.session.opened":         "session-opened",
		"vob.user.ssh.session.opened":          "session-opened",
		"esx.audit.host.crash.reason.unknown":  "host-crashed",
		"esx.audit.dcui.network.restart":       "network-reset",
		"esx.audit.net.lacp.somethingnew":      "", // the row net
		"esx.audit.network":                    "none",
		"vob.scsi.scsipath.pathstate.on":       "none",
		"esx.audit":                            "none",
		"vob":                                  "none",
		"":                                     "none",
		"..":                                   "none",
	} {
		m := meanings.vob(id)
		if m == nil {
			if action != "none" {
				t.Errorf("%s means nothing", id)
			}
		} else if got := strings.Contains(m.members, `"action"`); action == "none" || got != (action != "") || action != "" && !strings.Contains(m.members, `"action":"`+action+`"`) {
			t.Errorf("%s: %s", id, m.members)
		}
	}
}

// TestSecurityEvents: what is written in full by default though its dataset is not.
func TestSecurityEvents(t *testing.T) {
	for id, want := range map[string]bool{
		"vob.net.vmnic.linkstate.down": true, "esx.problem.net.redundancy.lost": true, "esx.audit.ssh.enabled": true,
		"vob.user.ssh.session.opened": true, "esx.audit.account.locked": true, "esx.audit.esximage.install.nosigcheck": true,
		"esx.audit.net.firewall.disabled": true, "esx.problem.vmsyslogd.remote.failure": true, "esx.audit.supershell.access": true,
		"vob.scsi.scsipath.pathstate.on": false, "esx.problem.vmfs.heartbeat.timedout": false, "": false,
		"esx.audit.weak.ssl.protocol": true, "esx.audit.host.boot": true, "esx.problem.host.stop.x": true, "esx.audit.usb.config.changed": true, "esx.audit.vib.x": true,
		"vob.user.account.locked": true, "vob.user.dcui.login.passwd.changed": true, "vob.user.lockdownmode.enabled": true, "vob.user.vmsyslogd.remote.failure": true,
		"vob.user.esximage.hostacceptance.changed": true, "esx.audit.user.ssh.x": true, "vob.net": false, "net.vmnic": false, "vob.network.x": false,
		"vob.a.b.net.x": false, "vob.user.x": false, "vob.host.up": false, "vob.weak.x": false, "net.": false, ".net.": true,
	} {
		e := Event{Common: Common{Dataset: DatasetVOB}, Rare: Rare{VOB: VOB{Present: true, ID: id}}}
		if e.security() != want {
			t.Errorf("%s: security %v", id, !want)
		}
	}
	for act, want := range map[Act]bool{ActSwitchPolicy: true, ActPortBlocked: true, ActRole: true, ActLogin: false, "": false} {
		e := Event{Common: Common{Dataset: DatasetVCEvent, Act: act}, Rare: Rare{VCEvent: VCEvent{Present: true}}}
		if e.security() != want {
			t.Errorf("vCenter, %s: security %v", act, !want)
		}
	}
}
