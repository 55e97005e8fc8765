package decode

import (
	"strings"

	"vswarden/event"
)

// decodeProgram gives the message to the decoder of the program that wrote it and names the dataset.
func decodeProgram(e *event.Event, h head) {
	app := baseName(e.Syslog.AppName)
	p := programOf(app)
	if e.Syslog.StructuredData == "" && strings.HasPrefix(e.Message, "[esx@") && p != programHostd && p != programVpxa && p != programVmacore {
		leadingSD(e)
	}
	whole := false // hostd's header is read, and says nothing of a message that was shortened
	switch {
	case aboutLoss(e.Message, app) && lossLine(e, e.Message):
		e.Dataset = event.DatasetLogLoss
	case isAudit(e, h):
		e.Dataset = event.DatasetAudit
		auditRecord(e)
	case p == programVmkernel:
		vmkernelLine(e)
	case p == programHostd:
		e.Dataset = event.DatasetHostd
		whole = hostdLine(e)
		if isLogin(e.Act) {
			e.Dataset = event.DatasetAuth
		}
		if e.Hostd.EventID != "" && (!e.OnlyCommon() && e.Loss.Kind != event.LossNone || lostMessages(e, e.Hostd.Text)) {
			e.Dataset = event.DatasetLogLoss
		}
	case p == programVpxa:
		e.Dataset = event.DatasetVpxa
		if vcEventLine(e, e.Message) {
			e.Dataset = event.DatasetVCEvent
		} else {
			whole = hostdLine(e)
		}
	case p == programVmacore:
		e.Dataset = event.DatasetSystem
		if !fromESXi(e, h) {
			e.Dataset = event.DatasetGeneric // vCenter has an envoy and an rhttpproxy too
		}
		hostdLine(e)
		if accessLine(e, e.Hostd.Text) {
			break
		}
		if e.Dataset == event.DatasetGeneric {
			serviceText(e, e.Hostd.Text)
		}
	case p == programVCenter:
		vcenterLine(e)
	case p == programVob:
		e.Dataset = event.DatasetVOB
		vobLine(e)
		if lossOfVOB(e) {
			e.Dataset = event.DatasetLogLoss
		}
	case p == programShell:
		e.Dataset = event.DatasetShell
		shellLine(e)
	case p == programLogin:
		e.Dataset = event.DatasetGeneric
		if fromESXi(e, h) || h.format == event.FormatRaw {
			e.Dataset = event.DatasetAuth
		}
		if app[0] == 's' && len(app) > len("sudo") || !suText(e, e.Message) { // not sshd
			if !loginText(e, e.Message) {
				terminalLogin(e, e.Message)
			}
		}
	case p == programAuthd:
		e.Dataset = event.DatasetAuth
		loginText(e, e.Message)
	case p == programCron && fromESXi(e, h):
		e.Dataset = event.DatasetSystem
		userCommand(e, e.Message)
	case p == programLinux:
		e.Dataset = event.DatasetGeneric
		linuxLine(e, e.Message)
	case p == programLinkwatch:
		e.Dataset = event.DatasetGeneric
		linkwatchLine(e, e.Message)
	case p == programUnknown && kernelText(e.Message): // the tag is a host's name, or was rewritten
		vmkernelLine(e)
	case p == programUnknown && app == "" && unprogrammed(e):
	case p == programUnknown && foreignService(e, app, h):
	case p == programSystem || fromESXi(e, h):
		e.Dataset = event.DatasetSystem
	default:
		e.Dataset = event.DatasetGeneric
	}
	if e.Syslog.StructuredData != "" || !whole && e.Message != "" && e.Message[0] == '[' && !wordInBrackets(e.Message) &&
		strings.Contains(e.Message[:min(len(e.Message), 256)], "msgModified=") {
		lossOfText(e)
	}
	settleKind(e, h)
}

// vcenterLine reads a line of one of vCenter's services: an event, an audit record, or text with
// hostd's header in front.
func vcenterLine(e *event.Event) {
	switch s := e.Message; {
	case vcEventLine(e, s):
		e.Dataset = event.DatasetVCEvent
		if e.Loss.Kind != event.LossNone {
			e.Dataset = event.DatasetLogLoss
		}
	case ssoAudit(e, s), authorizationAudit(e, s):
		e.Dataset = event.DatasetVCAudit
	default:
		e.Dataset = event.DatasetGeneric
		serviceLine(e)
	}
}

