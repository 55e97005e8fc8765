package decode

import (
	"strings"
	"testing"

	"vswarden/event"
)

// wire is ESXi's header in front of hostd's text.
const wire = "<166>2026-02-07T11:59:59.000Z esx1 Hostd: "

func TestHostdHeaders(t *testing.T) {
	for name, tc := range map[string]struct {
		text          string
		level, logger string
		want          event.Hostd
		user          event.User
	}{
		"6.x and 7": {
			"info hostd[2100080] [Originator@6876 sub=Vimsvc.ha-eventmgr opID=2e195085 sid=52a91dac user=vpxuser] text",
			"info", "Vimsvc.ha-eventmgr",
			event.Hostd{Thread: "2100080", OpID: "2e195085", SessionID: "52a91dac", Text: "text"},
			event.User{Name: "vpxuser"},
		},
		"6.0, hexadecimal thread": {
			"verbose hostd[79A7B80] [Originator@6876 sub=PropertyProvider] text", "verbose", "PropertyProvider",
			event.Hostd{Thread: "79A7B80", Text: "text"},
			event.User{},
		},
		"8": {
			`[Originator@6876 sub=Libs opID=539bc6dd-c7-c39c sid=52370179 user=vpxuser:VSPHERE.LOCAL\vpxd-extension-a86d81ba] notFound(403)`, "", "Libs",
			event.Hostd{OpID: "539bc6dd-c7-c39c", SessionID: "52370179", Text: "notFound(403)"},
			event.User{Name: "vpxuser", Domain: "VSPHERE.LOCAL", Delegate: "vpxd-extension-a86d81ba"},
		},
		"no user behind vpxuser": {
			"[Originator@6876 sub=AdapterServer opID=531c52d7-9d8a sid=52806149 user=vpxuser:<no user>] New request: target='x', method='y'", "", "AdapterServer",
			event.Hostd{OpID: "531c52d7-9d8a", SessionID: "52806149", Text: "New request: target='x', method='y'"},
			event.User{Name: "vpxuser"},
		},
		"blanks in a value": {
			"[Originator@6876 sub=Vimsvc.Ticket 52 66 af 87 76 b0 ab 21-dd 2b 28 27 3a 39 fd fd opID=ec9d7fe8] Ticket issued for root", "",
			"Vimsvc.Ticket 52 66 af 87 76 b0 ab 21-dd 2b 28 27 3a 39 fd fd",
			event.Hostd{OpID: "ec9d7fe8", Text: "Ticket issued for root"},
			event.User{},
		},
		"brackets in a value": {
			"[Originator@6876 sub=SSL SoapAdapter[1].HTTPService] Max buffered", "", "SSL SoapAdapter[1].HTTPService",
			event.Hostd{Text: "Max buffered"},
			event.User{},
		},
		"parentheses in a value": {
			"warning hostd[2100102] [Originator@6876 sub=VigorStatsProvider(0000003200e5a700).GuestStats(1) opID=264347c0-01] Set", "warning",
			"VigorStatsProvider(0000003200e5a700).GuestStats(1)",
			event.Hostd{Thread: "2100102", OpID: "264347c0-01", Text: "Set"},
			event.User{},
		},
		"an equals sign in a value": {
			"[Originator@6876 sub=a=b c opID=x=y] text", "", "a=b c", event.Hostd{OpID: "x=y", Text: "text"}, event.User{},
		},
		"an at sign in a value": {
			"[Originator@6876 sub=Req@vsan/VMC M5 opID=host@23668] text", "", "Req@vsan/VMC M5", event.Hostd{OpID: "host@23668", Text: "text"}, event.User{},
		},
		"quotes": {
			`[Originator@4413 sub="Service Account" opID="Svc[1]" user="VSPHERE.LOCAL\x"] text`, "", "Service Account",
			event.Hostd{OpID: "Svc[1]", Text: "text"},
			event.User{Name: "x", Domain: "VSPHERE.LOCAL"},
		},
		"doubled quotes": {
			`[Originator@4413 sub=""Libs"" opID="1"] text`, "", "Libs", event.Hostd{OpID: "1", Text: "text"}, event.User{},
		},
		"another name": {
			"[vSAN@6876 sub=CnsSync opId=vsan-d810] Sync", "", "CnsSync", event.Hostd{OpID: "vsan-d810", Text: "Sync"}, event.User{},
		},
		"esx@4413 in RFC 3164": {
			`[esx@4413 sub="Libs" threadName="x"] text`, "", "Libs", event.Hostd{Thread: "x", Text: "text"}, event.User{},
		},
		"glued brackets": {
			`verbose vpxa[1] [Originator@6876 sub=vpxLro opID=host@23668][meta sequenceId="231559791"][VpxLRO] -- FINISH`, "verbose", "vpxLro",
			event.Hostd{Thread: "1", OpID: "host@23668", Text: `[meta sequenceId="231559791"][VpxLRO] -- FINISH`},
			event.User{},
		},
		"closing bracket lost": {
			"info vpxd[111111] [Originator@611 sub=vpxLro opID=67ndsd [VpxLRO] -- FINISH lro-808875", "info", "vpxLro",
			event.Hostd{Thread: "111111", OpID: "67ndsd", Text: "[VpxLRO] -- FINISH lro-808875"},
			event.User{},
		},
		"not even a thread": {
			"info -[1001392061] [Originator@6876 sub=Default] Supported VMs 640", "info", "Default",
			event.Hostd{Thread: "1001392061", Text: "Supported VMs 640"},
			event.User{},
		},
		"5.x": {
			"[2C3ECB90 info 'Default' opID=b380000c-8a] AdapterServer caught", "info", "Default",
			event.Hostd{Thread: "2C3ECB90", OpID: "b380000c-8a", Text: "AdapterServer caught"},
			event.User{},
		},
		"5.x, a VM with an apostrophe and brackets": {
			"[3647FB90 verbose 'vm:/vmfs/volumes/ds/Bob's [old] VM/x.vmx' opID=1] text", "verbose", "vm:/vmfs/volumes/ds/Bob's [old] VM/x.vmx",
			event.Hostd{Thread: "3647FB90", OpID: "1", Text: "text"},
			event.User{},
		},
		"4.x": {
			"[2011-06-03 01:23:12.139 2351BB90 info 'ha-eventmgr' opID=58D44130-00000003] Event 285 : User root logged out", "info", "ha-eventmgr",
			event.Hostd{Thread: "2351BB90", OpID: "58D44130-00000003", EventID: "285", Text: "User root logged out"},
			event.User{Name: "root"},
		},
		"3.x": {
			"[2008-03-09 22:43:35.924 'ha-eventmgr' 84503472 info] Event xyz : User m logged in", "info", "ha-eventmgr",
			event.Hostd{Thread: "84503472", EventID: "xyz", Text: "User m logged in"},
			event.User{Name: "m"},
		},
		"text alone": {"Rejected password for user alfred from 172.23.221.4", "", "", event.Hostd{Text: "Rejected password for user alfred from 172.23.221.4"}, event.User{Name: "alfred"}},
		"backtrace":  {"[01] rip 17c5f0e8", "", "", event.Hostd{Text: "[01] rip 17c5f0e8"}, event.User{}},
		"nothing":    {"", "", "", event.Hostd{}, event.User{}},
		"a task": {
			"info hostd[1] [Originator@6876 sub=Vimsvc.TaskManager] Task Completed : haTask-ha-host-vim.host.NetworkSystem.updatePortGroup-134 Status success", "info", "Vimsvc.TaskManager",
			event.Hostd{Thread: "1", Task: "haTask-ha-host-vim.host.NetworkSystem.updatePortGroup-134", Method: "vim.host.NetworkSystem.updatePortGroup", Result: event.OutcomeSuccess, Text: "Task Completed : haTask-ha-host-vim.host.NetworkSystem.updatePortGroup-134 Status success"},
			event.User{},
		},
		"a task in vpxa": {
			"[FFBAAB90 verbose 'Default' opID=SWI-88e6d2f0] [TaskInfoChannel::GetTaskInfo] task: haTask--vim.host.VMotionManager.initiateDestination-134036228 setup", "verbose", "Default",
			event.Hostd{Thread: "FFBAAB90", OpID: "SWI-88e6d2f0", Task: "haTask--vim.host.VMotionManager.initiateDestination-134036228", Method: "vim.host.VMotionManager.initiateDestination", Text: "[TaskInfoChannel::GetTaskInfo] task: haTask--vim.host.VMotionManager.initiateDestination-134036228 setup"},
			event.User{},
		},
		"a task without a name": {"Task Created : haTask-", "", "", event.Hostd{Task: "haTask", Text: "Task Created : haTask-"}, event.User{}},
	} {
		t.Run(name, func(t *testing.T) {
			e := line(wire + tc.text)
			tc.want.Present = true
			if e.Hostd != tc.want {
				t.Errorf("\n got %+v\nwant %+v", e.Hostd, tc.want)
			}
			if e.Level != tc.level || e.Logger != tc.logger || e.User != tc.user {
				t.Errorf("level %q, logger %q, user %+v", e.Level, e.Logger, e.User)
			}
			if e.Message != tc.text {
				t.Errorf("message %q", e.Message)
			}
			checkStrings(t, &e)
		})
	}
}

