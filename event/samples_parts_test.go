package event

import "strings"

// from makes an event of a program's line; its message is a part of its frame, as decode has it.
func from(n uint64, priority int16, app string, dataset Dataset, message string) Event {
	e := begin(n, "<166>2026-09-15T10:30:00.123Z esx01.example.com "+app+": "+message, priority)
	e.Dataset, e.Message = dataset, e.Raw[len(e.Raw)-len(message):]
	e.Syslog.AppName = app
	return e
}

// part returns s as a part of e's frame.
func (e *Event) part(s string) string {
	i := strings.Index(e.Raw, s)
	return e.Raw[i : i+len(s)]
}

// hide notes secrets, each a word that stands once in e's frame.
func (e *Event) hide(secrets ...string) {
	for _, s := range secrets {
		i := strings.Index(e.Raw, s)
		e.Secrets.Spans[e.Secrets.Count] = Span{uint32(i), uint32(i + len(s))}
		e.Secrets.Count++
	}
}

// partSamples are events of all that is no line of the virtual switch.
func partSamples() (all []sample) {
	add := func(name string, e Event, fill func(*Event)) {
		fill(&e)
		all = append(all, sample{name, e})
	}
	add("hostd_login", from(20, 166, "Hostd", DatasetAuth, "info hostd[49580B70] [Originator@6876 sub=Vimsvc.ha-eventmgr] Event 285 : User root@192.0.2.44 logged in as pyvmomi Python/3.8"), func(e *Event) {
		e.Level, e.Logger, e.Act = "info", "Vimsvc.ha-eventmgr", ActLogin
		e.Hostd = Hostd{Present: true, Thread: "49580B70", EventID: "285", SessionID: "52376b0f-1"}
		e.User, e.Source, e.Login.Agent = User{Name: "root"}, Endpoint{Address: "192.0.2.44"}, "pyvmomi Python/3.8"
	})
	add("hostd_connection", from(21, 166, "Rhttpproxy", DatasetSystem, "[Originator@4413] <TCP '192.0.2.1 : 443'>, <TCP 'vc1.example.com : 50504'>"), func(e *Event) {
		e.Level = "verbose"
		e.Hostd = Hostd{Present: true, Thread: "rhttpproxy-work-3"}
		e.Source, e.Destination = Endpoint{"192.0.2.1", 443}, Endpoint{"vc1.example.com", 50504}
	})
	add("sshd_failed", from(22, 38, "sshd", DatasetAuth, "Failed password for invalid user x from 2001:db8::4 port 41100 ssh2"), func(e *Event) {
		e.Act, e.User.Name, e.Source = ActLoginFailed, "x", Endpoint{"2001:db8::4", 41100}
		e.Login = Login{Method: "password", SSH: true, Invalid: true}
	})
	add("hostd_pair", from(32, 166, "Hostd", DatasetHostd, "[Originator@6876 sub=Http2] <TCP 'localhost : 8307'>, <TCP '::ffff:192.0.2.7 : 50504'>"), func(e *Event) {
		e.Logger, e.Hostd = "Http2", Hostd{Present: true}
		e.Source, e.Destination = Endpoint{"localhost", 8307}, Endpoint{"::ffff:192.0.2.7", 50504}
	})
	add("sshd_session", from(33, 38, "sshd", DatasetAuth, "Session opened for 'root' on /dev/char/pty/t0"), func(e *Event) {
		e.Act, e.User.Name, e.Login.Terminal = ActSessionOpened, "root", "/dev/char/pty/t0"
	})
	add("account_locked", from(23, 14, "vobd", DatasetVOB, "[GenericCorrelator] 900us: [esx.audit.account.locked] Remote access for ESXi local user account 'root' has been locked for 900 seconds after 6 failed login attempts."), func(e *Event) {
		e.VOB = VOB{Present: true, ID: "esx.audit.account.locked", Correlator: "GenericCorrelator", UptimeUS: 900}
		e.Act, e.User.Name, e.Login = ActLocked, "root", Login{Failures: 6, LockSecs: 900}
	})
	add("vob_redundancy", from(24, 14, "vobd", DatasetVOB, `[netCorrelator] 5us: [esx.problem.net.redundancy.lost] Lost uplink redundancy on virtual switch "vSwitch0". Physical NIC vmnic6 is down. Affected port groups: "vc", "Management Network"`), func(e *Event) {
		e.VOB = VOB{Present: true, ID: "esx.problem.net.redundancy.lost", Correlator: "netCorrelator", UptimeUS: 5, Switch: "vSwitch0", Portgroups: `"vc", "Management Network"`, NIC: "vmnic6"}
	})
	add("vob_dvport", from(25, 14, "vobd", DatasetVOB, "[netCorrelator] 6us: [vob.net.dvport.uplink.transition.down] Uplink: vmnic1 is down. Affected dvPort: 431/50 33. 2 uplinks up"), func(e *Event) {
		e.VOB = VOB{Present: true, ID: "vob.net.dvport.uplink.transition.down", NIC: "vmnic1", DVPort: "431/50"}
	})
	add("vob_firewall", from(26, 14, "vobd", DatasetVOB, "[UserLevelCorrelator] 7us: [esx.audit.net.firewall.config.changed] Firewall configuration has changed. Operation 'add' for rule set webAccess succeeded."), func(e *Event) {
		e.VOB = VOB{Present: true, ID: "esx.audit.net.firewall.config.changed", RuleSet: "webAccess", Operation: "add"}
		e.Act = ActFirewallChanged
	})
	add("vob_scsi", from(27, 14, "vobd", DatasetVOB, "[scsiCorrelator] 8us: [vob.scsi.scsipath.pathstate.on] scsiPath vmhba1:C0:T0:L0 changed state from dead"), func(e *Event) {
		e.VOB = VOB{Present: true, ID: "vob.scsi.scsipath.pathstate.on", Correlator: "scsiCorrelator", UptimeUS: 8}
	})
	add("vob_unreachable", from(34, 14, "vobd", DatasetLogLoss, `[GenericCorrelator] 9us: [vob.user.vmsyslogd.remote.failure] The host "192.0.2.50:7002" has become unreachable. Remote logging to this host has stopped.`), func(e *Event) {
		e.VOB = VOB{Present: true, ID: "vob.user.vmsyslogd.remote.failure", Correlator: "GenericCorrelator", UptimeUS: 9, Target: "192.0.2.50:7002"}
		e.Act, e.Loss = ActLogLost, LogLoss{Kind: LossRemote, Target: "192.0.2.50:7002"}
	})
	add("shell_secret", from(28, 14, "shell", DatasetShell, "[root]: esxcli system account set -i admin -p Passw0rd! -c Passw1rd!"), func(e *Event) {
		e.Syslog.ProcID, e.User.Name, e.Act = "1627100", "root", ActCommand
		e.Command = Command{Line: e.part("esxcli system account set -i admin -p Passw0rd! -c Passw1rd!"), Name: "esxcli"}
		e.hide("Passw0rd!", "Passw1rd!")
	})
	add("shell_capture", from(29, 14, "shell", DatasetShell, "[root]: pktcap-uw --switchport 67108870"), func(e *Event) {
		e.User.Name, e.Act = "root", ActCapture
		e.Command = Command{Line: e.part("pktcap-uw --switchport 67108870"), Name: "pktcap-uw", Network: NetCommandCapture}
	})
	add("audit_policy", from(30, 110, "shell", DatasetAudit, ""), func(e *Event) {
		const line = `esxcli network vswitch standard policy security set -v vSwitch0 --allow-promiscuous=true`
		sd := `[shell.cmd@6876 subject="root" object="shell" command="` + line + `" result="success" status="0"]`
		e.Raw = "<110>1 2026-09-15T10:30:00.123Z esx01.example.com shell 12 - " + sd
		e.Format, e.Syslog.Version, e.Syslog.ProcID, e.Syslog.StructuredData = FormatRFC5424, 1, "12", e.part(sd)
		e.User.Name, e.Act = "root", ActSwitchPolicy
		e.Command = Command{Line: e.part(line), Name: "esxcli", Result: "success", Status: "0", Network: NetCommandPolicy, Switch: "vSwitch0", Weakens: true}
	})
	add("audit_secret", from(31, 107, "shell", DatasetAudit, ""), func(e *Event) {
		const line = `curl -H \"X-Auth-Token: t0ken\" https://vc1/`
		sd := `[shell.cmd@6876 subject="root" object="shell" command="` + line + `" result="denied" status="126"]`
		e.Raw = "<107>1 2026-09-15T10:30:00.123Z esx01.example.com shell 12 - " + sd
		e.Format, e.Syslog.Version, e.Syslog.StructuredData = FormatRFC5424, 1, e.part(sd)
		e.User.Name, e.Act = "root", ActCommand
		e.Command = Command{Line: e.part(line), Name: "curl", Result: "denied", Status: "126", Portgroup: "VM Network"}
		e.hide("t0ken")
	})
	vcenterSamples(add)
	linuxSamples(add)
	portSamples(add)
	groupSamples(add)
	switchSamples(add)
	return all
}

