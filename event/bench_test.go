package event

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
)

func BenchmarkAppendJSON(b *testing.B) {
	events := []sample{{"hostd", hostdEvent()}, {"l2sec", promiscEvent()}}
	for _, s := range partSamples() {
		switch s.name {
		case "vob_redundancy", "hostd_login", "shell_secret", "vcenter_policy":
			events = append(events, s)
		}
	}
	for i := range events {
		events[i].e = asDecoded(&events[i].e)
	}
	for _, d := range []Detail{DetailCompact, DetailStandard, DetailFull} {
		for _, s := range events {
			b.Run(d.String()+"/"+s.name, func(b *testing.B) {
				dst := make([]byte, 0, 8192)
				b.SetBytes(int64(len(s.e.Raw)))
				b.ReportAllocs()
				for b.Loop() {
					dst = s.e.AppendJSON(dst[:0], d, OriginalNone)
				}
			})
		}
	}
}

// asDecoded is a sample as decode leaves it: in an event that was Reset, with all that Raw has a part of it, and looked at once.
func asDecoded(s *Event) (e Event) {
	e.Reset()
	e.Common = s.Common
	if s.Rare != (Rare{}) {
		*e.Rarely() = s.Rare
	}
	for _, four := range slices.Concat(commonTexts, rareTexts) {
		for _, at := range four {
			text := e.text(at)
			if i := strings.Index(e.Raw, *text); i >= 0 {
				*text = e.Raw[i : i+len(*text)]
			}
		}
	}
	e.ScanRaw()
	return e
}

func BenchmarkAppendText(b *testing.B) {
	for _, s := range []struct{ name, text string }{
		{"plain", "etherswitch: L2Sec_EnforcePortCompliance:226: client web-01.eth0 requested promiscuous mode on port 0x3000005, disallowed by vswitch policy"},
		{"quotes", `State Transition (VM_STATE_ON -> VM_STATE_RECONFIGURING) for "APP1" in <resgroup-7>, path "/vmfs/volumes/a/b.vmx", was "c", is "d"`},
		{"cyrillic", "etherswitch: клиент Бухгалтерия.eth0 запросил неразборчивый режим на порту 0x3000005"},
		{"short", "Hostd"},
	} {
		b.Run(s.name, func(b *testing.B) {
			dst := make([]byte, 0, 1024)
			b.SetBytes(int64(len(s.text)))
			b.ReportAllocs()
			for b.Loop() {
				dst = appendText(dst[:0], s.text)
			}
		})
	}
}

func BenchmarkAppendTime(b *testing.B) {
	dst := make([]byte, 0, 64)
	ns := unix("2026-09-15T10:30:00.187345219Z")
	b.ReportAllocs()
	for b.Loop() {
		dst = appendTime(dst[:0], ns, 6)
	}
}

func BenchmarkAppendAddr(b *testing.B) {
	dst := make([]byte, 0, 64)
	addr := netip.MustParseAddr("192.0.2.11")
	for b.Loop() {
		dst = appendAddr(dst[:0], addr)
	}
}

func BenchmarkIDAppendText(b *testing.B) {
	dst := make([]byte, 0, 64)
	id := NewID(0x5a17c0de00000001, 123456789)
	b.ReportAllocs()
	for b.Loop() {
		dst = id.AppendText(dst[:0])
	}
}
