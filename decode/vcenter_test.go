package decode

import (
	"testing"

	"vswarden/event"
)

const vcWire = "<14>1 2026-02-07T11:59:59.285831+00:00 vc1 vpxd 58650 - -  "

func TestVCenterEvents(t *testing.T) {
	for name, tc := range map[string]struct {
		text   string
		want   event.VCEvent
		act    event.Act
		user   event.User
		source event.Endpoint
	}{
		"login": {
			`Event [5851] [1-1] [2026-02-07T11:59:59.28341Z] [vim.event.UserLoginSessionEvent] [info] [VSPHERE.LOCAL\admin] [] [5851] [User VSPHERE.LOCAL\admin@10.0.0.1 logged in as JAX-WS RI 2.2.9-b130926.1035 svn-revision#8c29a9a53251741576985f664c3a8fa46bcfc9b9]`,
			event.VCEvent{ID: 5851, Part: 1, Parts: 1, Time: "2026-02-07T11:59:59.28341Z", Type: "vim.event.UserLoginSessionEvent", Severity: "info", ChainID: 5851, Text: `User VSPHERE.LOCAL\admin@10.0.0.1 logged in as JAX-WS RI 2.2.9-b130926.1035 svn-revision#8c29a9a53251741576985f664c3a8fa46bcfc9b9`},
			event.ActLogin,
			event.User{Name: "admin", Domain: "VSPHERE.LOCAL"},
			at("10.0.0.1", 0),
		},
		"failed login": {
			`Event [5852] [1-1] [2026-02-07T11:59:59.28341Z] [vim.event.BadUsernameSessionEvent] [error] [bob@vsphere.local] [] [5852] [Cannot login bob@vsphere.local@10.0.0.9]`,
			event.VCEvent{ID: 5852, Part: 1, Parts: 1, Time: "2026-02-07T11:59:59.28341Z", Type: "vim.event.BadUsernameSessionEvent", Severity: "error", ChainID: 5852, Text: "Cannot login bob@vsphere.local@10.0.0.9"},
			event.ActLoginFailed,
			event.User{Name: "bob", Domain: "vsphere.local"},
			at("10.0.0.9", 0),
		},
		"a target with blanks and brackets": {
			`Event [7] [1-1] [2026-02-07T11:59:59.28341Z] [vim.event.DvsPortBlockedEvent] [info] [] [NWT - [x] [y] DC] [6] [The dvPort 431 was blocked in the vSphere Distributed Switch [A] in DC.]`,
			event.VCEvent{ID: 7, Part: 1, Parts: 1, Time: "2026-02-07T11:59:59.28341Z", Type: "vim.event.DvsPortBlockedEvent", Severity: "info", Target: "NWT - [x] [y] DC", ChainID: 6, Switch: "[A]", DVPort: "431", Text: "The dvPort 431 was blocked in the vSphere Distributed Switch [A] in DC."},
			event.ActPortBlocked,
			event.User{},
			event.Endpoint{},
		},
		"policy": {
			`Event [8] [1-1] [2026-02-07T11:59:59.28341Z] [vim.event.DVPortgroupReconfiguredEvent] [info] [VSPHERE.LOCAL\admin] [DC1] [8] [dvPort group PG-Web in DC1 was reconfigured. Modified: config.defaultPortConfig.securityPolicy.allowPromiscuous.value: false -> true; config.defaultPortConfig.securityPolicy.forgedTransmits.value: true -> false; config.name: a -> b;]`,
			event.VCEvent{
				ID: 8, Part: 1, Parts: 1, Time: "2026-02-07T11:59:59.28341Z", Type: "vim.event.DVPortgroupReconfiguredEvent", Severity: "info", Target: "DC1", ChainID: 8, Portgroup: "PG-Web",
				Text:    "dvPort group PG-Web in DC1 was reconfigured. Modified: config.defaultPortConfig.securityPolicy.allowPromiscuous.value: false -> true; config.defaultPortConfig.securityPolicy.forgedTransmits.value: true -> false; config.name: a -> b;",
				Changes: [3]event.PolicyChange{{Setting: "allowPromiscuous", Old: "false", New: "true"}, {Setting: "forgedTransmits", Old: "true", New: "false"}},
			},
			event.ActSwitchPolicy,
			event.User{Name: "admin", Domain: "VSPHERE.LOCAL"},
			event.Endpoint{},
		},
		"reconfigured, nothing said": {
			`Event [9] [1-1] [2026-02-07T11:59:59.28341Z] [vim.event.DvsReconfiguredEvent] [info] [] [DC1] [] [The vSphere Distributed Switch A in DC1 was reconfigured.]`,
			event.VCEvent{ID: 9, Part: 1, Parts: 1, Time: "2026-02-07T11:59:59.28341Z", Type: "vim.event.DvsReconfiguredEvent", Severity: "info", Target: "DC1", Switch: "A", Text: "The vSphere Distributed Switch A in DC1 was reconfigured."},
			event.ActSwitchChanged,
			event.User{},
			event.Endpoint{},
		},
		"severity user": {
			`Event [10] [1-1] [2026-02-07T11:59:59.28341Z] [vim.event.GeneralUserEvent] [user] [VSPHERE.LOCAL\john-doe] [HOSTNAME] [11111111] [User logged event: x]`,
			event.VCEvent{ID: 10, Part: 1, Parts: 1, Time: "2026-02-07T11:59:59.28341Z", Type: "vim.event.GeneralUserEvent", Severity: "user", Target: "HOSTNAME", ChainID: 11111111, Text: "User logged event: x"},
			"",
			event.User{Name: "john-doe", Domain: "VSPHERE.LOCAL"},
			event.Endpoint{},
		},
		"first of several parts, no bracket at the end": {
			`Event [11] [1-13] [2026-02-07T11:59:59.28341Z] [vim.event.VmReconfiguredEvent] [info] [root] [vm] [11] [Reconfigured web-01 on [esx1]`,
			event.VCEvent{ID: 11, Part: 1, Parts: 13, Time: "2026-02-07T11:59:59.28341Z", Type: "vim.event.VmReconfiguredEvent", Severity: "info", Target: "vm", ChainID: 11, Text: "Reconfigured web-01 on [esx1]"},
			"",
			event.User{Name: "root"},
			event.Endpoint{},
		},
		"a later part": {
			`Event [11] [2-13]  and so on [x]`, event.VCEvent{ID: 11, Part: 2, Parts: 13, Text: "and so on [x]"}, "", event.User{}, event.Endpoint{},
		},
		"a setting in two places, of which one weakens": {
			`Event [8] [1-1] [x] [vim.event.DVPortgroupReconfiguredEvent] [info] [] [DC1] [8] [dvPort group PG in 7 in DC1 was reconfigured.#012#012Modified: #012#012config.defaultPortConfig.securityPolicy.allowPromiscuous.value: false -> false; #012config.defaultPortConfig.macManagementPolicy.allowPromiscuous: false -> true; #012config.defaultPortConfig.securityPolicy.macChanges.value: true -> false]`,
			event.VCEvent{
				ID: 8, Part: 1, Parts: 1, Time: "x", Type: "vim.event.DVPortgroupReconfiguredEvent", Severity: "info", Target: "DC1", ChainID: 8, Portgroup: "PG in 7",
				Text:    `dvPort group PG in 7 in DC1 was reconfigured.#012#012Modified: #012#012config.defaultPortConfig.securityPolicy.allowPromiscuous.value: false -> false; #012config.defaultPortConfig.macManagementPolicy.allowPromiscuous: false -> true; #012config.defaultPortConfig.securityPolicy.macChanges.value: true -> false`,
				Changes: [3]event.PolicyChange{{Setting: "allowPromiscuous", Old: "false", New: "true"}, {Setting: "macChanges", Old: "true", New: "false"}},
			},
			event.ActSwitchPolicy,
			event.User{},
			event.Endpoint{},
		},
		"a changed MAC address": {
			`Event [8] [1-1] [x] [vim.event.VmMacChangedEvent] [info] [] [DC1] [8] [Changed MAC address from 00:50:56:aa:bb:cc to 00:50:56:aa:bb:dd for adapter X for web for all]`,
			event.VCEvent{
				ID: 8, Part: 1, Parts: 1, Time: "x", Type: "vim.event.VmMacChangedEvent", Severity: "info", Target: "DC1", ChainID: 8, VM: "all", OldMAC: "00:50:56:aa:bb:cc", NewMAC: "00:50:56:aa:bb:dd",
				Text: `Changed MAC address from 00:50:56:aa:bb:cc to 00:50:56:aa:bb:dd for adapter X for web for all`,
			},
			event.ActMACChanged,
			event.User{},
			event.Endpoint{},
		},
		"an event of a host, its id lost": {
			`Event [12] [1-1] [2026-02-07T11:59:59.28341Z] [vim.event.EventEx] [info] [] [esx1] [12] [SSH access has been enabled.]`,
			event.VCEvent{ID: 12, Part: 1, Parts: 1, Time: "2026-02-07T11:59:59.28341Z", Type: "vim.event.EventEx", Severity: "info", Target: "esx1", ChainID: 12, Text: "SSH access has been enabled."},
			event.ActSSHEnabled,
			event.User{},
			event.Endpoint{},
		},
	} {
		t.Run(name, func(t *testing.T) {
			e := line(vcWire + tc.text)
			tc.want.Present = true
			if e.VCEvent != tc.want {
				t.Errorf("\n got %+v\nwant %+v", e.VCEvent, tc.want)
			}
			if e.Act != tc.act || e.User != tc.user || e.Source != tc.source || e.Dataset != event.DatasetVCEvent {
				t.Errorf("act %q, user %+v, source %+v, dataset %s", e.Act, e.User, e.Source, e.Dataset)
			}
			if e.Message != tc.text {
				t.Errorf("message %q", e.Message)
			}
			checkStrings(t, &e)
		})
	}
}

