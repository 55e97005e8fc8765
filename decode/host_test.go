package decode

import (
	"bytes"
	"testing"

	"vswarden/event"
)

func TestHeaderHost(t *testing.T) {
	for raw, want := range map[string]string{
		"": "", "hello": "", "<13>": "",
		"<181>2014-12-10T19:23:45.733Z ESX1.example.com vmkernel: cpu14:1559738)x":            "ESX1.example.com",
		"<182>2025-07-01T14:29:11.508Z vmkernel: cpu0:1)text":                                 "",
		"<13>Feb  7 11:58:01 relay1 <181>2026-02-07T11:58:00.100Z esx1 vmkernel: cpu0:1)text": "esx1",
		"<13>Feb  7 11:58:01 esx1 2026-02-07T11:58:00.100Z cpu0:1)text":                       "esx1",
		"<14>1 2026-02-07T11:59:59Z esx9 app 1 ID47 - m":                                      "esx9",

		"<14>1 - - - - - - hello":                                                                                 "",
		"<14>1 2026-02-07T11:59:59Z gw1 no tag here":                                                              "gw1",
		"2022-04-19T17:46:38.933Z cpu0:262261)cswitch: x":                                                         "",
		"<164>NoneZ esx1 Hostd: 2015-06-21T00:02:08.553Z warning hostd[1] x":                                      "esx1",
		"Jul  1 14:30:23 192.168.8.233 2025-07-01T14:29:11.508Z localhost.localdomain shell[1]: [root]: esxcli x": "localhost.localdomain",
	} {
		b := []byte(raw)
		if got := HeaderHost(b); string(got) != want {
			t.Errorf("%s: %q, want %q", raw, got, want)
		}
		if string(b) != raw {
			t.Errorf("%q was changed", raw)
		}
		if e := line(raw); e.Syslog.Hostname != want {
			t.Errorf("%s: Line says %q, HeaderHost %q", raw, e.Syslog.Hostname, want)
		}
	}
}

// What HeaderHost returns is a part of the frame, not a copy of it.
func TestHeaderHostIsPart(t *testing.T) {
	raw := []byte(benchL2Sec)
	host := HeaderHost(raw)
	host[0] = 'X'
	if !bytes.Contains(raw, []byte("Z Xsx.vmware.com ")) {
		t.Errorf("frame %q", raw)
	}
}

func TestFallback(t *testing.T) {
	// RFC 5424 cut off in the middle of its fields: go-syslog still knows the program.
	e := line("<34>1 2026-02-07T11:59:59Z gw1 app 4711")
	if e.Syslog.AppName != "app" || e.Format != event.FormatHybrid || e.Tags&event.TagParsePartial == 0 {
		t.Errorf("%+v", e)
	}
	checkStrings(t, &e)
	// Where it knows no more than we do, all stays in the message, and its clock is not believed.
	e = line("<189>29: *Mar  1 18:48:50.483 UTC: %SYS-5-CONFIG_I: Configured from console")
	if e.Message != "29: *Mar  1 18:48:50.483 UTC: %SYS-5-CONFIG_I: Configured from console" || e.TimeSource != event.TimeReceived || e.Kind != "" {
		t.Errorf("%+v", e)
	}
	for _, raw := range []string{"<34>1 2026-02-07T11:59:59Z", "<34>1 2026-02-07T11:59:59Z ", "<34>1 ", "<34>1 - ", "<34>x", "<34>1 2026-02-07T11:59:59+"} {
		e := line(raw)
		checkStrings(t, &e)
	}
}