// serviceLine reads any other line of vCenter's services. Who was let do what, and what was done to
// an account, is audit.
func serviceLine(e *event.Event) bool {
	text, ok := e.Message, false
	if start := text[:min(len(text), 96)]; strings.IndexByte(start, '@') < 0 || !strings.Contains(start, "[Originator@") {
		text, ok = serviceHeader(e, text)
	}
	if ok {
		e.Hostd.Present, e.Hostd.Text = true, text
	} else {
		hostdLine(e)
		text = e.Hostd.Text
	}
	if accessLine(e, text) {
		return true
	}
	before := e.User
	serviceText(e, text)
	if e.Act != "" || e.User != before && (strings.HasSuffix(e.Syslog.AppName, "-audit") || strings.Contains(text, "} with role '")) {
		e.Dataset = event.DatasetVCAudit
	}
	return ok
}

// leadingSD takes off the structured data that ESXi's RFC 3164 puts in front of the text. hostd and its kin
// have a header there that their decoder reads, and that stays.
func leadingSD(e *event.Event) {
	sd, rest, strict, ok := takeSD(e.Message)
	if !ok {
		return
	}
	e.Syslog.StructuredData, e.Message = sd, trimSpaces(rest)
	if !strict {
		mark(e, event.TagBadSD, reasonSD)
	}
}

// foreignService reads a line of a program that the tables do not know where its text is built as
// only vCenter's services build it.
func foreignService(e *event.Event, app string, h head) bool {
	s := e.Message
	if s == "" || h.format == event.FormatRaw && app == "" {
		return false
	}
	switch s[0] {
	case '[', '\'', 't', ':':
		if fromESXi(e, h) && app != "" {
			return false
		}
	case 'I', 'W', 'E', 'D', 'T', 'F': // a level
	default:
		if !isDigit(s[0]) || !strings.Contains(s, "HTTP/") && app == "" {
			return false
		}
	}
	e.Dataset = event.DatasetGeneric
	if serviceLine(e) || e.Act == event.ActAccess {
		return true
	}
	e.Dataset, e.Hostd = "", event.Hostd{}
	return false
}

// aboutLoss reports a message that may be about lost messages: those of the log daemon, and those
// that any syslog daemon puts in place of repeated ones.
func aboutLoss(s, app string) bool {
	if s == "" {
		return false
	}
	switch s[0] {
	case 'l':
		return strings.HasPrefix(s, "last message ") || strings.HasPrefix(app, "vmsyslog")
	case '-':
		return strings.HasPrefix(s, "--- last ") || strings.HasPrefix(app, "vmsyslog")
	case 'm':
		return strings.HasPrefix(s, "message repeated ") || strings.HasPrefix(app, "vmsyslog")
	}
	return strings.HasPrefix(app, "vmsyslog")
}

// settleKind says what became of a line in which no header was found.
func settleKind(e *event.Event, h head) {
	if h.format != event.FormatRaw {
		return
	}
	if e.Raw == "" {
		e.Reason = reasonEmpty
	}
	if e.Syslog.Priority < 0 && e.Dataset == event.DatasetGeneric && e.Act == "" && e.User.Name == "" {
		e.Kind = kindPipelineError
	}
}