func TestTrap23EventParts(t *testing.T) {
	for raw, want := range map[string][2]uint16{
		vcWire + "Event [1] [1-2] [x] [vim.event.X] [info] [] [] [] [text": {1, 2},
		vcWire + "Event [1] [2-2] text]":                                   {2, 2},
		"Event [1] [1-1] [x] [vim.event.X] [info] [] [] [] [text]":         {1, 1}, // without a header
	} {
		if e := line(raw); [2]uint16{e.VCEvent.Part, e.VCEvent.Parts} != want || e.Dataset != event.DatasetVCEvent {
			t.Errorf("%s: %+v", raw, e.VCEvent)
		}
	}
	for _, text := range []string{"Event [x] [1-1] [x]", "Event [1] [1] [x]", "Event [1]", "Event [1] [1-1", "Event [99999999999999999999] [1-1] [x]", "Event [1] [99999-1] [x]"} {
		if e := line(vcWire + text); e.VCEvent.Present {
			t.Errorf("%s: %+v", text, e.VCEvent)
		}
	}
}

func TestTrap28EchoOfAnESXEvent(t *testing.T) {
	e := line(vcWire + "Event [12] [1-1] [x] [vim.event.EventEx] [info] [] [esx1] [12] [SSH session was opened for 'root@192.0.2.4'.]")
	if e.Act != event.ActSessionOpened || e.User.Name != "root" || e.Source.Address != "192.0.2.4" || e.VCEvent.Type != "vim.event.EventEx" {
		t.Errorf("%s %+v", e.Act, e.User)
	}
}

