package decode

import (
	"testing"

	"vswarden/event"
)

func TestVOB(t *testing.T) {
	const net = "[netCorrelator] 73154456us: "
	for text, want := range map[string]event.VOB{
		`[GenericCorrelator] 3639187707810us: [vob.user.iorm.nonviworkload] Detected a non vi workload`: {
			ID: "vob.user.iorm.nonviworkload", Correlator: "GenericCorrelator", UptimeUS: 3639187707810, Text: "Detected a non vi workload",
		},
		net + `[vob.net.vmnic.linkstate.down] vmnic vmnic6 linkstate down`: {
			ID: "vob.net.vmnic.linkstate.down", Correlator: "netCorrelator", UptimeUS: 73154456, Text: "vmnic vmnic6 linkstate down", NIC: "vmnic6",
		},
		net + `[vob.net.pg.uplink.transition.down] Uplink: vmnic6 is down. Affected portgroup: Management Network v1.2. 1 uplinks up. Failed criteria: 128`: {
			ID: "vob.net.pg.uplink.transition.down", Correlator: "netCorrelator", UptimeUS: 73154456, NIC: "vmnic6", Portgroups: "Management Network v1.2",
			Text: "Uplink: vmnic6 is down. Affected portgroup: Management Network v1.2. 1 uplinks up. Failed criteria: 128",
		},
		net + `[vob.net.pg.uplink.transition.up] Uplink:vmnic6 is up. Affected portgroup: Management Network. 1 uplinks up`: {
			ID: "vob.net.pg.uplink.transition.up", Correlator: "netCorrelator", UptimeUS: 73154456, NIC: "vmnic6", Portgroups: "Management Network",
			Text: "Uplink:vmnic6 is up. Affected portgroup: Management Network. 1 uplinks up",
		},
		net + `[vob.net.dvport.uplink.transition.down] Uplink: vmnic2 is down. Affected dvPort: 431/50 1a. 2 uplinks up. Failed criteria: 128.`: {
			ID: "vob.net.dvport.uplink.transition.down", Correlator: "netCorrelator", UptimeUS: 73154456, NIC: "vmnic2", DVPort: "431",
			Text: "Uplink: vmnic2 is down. Affected dvPort: 431/50 1a. 2 uplinks up. Failed criteria: 128.",
		},
		net + `[esx.problem.net.connectivity.lost] Lost network connectivity on virtual switch "vSwitch0". Physical NIC vmnic2 is down. Affected port groups: "vc", "Management, \ Network"`: {
			ID: "esx.problem.net.connectivity.lost", Correlator: "netCorrelator", UptimeUS: 73154456, Switch: "vSwitch0", NIC: "vmnic2", Portgroups: `"vc", "Management, \ Network"`,
			Text: `Lost network connectivity on virtual switch "vSwitch0". Physical NIC vmnic2 is down. Affected port groups: "vc", "Management, \ Network"`,
		},
		net + `[esx.clear.net.connectivity.restored] Network connectivity restored on virtual switch "vSwitch0", portgroups: "Management Network". Physical NIC vmnic6 is up`: {
			ID: "esx.clear.net.connectivity.restored", Correlator: "netCorrelator", UptimeUS: 73154456, Switch: "vSwitch0", NIC: "vmnic6", Portgroups: `"Management Network"`,
			Text: `Network connectivity restored on virtual switch "vSwitch0", portgroups: "Management Network". Physical NIC vmnic6 is up`,
		},
		net + `[esx.problem.net.vmnic.linkstate.flapping] Taking down physical NIC vmnic2 because the link is flapping.`: {
			ID: "esx.problem.net.vmnic.linkstate.flapping", Correlator: "netCorrelator", UptimeUS: 73154456, NIC: "vmnic2", Text: "Taking down physical NIC vmnic2 because the link is flapping.",
		},
		net + `[esx.audit.net.firewall.config.changed] Firewall configuration has changed. Operation 'add' for rule set webAccess succeeded.`: {
			ID: "esx.audit.net.firewall.config.changed", Correlator: "netCorrelator", UptimeUS: 73154456, Operation: "add", RuleSet: "webAccess", Result: event.OutcomeSuccess,
			Text: "Firewall configuration has changed. Operation 'add' for rule set webAccess succeeded.",
		},
		`[UserLevelCorrelator] 12us: [vob.user.vmsyslogd.remote.failure] The host "192.0.2.50:7002" has become unreachable. Remote logging to this host has stopped.`: {
			ID: "vob.user.vmsyslogd.remote.failure", Correlator: "UserLevelCorrelator", UptimeUS: 12, Target: "192.0.2.50:7002",
			Text: `The host "192.0.2.50:7002" has become unreachable. Remote logging to this host has stopped.`,
		},
		`Jun  3 01:23:12.139: 73154456us: [vprob.net.connectivity.lost] text`: {ID: "vprob.net.connectivity.lost", UptimeUS: 73154456, Text: "text"},
		`73154456us: text without an id`:                                      {UptimeUS: 73154456, Text: "text without an id"},
		net + `The event ([esx.clear.net.vmnic.linkstate.up] x) was posted`:   {ID: "esx.clear.net.vmnic.linkstate.up", Again: true, Correlator: "netCorrelator", UptimeUS: 73154456, Text: "x) was posted"},
	} {
		e := line("<14>2026-02-07T11:59:59.000Z esx1 vobd:  " + text)
		want.Present = true
		dataset := event.DatasetVOB
		if want.Target != "" {
			dataset = event.DatasetLogLoss
		}
		if e.VOB != want || e.Dataset != dataset || e.Message != text {
			t.Errorf("%s, dataset %s\n got %+v\nwant %+v", text, e.Dataset, e.VOB, want)
		}
		checkStrings(t, &e)
	}
	for _, text := range []string{"", "Starting up", "[netCorrelator]", "[netCorrelator] us: x", "[netCorrelator] 1 x", "Jun"} {
		if e := line("<14>2026-02-07T11:59:59.000Z esx1 vobd:  " + text); e.VOB.Present || e.Dataset != event.DatasetVOB || e.Message != text {
			t.Errorf("%q: %+v", text, e.VOB)
		}
	}
}

