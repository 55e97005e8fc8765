package decode

import (
	"testing"

	"vswarden/event"
)

func TestAccessLines(t *testing.T) {
	type want struct {
		access              event.Access
		source, destination event.Endpoint
		user, agent         string
	}
	for text, w := range map[string]want{
		"2026-03-01T09:00:03.587Z POST /sdk 200 via_upstream - 100 200 - 3 2 0 192.0.2.123:51001 HTTP/1.1 TLSv1.2 192.0.2.10:443 127.0.0.1:52001 HTTP/2 - 127.0.0.1:8085 - \"Query\"": {
			event.Access{Method: "POST", Path: "/sdk", Version: "1.1", Status: 200}, at("192.0.2.123", 51001), at("192.0.2.10", 443), "", "",
		},
		"2026-03-01T09:00:03.587Z POST /api/x?q=a+b HTTP/2 403 via_upstream - 10 20 3 2 0 [2001:db8::4]:51007 [2001:db8::8]:443 127.0.0.1:52007 127.0.0.1:8085": {
			event.Access{Method: "POST", Path: "/api/x", Query: "q=a+b", Version: "2", Status: 403}, at("2001:db8::4", 51007), at("2001:db8::8", 443), "", "",
		},
		"[2026-03-01T09:00:05.450Z] \"GET /stats HTTP/1.1\" 200 - 0 1000 60 - \"-\" \"VMware-client/8.0.3\" \"-\" \"localhost\" \"-\"": {
			event.Access{Method: "GET", Path: "/stats", Version: "1.1", Status: 200}, event.Endpoint{}, event.Endpoint{}, "", "VMware-client/8.0.3",
		},
		"GET /x 0 DC - 0 0 - 1 - 0 192.0.2.4:1000 HTTP/1.1 TLSv1.2 192.0.2.8:443": {
			event.Access{Method: "GET", Path: "/x", Version: "1.1"}, at("192.0.2.4", 1000), at("192.0.2.8", 443), "", "",
		},
		"[01/Mar/2026:09:00:06 +0000] tomcat-http--1 [Request] 192.0.2.4:51003 to local 7080 - HTTP/1.1 POST /sts/STSService [Response] 200 - 100 bytes [Perf] process 0ms": {
			event.Access{Method: "POST", Path: "/sts/STSService", Version: "1.1", Status: 200}, at("192.0.2.4", 51003), event.Endpoint{}, "", "",
		},
		"127.0.0.1 - - - [01/Mar/2026:09:00:07 +0000] [tomcat-http--2] \"POST /eam/sdk HTTP/1.1\" 200 100 [Processing time 3 msec] \"agent/1.0\"": {
			event.Access{Method: "POST", Path: "/eam/sdk", Version: "1.1", Status: 200}, at("127.0.0.1", 0), event.Endpoint{}, "", "agent/1.0",
		},
		"192.0.2.77 - LAB\\bob [01/Mar/2026:09:00:08 +0100] \"GET /ui/a \"b\" HTTP/1.1\" 401 19 \"-\" \"Mozilla/5.0 (X11)\"": {
			event.Access{Method: "GET", Path: "/ui/a \"b\"", Version: "1.1", Status: 401}, at("192.0.2.77", 0), event.Endpoint{}, "bob", "Mozilla/5.0 (X11)",
		},
	} {
		for _, header := range []string{"<14>1 2026-03-01T09:00:09.000001+00:00 vc1 envoy-access 12 - - ", "<166>2026-03-01T09:00:09.126Z esx1 envoy-access[15]: ", ""} {
			e := line(header + text)
			if e.Act != event.ActAccess || e.Access != w.access || e.Source != w.source || e.Destination != w.destination || e.User.Name != w.user || e.Login.Agent != w.agent {
				t.Errorf("%s\n got %s %+v %+v %+v %+v %q\nwant %+v", e.Raw, e.Act, e.Access, e.Source, e.Destination, e.User, e.Login.Agent, w)
			}
			checkStrings(t, &e)
			checkEvent(t, &e)
		}
	}
	e := line("192.0.2.77 - bob [01/Mar/2026:09:00:08 +0100] \"GET / HTTP/1.1\" 200 19")
	if e.TimeSource != event.TimeHeader || e.Time != 1772352008000000000 || e.Kind != "" {
		t.Errorf("time %d, source %q, kind %q", e.Time, e.TimeSource, e.Kind)
	}
	for _, text := range []string{"POST /sdk HTTP/1.1", "HTTP/1.1 200 OK", "Got HTTP/1.1 from x", "GET / HTTP/1.1 2x0 a", "[Request] HTTP/", "a - b [ \"GET HTTP/\" "} {
		if e := line("<166>2026-03-01T09:00:09.126Z esx1 envoy[1]: " + text); e.Act != "" || e.Access.Method != "" {
			t.Errorf("%s: %+v", text, e.Access)
		}
	}
}

func FuzzAccess(f *testing.F) {
	for _, s := range []string{
		`[01/Mar/2026:09:00:06 +0000] tomcat-http--1 [Request] 192.0.2.4:51003 to local 7080 - HTTP/1.1 POST /x [Response] 200 - `,
		`192.0.2.4 - bob [01/Mar/2026:09:00:08 +0100] "GET /ui?token=a&b HTTP/1.1" 401 19 "-" "x"`, `POST /sdk HTTP/1.1 200 via_upstream - 1 2 3 4 0 [::1]:1 [::1]:2`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, prefix := range []string{"", "<166>2026-03-01T09:00:09.126Z esx1 envoy[1]: "} {
			e := line(prefix + text)
			checkStrings(t, &e)
			checkEvent(t, &e)
		}
	})
}