func TestHostdOfESX9(t *testing.T) {
	e := line(`<166>1 2026-02-07T11:59:59.000Z esx9 Hostd 263196 - [esx@4413 threadName="x" sub="Vimsvc.ha-eventmgr" opID="1" user="root"] Event 7 : text`)
	if e.Logger != "Vimsvc.ha-eventmgr" || e.Hostd.OpID != "1" || e.Hostd.EventID != "7" || e.User.Name != "root" || e.Message != "Event 7 : text" {
		t.Errorf("%+v, logger %q, user %+v", e.Hostd, e.Logger, e.User)
	}
}

func TestTrap21OriginatorSpellings(t *testing.T) {
	for _, name := range []string{"Originator@6876", "esx@4413", "vSAN@6876", "nsx@6876", "Originator@6789"} {
		if e := line(wire + "[" + name + " sub=Proxy Req 81133 opID=1f] text"); e.Logger != "Proxy Req 81133" || e.Hostd.OpID != "1f" || e.Hostd.Text != "text" {
			t.Errorf("%s: %+v, logger %q", name, e.Hostd, e.Logger)
		}
	}
}

func TestSplitUser(t *testing.T) {
	for s, want := range map[string]event.User{
		"root": {Name: "root"}, `D\u`: {Name: "u", Domain: "D"}, "u@d": {Name: "u", Domain: "d"},
		`vpxuser:D\x`: {Name: "vpxuser", Domain: "D", Delegate: "x"}, "vpxuser:<no user>": {Name: "vpxuser"},
		"vpxuser:x@d": {Name: "vpxuser", Domain: "d", Delegate: "x"}, "": {}, "@d": {Name: "@d"}, `\`: {},
	} {
		if got := splitUser(s); got != want {
			t.Errorf("%q: %+v, want %+v", s, got, want)
		}
	}
}

func FuzzHostd(f *testing.F) {
	for _, s := range testdataLines(f, "esxi.log") {
		if _, text, ok := strings.Cut(s, "Hostd: "); ok {
			f.Add(text)
		}
	}
	f.Add("[Originator@1 a=b=c d=\"\"e\"\" sub=[[]] opID=] x")
	f.Add("Task Created : haTask-")
	f.Fuzz(func(t *testing.T, text string) {
		e := line(wire + text)
		checkStrings(t, &e)
		checkEvent(t, &e)
		if !strings.HasSuffix(e.Message, e.Hostd.Text) {
			t.Fatalf("%q: text %q is not the end of the message", text, e.Hostd.Text)
		}
	})
}