func vcenterSamples(add func(string, Event, func(*Event))) {
	const event = "Event [8] [1-2] [2026-09-15T10:29:59.28341Z] [vim.event.DVPortgroupReconfiguredEvent] [info] [VSPHERE.LOCAL\\admin] [DC1] [7] [dvPort group PG-Web in DC1 was reconfigured. Modified: allowPromiscuous: false -> true; forgedTransmits: true -> false"
	add("vcenter_policy", from(40, 14, "vpxd", DatasetVCEvent, event), func(e *Event) {
		e.VCEvent = VCEvent{
			Present: true, ID: 8, ChainID: 7, Part: 1, Parts: 2, Time: "2026-09-15T10:29:59.28341Z", Type: "vim.event.DVPortgroupReconfiguredEvent", Severity: "info", Target: "DC1",
			Changes: [MaxPolicyChanges]PolicyChange{{"allowPromiscuous", "false", "true"}, {"allowPromiscuous", "true", "false"}, {"forgedTransmits", "true", "false"}},
		}
		e.Act, e.User, e.Level = ActSwitchPolicy, User{Name: "admin", Domain: "VSPHERE.LOCAL"}, "info"
	})
	add("vcenter_mac_changes", from(41, 14, "vpxd", DatasetVCEvent, "Event [9] [1-1] [x] [vim.event.DvsReconfiguredEvent] [info] [] [] [] [macChanges: unset -> false]"), func(e *Event) {
		e.VCEvent = VCEvent{Present: true, ID: 9, Part: 1, Parts: 1, Type: "vim.event.DvsReconfiguredEvent", Changes: [MaxPolicyChanges]PolicyChange{{"macChanges", "unset", "false"}}}
		e.Act = ActSwitchPolicy
	})
	add("vcenter_port", from(42, 14, "vpxd", DatasetVCEvent, "Event [10] [1-1] [x] [vim.event.DvsPortLinkDownEvent] [info] [] [] [] [text]"), func(e *Event) {
		e.VCEvent = VCEvent{Present: true, ID: 10, Part: 1, Parts: 1, Type: "vim.event.DvsPortLinkDownEvent"}
	})
	add("sso_login_failed", from(43, 14, "websso", DatasetVCAudit, `{"user":"admin@vsphere.local","client":"192.0.2.182","type":"com.vmware.sso.LoginFailure"}`), func(e *Event) {
		e.VCEvent.Type, e.Act = "com.vmware.sso.LoginFailure", ActLoginFailed
		e.User, e.Source = User{Name: "admin", Domain: "vsphere.local"}, Endpoint{Address: "192.0.2.182"}
	})
	add("logs_lost", from(44, 14, "vpxd", DatasetLogLoss, "Event [12] [1-1] [x] [vim.event.GeneralHostWarningEvent] [warning] [] [esx1] [12] [vmsyslog logger 192.0.2.50:514 lost 156959 log messages]"), func(e *Event) {
		e.VCEvent = VCEvent{Present: true, ID: 12, ChainID: 12, Part: 1, Parts: 1, Type: "vim.event.GeneralHostWarningEvent", Target: "esx1"}
		e.Act, e.Loss = ActLogLost, LogLoss{Kind: LossLost, Count: 156959, Target: "192.0.2.50:514"}
	})
}

