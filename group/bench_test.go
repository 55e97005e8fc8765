package group

import (
	"fmt"
	"net/netip"
	"testing"

	"vswarden/decode"
	"vswarden/event"
)

// BenchmarkStage is a decoded line through the stage, beside the copy of its event: of agents over a stream, whose lines wait
// for the next one, and of observations, which end what waits.
func BenchmarkStage(b *testing.B) {
	agents := []string{
		header("18.734", "Hostd") + originator + "Task Completed : haTask-ha-host-vim.host.Update-134 Status success",
		header("18.734", "Vpxa") + originator + "[VpxLRO] -- FINISH lro-47",
		header("18.734", "vmkernel") + "cpu10:2098765)NMP: nmp_ThrottleLogForDevice:3863: Cmd 0x2a failed",
	}
	for name, lines := range map[string][]string{"agents": agents, "observations": append([]string{header("18.734", "vobd") + " " + vobGen}, agents...)} {
		b.Run(name, func(b *testing.B) {
			s := NewStage(usual)
			snd := s.Sender("192.0.2.1")
			events := make([]event.Event, len(lines))
			for i := range events {
				events[i].Reset()
				events[i].Raw = lines[i]
				decode.Line(&events[i], nil)
			}
			b.ReportAllocs()
			for n := uint64(1); b.Loop(); n++ {
				it := s.New()
				it.Event = events[n%uint64(len(events))]
				it.Pos, it.Stamp, it.Sender, it.Stream = n, int64(n)*10_000, snd, true
				it.Conn = netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, 2, 1}), 514)
				s.Add(it)
				for it := s.Next(); it != nil; it = s.Next() {
					s.Finish(it)
					s.Free(it)
				}
				s.fresh = s.fresh[:0]
			}
		})
	}
}

// BenchmarkRepeats looks for a happening that was not told before among those told last.
func BenchmarkRepeats(b *testing.B) {
	var r repeats
	for i := range r.told {
		r.add(tale{text: mix(0, fmt.Sprint(i)), name: mix(1, fmt.Sprint(i)), form: vobESX}, happening{})
	}
	for b.Loop() {
		if r.first(tale{text: 7, name: 8, form: vobGeneric}, 0, 0) >= 0 {
			b.Fatal()
		}
	}
}