// unprogrammed decodes a line without a program where the text alone is unambiguous. It names the
// dataset, or reports false.
func unprogrammed(e *event.Event) bool {
	s := trimSpaces(e.Message)
	if strings.Contains(s, ": L2Sec_") && l2secLine(e, takeKernelLevel(e, s)) {
		e.Dataset = event.DatasetL2Sec
		return true
	}
	if netPortLine(e, s) || netLine(e, s) {
		e.Dataset = event.DatasetNetPort
		return true
	}
	if vobPrefix(s) || vobID0(s) {
		e.Dataset = event.DatasetVOB
		vobLine(e)
		if lossOfVOB(e) {
			e.Dataset = event.DatasetLogLoss
		}
		return true
	}
	if vmacorePrefix(s) {
		e.Dataset = event.DatasetHostd
		hostdLine(e)
		if isLogin(e.Act) {
			e.Dataset = event.DatasetAuth
		}
		return true
	}
	if rest, ok := strings.CutPrefix(s, "[shell["); ok { // [shell[1234]]: [root]: esxcli …
		if pid, command, ok := strings.Cut(rest, "]]: "); ok && trailingDigits(pid) == len(pid) {
			e.Dataset, e.Message = event.DatasetShell, command
			e.Syslog.AppName, e.Syslog.ProcID = s[1:len("[shell")], pid
			shellLine(e)
			return true
		}
	}
	if vcEventLine(e, s) {
		e.Dataset = event.DatasetVCEvent
		return true
	}
	if ssoAudit(e, s) || authorizationAudit(e, s) {
		e.Dataset = event.DatasetVCAudit
		return true
	}
	if linkwatchLine(e, s) {
		return true
	}
	if linuxLine(e, s) && e.Dataset != "" {
		return true
	}
	if accessLine(e, s) {
		e.Dataset = event.DatasetGeneric
		return true
	}
	if strings.HasPrefix(s, "USER ") && userCommand(e, s) {
		e.Dataset = event.DatasetSystem
		return true
	}
	if number, text, ok := hostdEvent(s); ok {
		e.Dataset = event.DatasetHostd
		e.Hostd = event.Hostd{Present: true, EventID: number, Text: text}
		s = text
	}
	if loginText(e, s) {
		if isLogin(e.Act) || e.Login.SSH {
			e.Dataset = event.DatasetAuth
		} else {
			e.Dataset = event.DatasetHostd
		}
	}
	return e.Dataset != ""
}

// kernelText reports text that begins as only the vmkernel's does.
func kernelText(s string) bool {
	if n := uptimeLen(s); n > 0 && n < len(s) {
		s = trimSpaces(s[n:])
	}
	return cpuPrefix(s)
}

// vobPrefix reports text of vobd's: "[netCorrelator] 73154456us: …".
func vobPrefix(s string) bool {
	_, _, ok := vobCorrelator(s)
	return ok
}

// fromESXi reports whether a line is built as only ESXi builds it, whatever its program is.
func fromESXi(e *event.Event, h head) bool {
	switch h.format {
	case event.FormatRFC3164ISO, event.FormatFileISO, event.FormatNoPRI:
		return h.esxi
	case event.FormatFileESXi8, event.FormatUptime:
		return true
	}
	return h.esxi && vmwareSD(e.Syslog.StructuredData)
}

// vmwareSD reports structured data under VMware's or Broadcom's enterprise number.
func vmwareSD(sd string) bool {
	return strings.Contains(sd, "@6876") || strings.Contains(sd, "@4413")
}

// beginsAudit reports an audit element. Nearly nothing begins with its first letters: those need no call.
func beginsAudit(s string) bool {
	return strings.HasPrefix(s, "[shell.") && strings.HasPrefix(s, "[shell.cmd@")
}

// isAudit reports an audit record: facility 13 (PRI 104–111), which ESXi uses for nothing else, or
// text that is an audit element alone.
func isAudit(e *event.Event, h head) bool {
	if e.Syslog.Priority>>3 == 13 && fromESXi(e, h) {
		return true
	}
	return beginsAudit(e.Message) || beginsAudit(e.Syslog.StructuredData)
}

// program is a family of programs that write alike.
type program uint8

const (
	programUnknown   program = iota
	programVmkernel          // the kernel, and its copies of warnings and alerts
	programHostd             // host agent
	programVpxa              // vCenter's agent on the host
	programVmacore           // other daemons of hostd's build: the same inner header
	programVob               // VMkernel observations
	programShell             // commands typed in the ESXi shell
	programLogin             // programs that other systems have too, under the same name
	programAuthd             // logins, under names only VMware uses
	programCron              // commands run by the clock
	programSystem            // everything else that only ESXi has
	programVCenter           // services of vCenter
	programLinux             // a Linux kernel, its audit system, VMware Workstation's modules
	programLinkwatch         // `vswarden linkwatch` on a Linux host
)