func groupSamples(add func(string, Event, func(*Event))) {
	add("alert", Event{
		Common: Common{
			ID:         NewID(1, 2),
			Received:   unix("2026-09-15T10:30:00.187345219Z"),
			Time:       unix("2026-09-15T10:30:00Z"),
			TimeDigits: 3,
			Host:       "esx01.example.com",
			Dataset:    DatasetAlert,
			Kind:       "alert",
			Message:    "not heard",
			Syslog:     Syslog{Priority: -1},
		},
	}, func(e *Event) {
		e.Act = ActSilent
		e.Alert = Alert{
			Rule: "silence", Start: unix("2026-09-15T10:20:00Z"), End: unix("2026-09-15T10:30:00Z"), Count: 7, First: NewID(3, 4), Sort: "x", Sender: "192.0.2.1", Usual: 1500e6,
		}
	})
	add("joined_lines", from(60, 166, "Hostd", DatasetHostd, "Fault cause: vim.fault.NotFound"), func(e *Event) {
		e.Tags |= TagIncomplete
		e.SameAs, e.Merged = NewID(0x5a17c0de00000001, 59), Merged{Lines: 2, Continues: NewID(0x5a17c0de00000001, 58), Frames: e.Raw + "\n<166>--> }\n"}
		e.Merged.Sizes = []uint32{uint32(len(e.Raw)), 10}
	})
}

