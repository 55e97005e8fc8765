package decode

import (
	"testing"

	"vswarden/event"
)

func TestStructuredData(t *testing.T) {
	for name, tc := range map[string]struct {
		text, sd, rest string
		strict         bool
	}{
		"one element":              {`[esx@4413 sub="Libs"] x`, `[esx@4413 sub="Libs"]`, " x", true},
		"no parameters":            {`[esx@4413] x`, `[esx@4413]`, " x", true},
		"two elements":             {`[a@1 x="1"][b@2 y="2"] x`, `[a@1 x="1"][b@2 y="2"]`, " x", true},
		"escapes":                  {`[a@1 x="\]\"\\"] x`, `[a@1 x="\]\"\\"]`, " x", true},
		"no message":               {`[a@1 x="1"]`, `[a@1 x="1"]`, "", true},
		"glued text":               {`[nsx@6876 comp="nsx-esx"]client`, `[nsx@6876 comp="nsx-esx"]`, "client", true},
		"unquoted values":          {`[Originator@6876 sub=Libs opID=1] x`, `[Originator@6876 sub=Libs opID=1]`, " x", false},
		"unquoted with blanks":     {`[Originator@6876 sub=Proxy Req 81133] x`, `[Originator@6876 sub=Proxy Req 81133]`, " x", false},
		"unquoted with brackets":   {`[Originator@6876 sub=SoapAdapter[0].HTTPService] x`, `[Originator@6876 sub=SoapAdapter[0].HTTPService]`, " x", false},
		"unquoted with parens":     {`[Originator@6876 sub=Vigor(0009).GuestStats(28)] x`, `[Originator@6876 sub=Vigor(0009).GuestStats(28)]`, " x", false},
		"doubled quotes":           {`[esx@4413 sub=""Libs"" x="1"] x`, `[esx@4413 sub=""Libs"" x="1"]`, " x", false},
		"empty quotes":             {`[esx@4413 sub=""] x`, `[esx@4413 sub=""]`, " x", true},
		"bracket in quotes":        {`[esx@4413 sub="a]b"] x`, `[esx@4413 sub="a]b"]`, " x", false},
		"second element is loose":  {`[a@1 x="1"][b@2 y=z] x`, `[a@1 x="1"][b@2 y=z]`, " x", false},
		"second element is broken": {`[a@1 x="1"][b@2 y="z x`, `[a@1 x="1"]`, `[b@2 y="z x`, false},
	} {
		sd, rest, strict, ok := takeSD(tc.text)
		if !ok || sd != tc.sd || rest != tc.rest || strict != tc.strict {
			t.Errorf("%s: %q %q strict %v ok %v", name, sd, rest, strict, ok)
		}
	}
	for _, text := range []string{"", "[", "[]", "[ x]", "[a@1 x=\"1", "text", "[a", "[a=b]x[", `[a@1 x=[`} {
		if sd, rest, _, ok := takeSD(text); ok && len(sd)+len(rest) != len(text) {
			t.Errorf("%q: %q and %q", text, sd, rest)
		}
	}
}

func TestSDElement(t *testing.T) {
	const sd = `[Originator@6876 sub=A B[1]][esx@4413 sub="Libs"][meta x="1"]`
	for prefix, want := range map[string]string{
		"esx@": `[esx@4413 sub="Libs"]`, "Originator@": `[Originator@6876 sub=A B[1]]`, "meta": `[meta x="1"]`, "none@": "",
	} {
		if got := sdElement(sd, prefix); got != want {
			t.Errorf("%s: %q", prefix, got)
		}
	}
}

func TestStructuredDataOfLines(t *testing.T) {
	for raw, want := range map[string]struct {
		sd, msgID string
		tags      event.Tags
	}{
		`<14>1 2026-02-07T11:59:59Z h app 1 ID47 [a@1 x="1"] m`:                       {`[a@1 x="1"]`, "ID47", 0},
		`<14>1 2026-02-07T11:59:59Z h app - - [a@1 x=1] m`:                            {`[a@1 x=1]`, "", event.TagBadSD},
		`<14>1 2026-02-07T11:59:59Z h app - - [a@1 x=""1""] m`:                        {`[a@1 x=""1""]`, "", event.TagBadSD},
		`<14>1 2026-02-07T11:59:59Z h Hostd[1]: [esx@4413 sub="L"] m`:                 {`[esx@4413 sub="L"]`, "", 0},
		`<14>1 2026-02-07T11:59:59Z h Hostd[1]: [esx@4413 sub=L] m`:                   {`[esx@4413 sub=L]`, "", event.TagBadSD},
		`<14>2026-02-07T11:59:59Z h Hostd[1]: [esx@4413 sub="L"] m`:                   {"", "", 0},
		`<181>2026-02-07T11:59:59Z h vmkernel: cpu0:1)cswitch: [nsx@6876 comp="x"] m`: {"", "", 0},
	} {
		e := line(raw)
		if e.Syslog.StructuredData != want.sd || e.Syslog.MsgID != want.msgID || e.Tags != want.tags {
			t.Errorf("%s: %+v, tags %b", raw, e.Syslog, e.Tags)
		}
		if want.sd != "" && e.Message != "m" {
			t.Errorf("%s: message %q", raw, e.Message)
		}
	}
}

// A mutated audit record that begins with a quote was read one byte before its beginning.
func TestAuditRecordWithoutBracket(t *testing.T) {
	for _, text := range []string{`"shell.cmd@6876 subject="root" command="ls"]`, `="a"`, `"`, ``} {
		e := line("<110>2026-02-07T11:59:59.186Z esx1 shell[1]: " + text)
		if e.Command.Line != "" {
			t.Errorf("%s: %+v", text, e.Command)
		}
	}
}

// ESXi's RFC 3164 puts structured data in front of the text; what follows is decoded as ever.
func TestStructuredDataInRFC3164(t *testing.T) {
	const head = "<182>2026-02-07T11:59:59.000Z esx8 "
	e := line(head + `vmkernel: [esx@6876 msgModified="Truncated" originalLen="1210"] cpu0:1)cswitch: L2Sec_EnforcePortCompliance:209: client web.eth0 requested promiscuous mode on port 0x4000010, disallowed by vswitch policy`)
	if e.L2Sec.Kind != event.L2SecPromiscRequested || e.Vmkernel.World != 1 || e.Loss.Count != 1210 || e.Syslog.StructuredData == "" {
		t.Errorf("%+v, %+v", e.L2Sec, e.Loss)
	}
	e = line(head + `vobd[1]: [esx@4413 threadName="netCorrelator"] 7us: [esx.problem.net.vmnic.linkstate.down] Physical NIC vmnic6 linkstate is down.`)
	if e.VOB.ID != "esx.problem.net.vmnic.linkstate.down" || e.VOB.Correlator != "netCorrelator" || e.VOB.NIC != "vmnic6" {
		t.Errorf("%+v", e.VOB)
	}
	e = line(head + `shell[1]: [esx@4413] [root]: ls`)
	if e.User.Name != "root" || e.Command.Line != "ls" || e.Message != "[root]: ls" {
		t.Errorf("%+v %+v", e.User, e.Command)
	}
	e = line(head + `sshd[1]: [esx@4413 a=b c] Accepted password for root from 192.0.2.4 port 5 ssh2`)
	if e.Act != event.ActLogin || e.Tags&event.TagBadSD == 0 {
		t.Errorf("%s, tags %b", e.Act, e.Tags)
	}
}