// programOf knows a program by its name as ESXi spells it, since 3.5.
func programOf(app string) program {
	switch app {
	case "vmkernel", "vmkwarning", "vmkalert", "VMkernel", "Vmkernel":
		return programVmkernel
	case "Hostd", "hostd", "vmware-hostd":
		return programHostd
	case "Vpxa", "vpxa":
		return programVpxa
	case "Rhttpproxy", "rhttpproxy", "envoy", "envoy-access", "Envoy", "Fdm", "fdm", "vsansystem", "vsanmgmtd", "vvold", "Vvold", "hostd-probe",
		"Hostd-probe", "dpd", "vsand":
		return programVmacore
	case "vobd", "Vobd":
		return programVob
	case "shell", "ESXShell", "esxcli", "ESXi-Shell":
		return programShell
	case "sshd", "sshd-session", "sshd-auth", "login", "su", "sudo", "dropbear", "auth":
		return programLogin
	case "crond", "busybox-crond":
		return programCron
	case "kernel", "audit", "auditd", "audispd", "vmnet", "vmware":
		return programLinux
	case "linkwatch":
		return programLinkwatch
	case "DCUI", "dcui", "vmware-authd", "vmauthd", "VMAuthd", "vmtoolsd-auth":
		return programAuthd
	case "storageRM", "clomd", "vmsyslogd", "hostprofile", "settingsd", "ConfigStore", "localcli", "esxupdate",
		"usbarb", "usbarbitrator", "sfcbd", "sfcb-vmware_base", "cimslp", "openwsmand", "smartd", "vprobed",
		"vmkeventd", "vmkdevmgr", "jumpstart", "heartbeat", "vmfstracegd", "nfsgssd", "osfsd", "epd",
		"cmmdsd", "cmmdsTimeMachineDump", "vsantraceUrgent", "vsantraced", "esxtokend", "apiForwarder",
		"watchdog-vobd", "watchdog-hostd", "watchdog-vpxa", "lifecycle", "vdtc", "netcpad", "nsxa",
		"nsx-opsagent", "ucs-tool-esxi-inv":
		return programSystem
	case "ssoAdminServer", "applmgmt-audit", "eam", "wcp", "wcpsvc", "vmdnsd", "vstats", "trustmanagement-svcs", "certificatemanagement-svcs",
		"cis-license", "perfcharts", "pschealth", "analytics", "hvc", "infraprofile-svcs", "topologysvc", "tokenservice", "vsphere-client",
		"lookupsvc", "vlcm", "observability", "vsm", "procstate", "vapi", "vmcam", "vmonapi":
		return programVCenter
	case "vpxd", "vpxd-svcs", "vpxd-main", "vpxd-profiler", "vmon", "vmafdd", "vmdird", "vmcad", "websso", "sso",
		"vsphere-ui", "applmgmt", "vmware-vum-server", "StatsMonitor", "vsanvcmgmtd", "vsan-mgmt", "eam-api",
		"vcenter-server", "sps", "vapi-endpoint", "content-library", "updatemgr", "vcha", "rbd", "sca", "imageService":
		return programVCenter
	}
	if isHostWorker(app) {
		return programSystem
	}
	for _, prefix := range [...]string{"vpxd-", "sso-", "ssoadmin", "sts-", "vsphere-ui", "ui-", "eam-", "applmgmt-", "vapi-", "vsan-health", "content-library-"} {
		if strings.HasPrefix(app, prefix) {
			return programVCenter
		}
	}
	return programUnknown
}

// isESXProgram reports a name that no text begins with by chance: where a tag has lost its colon or
// its header, these alone are taken for a program.
func isESXProgram(app string) bool {
	switch programOf(baseName(app)) {
	case programVmkernel, programHostd, programVpxa, programVob:
		return true
	case programVmacore:
		return app != "dpd" && app != "envoy"
	}
	return false
}

// baseName cuts the path off a program: /usr/lib/vmware/bin/vmware-hostd.
func baseName(app string) string {
	if app == "" || app[0] != '/' {
		return app
	}
	return app[strings.LastIndexByte(app, '/')+1:]
}
