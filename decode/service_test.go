package decode

import (
	"testing"

	"vswarden/event"
)

const vcsa = "<14>1 2026-03-01T09:00:09.000001+00:00 vc1 "

func TestServiceHeaders(t *testing.T) {
	type want struct{ level, logger, thread, op, text string }
	for text, w := range map[string]want{
		"ssoAdminServer - - -  2026-03-01T09:00:01.608Z INFO ssoAdminServer[7:pool-1-thread-1] [OpId=a1] [com.vmware.X] text": {"info", "com.vmware.X", "pool-1-thread-1", "a1", "text"},
		"websso - - - 2026-03-01T09:00:01.608Z WARN websso[52:tomcat-http--15] [CorId=a5] text [x]":                           {"warning", "", "tomcat-http--15", "a5", "text [x]"},
		"vpxd-svcs-main - - - 2026-03-01T09:00:03.379Z [tomcat-exec-2 [] INFO com.vmware.X opId=] text":                       {"info", "com.vmware.X", "tomcat-exec-2", "", "text"},
		"vpxd-svcs - - - 2026-03-01T09:00:03.489Z [authz-service-1  DEBUG com.vmware.Y opId=abc-1] text":                      {"debug", "com.vmware.Y", "authz-service-1", "abc-1", "text"},
		"vapi-endpoint - - - [2026-03-01T09:00:13.744Z] text":                                                                 {"", "", "", "", "[2026-03-01T09:00:13.744Z] text"},
		"vapi-endpoint - - - [2026-03-01T09:00:13.744Z]":                                                                      {"", "", "", "", "[2026-03-01T09:00:13.744Z]"},
		"vapi-endpoint - - - [2026-03-01T09:00:13.744Z] [ERROR] text":                                                         {"error", "", "", "", "text"},
		"vmdird - - -  t@140000000000001:INFO: text":                                                                          {"info", "", "140000000000001", "", "text"},
		"vmafdd - - -  t@140000000000001: text":                                                                               {"", "", "140000000000001", "", "text"},
		"updatemgr - - -  2026-03-01T09:00:25:001Z 'Activation' 140000000000002 INFO  [activationValidator, 368] text":        {"info", "Activation", "140000000000002", "", "text"},
		"applmgmt - - -  2026-03-01T09:00:05.753: INFO text":                                                                  {"info", "", "", "", "text"},
		"vpxd - - - 2026-03-01T09:00:05.753Z info vpxd[7] [Originator@6876 sub=X opID=1-a] text":                              {"info", "X", "7", "1-a", "text"},
		"vpxd - - - [Originator@6876 sub=X] [INFO] text":                                                                      {"", "X", "", "", "[INFO] text"},
		"eam - - - 2026-03-01T09:00:05.753Z | INFO | vlsi | text":                                                             {"", "", "", "", "| INFO | vlsi | text"},
	} {
		e := line(vcsa + text)
		if got := (want{e.Level, e.Logger, e.Hostd.Thread, e.Hostd.OpID, e.Hostd.Text}); got != w {
			t.Errorf("%s\n got %+v\nwant %+v", text, got, w)
		}
		if e.Dataset != event.DatasetGeneric {
			t.Errorf("%s: dataset %s", text, e.Dataset)
		}
		checkStrings(t, &e)
	}
}

func TestServiceUsers(t *testing.T) {
	type want struct {
		act          event.Act
		user, target event.User
		group        string
		dataset      event.Dataset
	}
	lab := func(name string) event.User { return event.User{Name: name, Domain: "lab.example"} }
	for text, w := range map[string]want{
		"ssoAdminServer - - - INFO ssoAdminServer[6:p-9] [OpId=5] [com.X] User {Name: admin, Domain: lab.example} with role 'Administrator' logged in successfully.":                                            {"", lab("admin"), event.User{}, "", event.DatasetVCAudit},
		"ssoAdminServer - - - INFO ssoAdminServer[6:p-9] [OpId=5] [com.X] [User {Name: admin, Domain: lab.example} with role 'A'] Adding users '[{Name: bob, Domain: lab.example}]' to local group 'Operators'": {event.ActGroupChanged, lab("admin"), lab("bob"), "Operators", event.DatasetVCAudit},
		"ssoAdminServer - - - INFO ssoAdminServer[6:p-9] [OpId=5] [com.X] [User {Name: admin, Domain: lab.example} with role 'A'] Deleting principal 'bob@lab.example'":                                         {event.ActAccountRemoved, lab("admin"), lab("bob"), "", event.DatasetVCAudit},
		`trustmanagement-svcs - - - [tomcat-exec-2 [] INFO com.X opId=] User lab.example\admin does not have privileges [System.Read]`:                                                                          {"", lab("admin"), event.User{}, "", event.DatasetGeneric},
		`vpxd-svcs - - - [a-7 [] INFO com.X opId=1] A new user [of a session]: lab.example\admin, the third`:                                                                                                    {"", lab("admin"), event.User{}, "", event.DatasetGeneric},
		"applmgmt-audit - - - INFO asked, user=admin@lab.example, answer=yes":                                                                                                                                   {"", lab("admin"), event.User{}, "", event.DatasetVCAudit},
		"vmdird - - - t@1:INFO: Modify Entry (cn=x, EID 42)(from 192.0.2.4)(by admin@lab.example)(via Ext)":                                                                                                     {"", lab("admin"), event.User{}, "", event.DatasetGeneric},
		`vpxd - - - info vpxd[1] [Originator@6876 sub=X] user name: lab.example\admin`:                                                                                                                          {"", event.User{}, event.User{}, "", event.DatasetGeneric},
		`vpxd - - - info vpxd[1] [Originator@6876 sub=X] Login by user: lab.example\admin.`:                                                                                                                     {"", lab("admin"), event.User{}, "", event.DatasetGeneric},
		"vpxd - - - info vpxd[1] [Originator@6876 sub=X] User interface reset by the user himself":                                                                                                              {"", event.User{}, event.User{}, "", event.DatasetGeneric},
		"vmon - - - Superuser a@b started": {"", event.User{}, event.User{}, "", event.DatasetGeneric},
	} {
		e := line(vcsa + text)
		if got := (want{e.Act, e.User, e.Target, e.Group, e.Dataset}); got != w {
			t.Errorf("%s\n got %+v\nwant %+v", text, got, w)
		}
		checkStrings(t, &e)
	}
}

func FuzzService(f *testing.F) {
	for _, s := range []string{
		"INFO ssoAdminServer[6:p-9] [OpId=5] [com.X] [User {Name: a, Domain: b} with role 'A'] Adding users '[{Name: c, Domain: d}]' to local group 'e'",
		"[a [] INFO b opId=c] user [x]: D\\u is 3", "'A' 1 INFO [b, 3] c", "t@1:INFO: (x)(from y)(by z)", "INFO a:b (c) d - e", "[a][INFO] b", "WARN ", "[ ",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, prefix := range []string{vcsa + "vpxd-svcs - - - ", "2026-03-01T09:00:01.608Z ", ""} {
			e := line(prefix + text)
			checkStrings(t, &e)
			checkEvent(t, &e)
		}
	})
}
