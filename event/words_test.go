package event

import (
	"math/bits"
	"slices"
	"testing"
)

func TestDetailWords(t *testing.T) {
	for _, d := range []Detail{DetailAuto, DetailCompact, DetailStandard, DetailFull} {
		var got Detail
		if err := got.UnmarshalText([]byte(d.String())); err != nil || got != d {
			t.Errorf("%v was read as %v, %v", d, got, err)
		}
	}
	if _, err := ParseDetail("verbose"); err == nil || err.Error() != "not one of auto, compact, standard, full" {
		t.Errorf("verbose: %v", err)
	}
	if d, err := ParseDetail(""); d != DetailAuto || err != nil {
		t.Errorf("the empty word: %v, %v", d, err)
	}
}

func TestOriginalWords(t *testing.T) {
	for _, o := range originals {
		var got Original
		text, err := o.MarshalText()
		if err != nil {
			t.Fatal(err)
		}
		if err := got.UnmarshalText(text); err != nil || got != o {
			t.Errorf("%v was read as %v, %v", o, got, err)
		}
	}
	if _, err := ParseOriginal("some"); err == nil || err.Error() != "not one of security, all, none" {
		t.Errorf("some: %v", err)
	}
}

func TestEveryTagHasAName(t *testing.T) {
	if n := bits.TrailingZeros32(uint32(tagsEnd)); n != len(TagNames) {
		t.Fatalf("%d tags, %d names", n, len(TagNames))
	}
	names := (tagsEnd - 1).Names(nil)
	if !slices.Equal(names, TagNames[:]) {
		t.Errorf("all tags are %v", names)
	}
	for bit, name := range TagNames {
		if tag, ok := ParseTag(name); !ok || tag != 1<<bit {
			t.Errorf("%s is bit %d, read as %b", name, bit, tag)
		}
		if slices.Index(TagNames[:], name) != bit {
			t.Errorf("%s stands twice", name)
		}
	}
	if _, ok := ParseTag("_nothing"); ok {
		t.Error("_nothing is no tag")
	}
	if got := (TagFlood | TagTruncated).Names(nil); !slices.Equal(got, []string{"_truncated", "_flood"}) {
		t.Errorf("got %v", got)
	}
}

func TestDatasets(t *testing.T) {
	var security []Dataset
	for _, d := range AllDatasets {
		if SecurityDataset(d) {
			security = append(security, d)
		}
	}
	want := []Dataset{
		DatasetL2Sec, DatasetNetPort, DatasetAuth, DatasetShell, DatasetAudit, DatasetLogLoss,
		DatasetVCAudit, DatasetPosture, DatasetPolicy, DatasetAlert, DatasetPromisc,
	}
	if !slices.Equal(security, want) {
		t.Errorf("security datasets are %v", security)
	}
	for d, want := range map[Dataset]string{DatasetHostd: "vmware", DatasetGeneric: "syslog", DatasetAlert: "vswarden", DatasetBridge: "linux", "": ""} {
		if got := d.module(); got != want {
			t.Errorf("the module of %s is %s", d, got)
		}
	}
}

func TestL2SecKinds(t *testing.T) {
	if L2SecNone.Action() != "" || L2SecNone.Violation() != "" || L2SecNone.Effect() != "" {
		t.Error("no kind says something")
	}
	for k, row := range referenceL2 {
		if k.Action() != row[0] || string(k.Violation()) != row[3] || k.Effect() != row[4] {
			t.Errorf("kind %d: %s, %s, %s", k, k.Action(), k.Violation(), k.Effect())
		}
	}
	if len(referenceL2) != len(l2secTable)-1 {
		t.Errorf("%d of %d kinds are tested", len(referenceL2), len(l2secTable)-1)
	}
	if got := L2SecKind(200).Action(); got != "l2sec-unknown" {
		t.Errorf("a kind from the future: %s", got)
	}
	l := L2Sec{Kind: L2SecPromiscRevoked, Client: Client{Type: ClientVMK}}
	if l.Severity() != 47 {
		t.Errorf("revoked for a vmk: %d", l.Severity())
	}
}

func TestSyslogNames(t *testing.T) {
	for priority, want := range map[int16]string{181: "local6.notice", 166: "local4.info", 110: "audit.info", 0: "kern.emergency", 191: "local7.debug"} {
		s := Syslog{Priority: priority}
		if got := FacilityNames[s.Facility()] + "." + SeverityNames[s.Severity()]; got != want || !s.HasPriority() {
			t.Errorf("<%d> is %s", priority, got)
		}
	}
	for _, priority := range []int16{-1, 192, 999} {
		if s := (Syslog{Priority: priority}); s.HasPriority() {
			t.Errorf("<%d> is a priority", priority)
		}
	}
}