func TestVOBOfESX9(t *testing.T) {
	e := line(bench5424)
	want := event.VOB{Present: true, ID: "esx.problem.net.vmnic.linkstate.down", Correlator: "netCorrelator", UptimeUS: 3639187707810, NIC: "vmnic6", Text: "Physical NIC vmnic6 linkstate is down."}
	if e.VOB != want {
		t.Errorf("%+v", e.VOB)
	}
}

func TestVOBWithoutHeader(t *testing.T) {
	if e := line(`[UserLevelCorrelator] 12us: [esx.audit.ssh.enabled] SSH access has been enabled.`); e.VOB.ID != "esx.audit.ssh.enabled" || e.Dataset != event.DatasetVOB {
		t.Errorf("%+v", e)
	}
}

func TestTrap27UplinkWithoutSpace(t *testing.T) {
	for _, text := range []string{"Uplink:vmnic6 is up. Affected portgroup: M. 1 uplinks up", "Uplink: vmnic6 is down. Affected portgroup: M. 0 uplinks up"} {
		if e := line("<14>2026-02-07T11:59:59.000Z esx1 vobd:  [netCorrelator] 1us: [vob.net.pg.uplink.transition.up] " + text); e.VOB.NIC != "vmnic6" || e.VOB.Portgroups != "M" {
			t.Errorf("%s: %+v", text, e.VOB)
		}
	}
}

func TestVOBSecurity(t *testing.T) {
	for id, want := range map[string]bool{
		"esx.audit.net.firewall.config.changed": true, "vob.net.vmnic.linkstate.down": true, "esx.audit.ssh.enabled": true,
		"vob.user.ssh.session.opened": true, "esx.audit.account.locked": true, "esx.problem.vmsyslogd.remote.failure": true,
		"vob.user.vmsyslogd.remote.failure": true, "esx.audit.uw.security.execInstalledOnly.violation": true, "vprob.net.connectivity.lost": true,
		"esx.problem.scsi.device.io.latency.high": false, "vob.user.iorm.nonviworkload": false, "esx.clear.coredump.configured": false, "": false,
	} {
		v := event.VOB{Present: true, ID: id}
		if got := v.Security(); got != want {
			t.Errorf("%s: %v", id, got)
		}
	}
}

func FuzzVOB(f *testing.F) {
	f.Add("[netCorrelator] 73154456us: [esx.problem.net.connectivity.lost] Lost network connectivity on virtual switch \"vSwitch0\". Physical NIC vmnic2 is down. Affected port groups: \"vc\", \"M\"")
	f.Add("1us: [vob.net.] Affected portgroup: \"")
	f.Fuzz(func(t *testing.T, text string) {
		e := line("<14>2026-02-07T11:59:59.000Z esx1 vobd:  " + text)
		checkStrings(t, &e)
		checkEvent(t, &e)
	})
}