func TestLogLossOverVCenter(t *testing.T) {
	e := line(vcWire + "Event [12] [1-1] [x] [vim.event.GeneralHostWarningEvent] [warning] [] [esx1] [12] [Issue detected on esx1 in Home: vmsyslog logger 10.100.10.30:514 lost 156959 log messages]")
	if e.Loss != (event.LogLoss{Kind: event.LossLost, Count: 156959, Target: "10.100.10.30:514"}) || e.Dataset != event.DatasetLogLoss || e.Level != "warning" {
		t.Errorf("%+v %s", e.Loss, e.Dataset)
	}
}

func TestSSOAudit(t *testing.T) {
	const record = `{"user":"admin@vsphere.local","client":"192.168.30.182","timestamp":"04/06/2019 12:47:50 UTC","description":"User admin@vsphere.local@192.168.30.182 failed to log in with response code 401","eventSeverity":"INFO","type":"com.vmware.sso.LoginFailure"}`
	for _, raw := range []string{
		"2019-04-06T12:47:50.424Z " + record, "2019-04-06T12:47:50.424Z " + record[:len(record)-1],
		"<14>1 2019-04-06T12:47:50.424Z vc1 websso 1 - - INFO websso[52:tomcat-http--15] [CorId=x] [auditlogger] " + record,
	} {
		e := line(raw)
		if e.Act != event.ActLoginFailed || e.User != (event.User{Name: "admin", Domain: "vsphere.local"}) || e.Source.Address != "192.168.30.182" || e.Dataset != event.DatasetVCAudit || e.VCEvent.Type != "com.vmware.sso.LoginFailure" {
			t.Errorf("%s\n%s %+v %+v %s", raw, e.Act, e.User, e.Source, e.Dataset)
		}
		checkStrings(t, &e)
	}
	for description, want := range map[string]event.Act{
		"Creating local person user 'x' with details ('a')": event.ActAccountCreated, "Deleting principal 'x'": event.ActAccountRemoved,
		"Resetting local person user 'x' password": event.ActPassword, "Adding users to local group 'x'": event.ActGroupChanged,
		"Creating local group 'x' with details ('a')": event.ActGroupCreated, "Updating local password policy": event.ActAccountUpdated,
	} {
		e := line(`2019-04-06T12:47:50.424Z {"user":"a","client":"","description":"` + description + `","type":"com.vmware.sso.PrincipalManagement"}`)
		if e.Act != want {
			t.Errorf("%s: %s", description, e.Act)
		}
	}
}