func linuxSamples(add func(string, Event, func(*Event))) {
	add("linux_capture", from(50, 6, "kernel", DatasetPromisc, "e1000e 0000:00:1f.6 eno1: entered promiscuous mode"), func(e *Event) {
		e.Linux = Linux{Device: "eno1", Kind: DevicePhysical, Driver: "e1000e", Bus: "0000:00:1f.6"}
		e.Act = ActPromiscuousOn
	})
	add("linux_member", from(51, 6, "kernel", DatasetPromisc, "device tap0 entered promiscuous mode"), func(e *Event) {
		e.Linux = Linux{Device: "tap0", Kind: DeviceTap, Bridge: "br0", Port: 2, Reason: ReasonBridgeMembership}
		e.Act = ActPromiscuousOn
	})
	add("linux_bridge_itself", from(52, 6, "kernel", DatasetPromisc, "device br0 entered promiscuous mode"), func(e *Event) {
		e.Linux = Linux{Device: "br0", Kind: DeviceBridge, Reason: ReasonBridgeItself}
		e.Act = ActPromiscuousOn
	})
	add("linux_bridge_port", from(53, 6, "kernel", DatasetBridge, "br0: port 2(tap0) entered forwarding state"), func(e *Event) {
		e.Linux = Linux{Device: "tap0", Kind: DeviceTap, Bridge: "br0", Port: 2, State: "forwarding"}
	})
	add("linkwatch_port", from(55, 28, "linkwatch", DatasetBridge, "tap0: port settings changed, index=3 kind=tun promiscuity=1 …"), func(e *Event) {
		e.Act = ActBridgeSettings
		e.Linux = Linux{Device: "tap0", Kind: DeviceTap, Driver: "tun", Bridge: "br0", Reason: ReasonBridgeMembership, Watch: LinkFacts{
			Known: FactUnicastFlood | FactLearning | FactIsolated | FactPromiscuity, On: FactLearning, Promiscuity: 1,
			WasKnown: FactUnicastFlood | FactLearning | FactIsolated, Was: FactUnicastFlood,
		}}
	})
	add("linkwatch_raised", from(56, 28, "linkwatch", DatasetPromisc, "eth1: promiscuity raised, index=4 kind=physical promiscuity=2 …"), func(e *Event) {
		e.Act = ActPromiscuityUp
		e.Linux = Linux{Device: "eth1", Kind: DevicePhysical, Reason: ReasonCapture, Watch: LinkFacts{
			Known: FactFlag | FactPromiscuity | FactPromiscuityWas, On: FactFlag, Promiscuity: 2, PromiscuityWas: 1, Master: "bond0",
		}}
	})
	add("linkwatch_hub", from(57, 28, "linkwatch", DatasetBridge, "br0: became a hub, index=2 kind=bridge promiscuity=0 …"), func(e *Event) {
		e.Act = ActBridgeHub
		e.Linux = Linux{Device: "br0", Kind: DeviceBridge, Driver: "bridge", Watch: LinkFacts{
			Known: FactPromiscuity | FactAgeing | FactAgeingWas, AgeingWas: 300_000,
		}}
	})
	add("linkwatch_left", from(58, 30, "linkwatch", DatasetBridge, "tap0: left its master, index=3 kind=tun promiscuity=0 …"), func(e *Event) {
		e.Act = ActBridgeLeft
		e.Linux = Linux{Device: "tap0", Kind: DeviceTap, Driver: "tun", Watch: LinkFacts{Known: FactPromiscuity, MasterWas: "br0", NameWas: "tap9"}}
	})
	add("linux_audit", from(54, 6, "audit", DatasetPromisc, "type=ANOM_PROMISCUOUS msg=audit(1.2:3): dev=vnet0 prom=0 old_prom=256 auid=1000 uid=0"), func(e *Event) {
		e.Linux = Linux{Device: "vnet0", Kind: DeviceTap, UID: "0", AUID: "1000"}
		e.Act = ActPromiscuousOff
	})
}

