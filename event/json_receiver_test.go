package event

import (
	"net/netip"
	"strings"
	"testing"
)

// TestReceiversAsPrintedAnew: what an event printed last is in none that differs from it.
func TestReceiversAsPrintedAnew(t *testing.T) {
	var e Event
	var longest int
	for round := range 2 {
		for _, peer := range []string{"192.0.2.1", "192.0.2.1", "192.0.2.2", "255.255.255.255", "", "::ffff:192.0.2.1", "fe80::1%eth0", "fe80::1%eth1", "2001:db8:1111:2222:3333:4444:5555:6666"} {
			for _, format := range []Format{FormatRFC5424, FormatRFC3164ISO, FormatRFC3164BSD, FormatRFC3164BSD, FormatRaw, ""} {
				for _, source := range []TimeSource{TimeHeader, TimeReceived} {
					for _, raw := range []string{"a", "\xff"} {
						e.Reset()
						e.Raw, e.Format, e.TimeSource = raw, format, source
						want := `"format":"` + string(format) + `",`
						if format == "" {
							want = ""
						}
						if peer != "" {
							addr := netip.MustParseAddr(peer)
							e.Receiver.Peer = netip.AddrPortFrom(addr, uint16(round))
							want += `"peer_ip":"` + addr.Unmap().WithZone("").String() + `",`
						}
						if source != "" {
							want += `"time_source":"received",`
						}
						if raw != "a" {
							want += `"original_b64":"/w==",`
						}
						if want != "" {
							want = `"vmware":{"receiver":{` + strings.TrimSuffix(want, ",") + `}}}`
						}
						got := string(e.AppendJSON(nil, DetailCompact, OriginalAll))
						if !strings.HasSuffix(got, want) || want == "" && strings.Contains(got, "receiver") {
							t.Fatalf("%s, want %s", got, want)
						}
						longest = max(longest, e.printed.receiver.length)
					}
				}
			}
		}
	}
	if longest == 0 || longest == len(e.printed.receiver.text) {
		t.Errorf("the longest takes %d bytes of %d", longest, len(e.printed.receiver.text))
	}
}
