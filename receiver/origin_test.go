package receiver

import (
	"fmt"
	"io"
	"net/netip"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/rs/zerolog"
)

// letters is a batchReader of one read.
type letters []struct{ from, text string }

func (l letters) read() (int, error) { return len(l), nil }
func (l letters) crowded() bool      { return false }
func (l letters) datagram(i int) ([]byte, netip.AddrPort) {
	return []byte(l[i].text), netip.MustParseAddrPort(l[i].from)
}

// TestOriginOfDatagrams: each datagram has the peer and the relay that sent it, whoever sent the ones around it, and those of one
// peer share what they say of it.
func TestOriginOfDatagrams(t *testing.T) {
	cfg := DefaultConfig()
	cfg.Allow, cfg.Relays = []string{"10.0.0.0/8"}, []string{"10.9.0.0/16"}
	l := &Listener{buffers: newBuffers(), log: zerolog.Nop(), id: 7}
	p, err := newPolicy(cfg)
	if err != nil {
		t.Fatal(err)
	}
	l.policy.Store(p)
	in := letters{
		{"10.0.0.1:1", "a"},
		{"10.0.0.1:1", "b"},
		{"10.0.0.2:1", "c"},
		{"192.0.2.1:1", "refused"},
		{"10.0.0.2:1", "d"},
		{"10.9.0.1:1", "e"},
		{"10.9.0.1:1", "f"},
		{"10.9.0.2:1", "g"},
		{"10.0.0.1:1", ""},
		{"10.0.0.1:1", "h"},
		{"10.0.0.1:2", "i"},
		{"[::ffff:10.0.0.1]:2", "j"},
	}
	var origins [udpBatch]Origin
	for range 2 { // origins are used again
		var got []string
		var before *Origin
		for _, f := range l.datagrams(nil, &origins, in, len(in), relayNames{}) {
			if f.Transport != UDP || f.Listener != 7 || f.Received.IsZero() || f.Framing != Datagram {
				t.Errorf("%+v of %+v", f, *f.Origin)
			}
			mark := ""
			if f.Origin == before {
				mark = "="
			}
			before = f.Origin
			got = append(got, fmt.Sprintf("%s%s %s %s", mark, f.Data, f.Peer, f.Relay))
		}
		want := []string{
			"a 10.0.0.1:1 ", "=b 10.0.0.1:1 ", "c 10.0.0.2:1 ", "=d 10.0.0.2:1 ", "e 10.9.0.1:1 10.9.0.1", "=f 10.9.0.1:1 10.9.0.1", "g 10.9.0.2:1 10.9.0.2",
			"h 10.0.0.1:1 ", "i 10.0.0.1:2 ", "=j 10.0.0.1:2 ",
		}
		if strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("got %q\nwant %q", got, want)
		}
	}
}

// TestBatches: whatever the number of lines in a read, the handler gets all of them in order, batchLen at most each time, and what
// the connection left behind comes last; nothing of them stays in the pool.
func TestBatches(t *testing.T) {
	for _, n := range []int{0, 1, batchLen - 1, batchLen, batchLen + 1, 2*batchLen - 1, 2 * batchLen, 3*batchLen + 7} {
		for _, rest := range []string{"", "<13>rest", "9 <13>"} {
			for _, end := range []string{"\n", "\r\n"} {
				var stream strings.Builder
				var want []string
				for i := range n {
					fmt.Fprintf(&stream, "<13>%d%s", i, end)
					want = append(want, fmt.Sprintf("<13>%d", i))
				}
				if stream.WriteString(rest); rest != "" {
					want = append(want, strings.TrimPrefix(rest, "9 "))
				}
				l := bareListener()
				s := bareStream(l, newEndless(0, 1))
				s.src = iotest.DataErrReader(io.LimitReader(strings.NewReader(stream.String()), 1<<20))
				s.full = true // the first read is of all
				var got []string
				why := s.serve(func(batch []Frame) error {
					if len(batch) > batchLen {
						t.Errorf("%d frames at once", len(batch))
					}
					for _, f := range batch {
						if f.Origin != &s.origin || f.Received.IsZero() {
							t.Errorf("%q has another origin", f.Data)
						}
						if unfinished := rest != "" && len(got) == n; (f.Flags&Unfinished != 0) != unfinished {
							t.Errorf("%d lines and %q: flags of %q are %b", n, rest, f.Data, f.Flags)
						}
						got = append(got, string(f.Data))
					}
					return nil
				})
				if why != PeerClosed || strings.Join(got, "|") != strings.Join(want, "|") {
					t.Errorf("%v, %d lines and %q: got %q", why, n, rest, got)
				}
				batch := *l.buffers.batch()
				for _, f := range batch[:cap(batch)] {
					if f.Origin != nil || f.Data != nil {
						t.Fatalf("%d lines and %q: %q is kept", n, rest, f.Data)
					}
				}
			}
		}
	}
}