func switchSamples(add func(string, Event, func(*Event))) {
	add("vcenter_dvport", from(65, 14, "vpxd", DatasetVCEvent, "Event [13] [1-1] [x] [vim.event.DvsPortBlockedEvent] [info] [] [DC1] [13] [The dvPort 431 was blocked in the vSphere Distributed Switch DVS-A in DC1. It was in unset state before.]"), func(e *Event) {
		e.VCEvent = VCEvent{Present: true, ID: 13, ChainID: 13, Part: 1, Parts: 1, Type: "vim.event.DvsPortBlockedEvent", Target: "DC1", Switch: "DVS-A", DVPort: "431"}
		e.Act = ActPortBlocked
	})
	add("vcenter_mac", from(66, 14, "vpxd", DatasetVCEvent, "Event [14] [1-1] [x] [vim.event.VmMacChangedEvent] [info] [] [DC1] [14] [Changed MAC address from 00:50:56:aa:bb:cc to 00:50:56:aa:bb:dd for adapter VirtualVmxnet3 for web-01]"), func(e *Event) {
		e.VCEvent = VCEvent{Present: true, ID: 14, ChainID: 14, Part: 1, Parts: 1, Type: "vim.event.VmMacChangedEvent", Target: "DC1", VM: "web-01", OldMAC: "00:50:56:aa:bb:cc", NewMAC: "00:50:56:aa:bb:dd"}
		e.Act = ActMACChanged
	})
	add("vcenter_esx", from(67, 14, "vpxd", DatasetVCEvent, "Event [15] [1-1] [x] [esx.problem.net.redundancy.lost] [warning] [] [esx1] [15] [Lost uplink redundancy]"), func(e *Event) {
		e.VCEvent = VCEvent{Present: true, ID: 15, ChainID: 15, Part: 1, Parts: 1, Type: "esx.problem.net.redundancy.lost", Target: "esx1", Portgroup: "PG-1"}
	})
}

func portSamples(add func(string, Event, func(*Event))) {
	add("port_connected", from(60, 182, "vmkernel", DatasetNetPort, "Net: 2312: connected web-01 eth0 to VM Network, portID 0x3000007"), func(e *Event) {
		e.Vmkernel = Vmkernel{Present: true, HasCPU: true, CPU: 3, World: 2065}
		e.NetPort = NetPort{Kind: NetPortConnected, Module: "Net", Line: 2312, Port: 0x3000007, Network: "VM Network", Client: Client{"web-01 eth0", ClientVM, "web-01", "eth0"}}
	})
	add("port_dissociated", from(61, 182, "vmkernel", DatasetNetPort, "Net: 2195: dissociate dvPort 9 from port 0x3000007"), func(e *Event) {
		e.NetPort = NetPort{Kind: NetPortDissociated, Module: "Net", Line: 2195, Port: 0x3000007, DVPort: "9"}
	})
	add("nic_down", from(62, 182, "vmkernel", DatasetVmkernel, "<6>ixgbe: vmnic6: NIC Link is Down"), func(e *Event) {
		e.Act, e.Vmkernel = ActLinkDown, Vmkernel{Present: true, NIC: "vmnic6"}
	})
	add("access", from(63, 14, "envoy", DatasetSystem, "POST /sdk?token=abc 401 via_upstream - 0 9 - 2 1 0 192.0.2.5:51004 HTTP/1.1 TLSv1.2 192.0.2.1:443"), func(e *Event) {
		e.Act, e.Source, e.Destination = ActAccess, Endpoint{"192.0.2.5", 51004}, Endpoint{"192.0.2.1", 443}
		e.Access = Access{Method: "POST", Path: "/sdk", Query: e.part("token=abc"), Version: "1.1", Status: 401}
		e.hide("abc")
	})
	add("group", from(64, 14, "ssoAdminServer", DatasetVCAudit, "Adding users '[{Name: bob, Domain: lab.example}]' to local group 'Administrators'"), func(e *Event) {
		e.Act, e.User, e.Target, e.Group = ActGroupChanged, User{Name: "admin", Domain: "lab.example"}, User{Name: "bob", Domain: "lab.example"}, "Administrators"
	})
}