func TestAuthorizationAudit(t *testing.T) {
	e := line(`2017-06-16T16:31:13.400Z [tomcat-exec-43  INFO  AuthorizationService.AuditLog  opId=571a0705] Action performed by principal(name=VSPHERE.LOCAL\Administrator,isGroup=false):Added access control [ Principal=Name=VSPHERE.LOCAL\x ]`)
	if e.Act != event.ActPermission || e.User.Name != "Administrator" || e.Hostd.OpID != "571a0705" || e.Dataset != event.DatasetVCAudit {
		t.Errorf("%s %+v %+v %s", e.Act, e.User, e.Hostd, e.Dataset)
	}
	e = line(`2017-06-16T16:32:24.851Z [tomcat-exec-96  INFO  AuthorizationService.AuditLog  opId=] Action performed by principal(name=D\u,isGroup=false):Add role Id=295755225,Name=x`)
	if e.Act != event.ActRole || e.Hostd.OpID != "" {
		t.Errorf("%s %+v", e.Act, e.Hostd)
	}
}

func TestTCPPair(t *testing.T) {
	e := line(wire + "info hostd[1] [Originator@6876 sub=Http2] Starting: <io_obj p:0x1, h:477, <TCP '10.0.0.1 : 8093'>, <TCP 'fe80::1 : 50504'>>")
	if e.Source != at("10.0.0.1", 8093) || e.Destination != at("fe80::1", 50504) {
		t.Errorf("%+v %+v", e.Source, e.Destination)
	}
	for _, text := range []string{"<TCP '10.0.0.1 : 8093'>", "<TCP '10.0.0.1 : x'>, <TCP '10.0.0.1 : 1'>", "<TCP '", "<UNIX 'x'>, <UNIX 'x'>", "<TCP 'a : 99999'>, <TCP 'b : 1'>"} {
		if e := line(wire + "info hostd[1] [Originator@6876 sub=Http2] " + text); e.Source.Address != "" {
			t.Errorf("%s: %+v", text, e.Source)
		}
	}
}

func FuzzVCenter(f *testing.F) {
	f.Add("Event [1] [1-1] [x] [vim.event.X] [info] [] [] [] [allowPromiscuous: false -> true]")
	f.Add(`{"user":"\"","type":"com.vmware.sso.`)
	f.Add("AuthorizationService.AuditLog opId=] principal(name=,):Delete role ")
	f.Fuzz(func(t *testing.T, text string) {
		for _, prefix := range []string{vcWire, ""} {
			e := line(prefix + text)
			checkStrings(t, &e)
			checkEvent(t, &e)
		}
	})
}
