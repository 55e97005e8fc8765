package event

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files anew")

var (
	levels    = []Detail{DetailCompact, DetailStandard, DetailFull}
	originals = []Original{OriginalSecurity, OriginalAll, OriginalNone}
)

// read parses one event strictly: one object, no equal keys beside each other, nothing behind it.
func read(t testing.TB, line []byte) object {
	t.Helper()
	if bytes.ContainsAny(line, "\n\r") {
		t.Errorf("more than one line: %q", line)
	}
	dec := json.NewDecoder(bytes.NewReader(line))
	dec.UseNumber()
	v, err := readValue(dec)
	if err != nil {
		t.Fatalf("not JSON: %v: %s", err, line)
	}
	if dec.More() {
		t.Fatalf("something behind the object: %s", line)
	}
	o, ok := v.(object)
	if !ok {
		t.Fatalf("not an object: %s", line)
	}
	return o
}

// readValue reads a value token by token, since encoding/json lets equal keys pass.
func readValue(dec *json.Decoder) (any, error) {
	token, err := dec.Token()
	if err != nil {
		return nil, err
	}
	switch token {
	case json.Delim('{'):
		o := object{}
		for dec.More() {
			key, err := dec.Token()
			if err != nil {
				return nil, err
			}
			if _, twice := o[key.(string)]; twice {
				return nil, fmt.Errorf("key %q twice", key)
			}
			if o[key.(string)], err = readValue(dec); err != nil {
				return nil, err
			}
		}
		_, err = dec.Token()
		return o, err
	case json.Delim('['):
		var l []any
		for dec.More() {
			v, err := readValue(dec)
			if err != nil {
				return nil, err
			}
			l = append(l, v)
		}
		_, err = dec.Token()
		return l, err
	case nil:
		return nil, fmt.Errorf("null")
	}
	return token, nil
}

func TestAppendJSONEqualsReference(t *testing.T) {
	for _, s := range samples() {
		for _, d := range append(levels, DetailAuto) {
			for _, o := range originals {
				line := s.e.AppendJSON(nil, d, o)
				if got, want := read(t, line), reference(&s.e, d, o); !reflect.DeepEqual(got, want) {
					t.Errorf("%s, %v, original %v:\n got %s\nwant %s", s.name, d, o, line, compact(want))
				}
			}
		}
	}
}

func compact(v any) []byte {
	out, err := json.Marshal(v)
	if err != nil {
		return []byte(err.Error())
	}
	return out
}

func TestGoldenJSON(t *testing.T) {
	for _, s := range samples() {
		var got bytes.Buffer
		for _, d := range levels {
			fmt.Fprintf(&got, "-- %v --\n", d)
			if err := json.Indent(&got, s.e.AppendJSON(nil, d, OriginalSecurity), "", "  "); err != nil {
				t.Fatal(err)
			}
			got.WriteByte('\n')
		}
		path := filepath.Join("testdata", "golden", s.name+".txt")
		if *update {
			if err := os.WriteFile(path, got.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got.Bytes(), want) {
			t.Errorf("%s differs from %s (go test -update writes it anew):\n%s", s.name, path, got.Bytes())
		}
	}
}

// TestHead: Splunk hashes the first 256 bytes of a file, Filebeat the first 1024.
func TestHead(t *testing.T) {
	for _, s := range samples() {
		s.e.TimeText = "2026-09-15T10:30:00.123456789Z"
		line := string(s.e.AppendJSON(nil, DetailFull, OriginalAll))
		want := `{"@timestamp":"2026-09-15T10:30:00.123456789Z","event":{"id":"` + s.e.ID.String() + `",`
		if !strings.HasPrefix(line, want) || len(want) > 128 {
			t.Errorf("%s begins with %s", s.name, line[:128])
		}
	}
}

func TestAppendJSONKeepsWhatIsInFront(t *testing.T) {
	e := hostdEvent()
	got := e.AppendJSON([]byte("before\n"), DetailFull, OriginalAll)
	if want := "before\n" + string(e.AppendJSON(nil, DetailFull, OriginalAll)); string(got) != want {
		t.Errorf("got %s", got)
	}
}

func TestEmptyEvent(t *testing.T) {
	var e Event
	e.Reset()
	const want = `{"@timestamp":"1970-01-01T00:00:00.000Z","event":{"id":"00000000000000000000000000","kind":"event"}}`
	if got := string(e.AppendJSON(nil, DetailCompact, OriginalAll)); got != want {
		t.Errorf("got %s", got)
	}
	for _, d := range levels {
		if line := e.AppendJSON(nil, d, OriginalAll); !reflect.DeepEqual(read(t, line), reference(&e, d, OriginalAll)) {
			t.Errorf("%v: %s", d, line)
		}
	}
}

func TestPeerAddresses(t *testing.T) {
	for peer, want := range map[string]string{
		"192.0.2.1:514":               `"peer_ip":"192.0.2.1"`,
		"[::ffff:192.0.2.1]:514":      `"peer_ip":"192.0.2.1"`,
		"[fe80::1%eth0]:514":          `"peer_ip":"fe80::1"`,
		"[2001:db8:0:0:0:0:0:1]:6514": `"peer_ip":"2001:db8::1"`,
	} {
		e := hostdEvent()
		e.Receiver.Peer = netip.MustParseAddrPort(peer)
		if got := string(e.AppendJSON(nil, DetailCompact, OriginalNone)); !strings.Contains(got, want) {
			t.Errorf("%s: %s", peer, got)
		}
	}
}

func TestAppendJSONAllocatesNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	dst := make([]byte, 0, 1<<16)
	for _, s := range samples() {
		s.e.Raw = strings.Repeat(s.e.Raw, 9)
		for _, d := range levels {
			if n := testing.AllocsPerRun(100, func() { dst = s.e.AppendJSON(dst[:0], d, OriginalAll) }); n != 0 {
				t.Errorf("%s, %v: %v allocations", s.name, d, n)
			}
		}
	}
}

// original returns the exact frame an event was made of.
func original(t testing.TB, o object) string {
	t.Helper()
	vmware, _ := o["vmware"].(object)
	receiver, _ := vmware["receiver"].(object)
	if b64, ok := receiver["original_b64"].(string); ok {
		frame, err := base64.StdEncoding.DecodeString(b64)
		if err != nil {
			t.Fatal(err)
		}
		return string(frame)
	}
	frame, _ := o["event"].(object)["original"].(string)
	return frame
}

func FuzzAppendJSON(f *testing.F) {
	for _, s := range samples() {
		f.Add(s.e.Raw, s.e.Message, s.e.Syslog.StructuredData, s.e.L2Sec.Client.Raw, s.e.TimeText, s.e.Time, s.e.L2Sec.Port, uint8(s.e.L2Sec.Kind), uint32(s.e.Tags), uint8(0))
	}
	f.Add("\xff", "\u2028\u2029\ufffd\u0085\x7f\x00\t", `[a b="c" b="d" e=f][g]`, `"\`, "", int64(-1<<63), uint32(1<<31), uint8(8), uint32(1<<31), uint8(7))
	f.Add("", "", `[a b="\]\"\\\x"]`, "", "", int64(1<<63-1), uint32(0), uint8(0), uint32(0), uint8(5))
	f.Fuzz(func(t *testing.T, raw, message, sd, client, stamp string, ns int64, port uint32, kind uint8, tags uint32, form uint8) {
		kind %= uint8(len(l2secTable)) + uint8(NetPortDissociated)
		e := Event{
			Common: Common{
				ID:         NewID(uint64(port), uint64(ns)),
				Received:   ns,
				Time:       ns / 3,
				TimeText:   stamp,
				TimeDigits: uint8(port),
				Raw:        raw,
				Message:    message,
				Reason:     client,
				Kind:       client,
				Host:       client,
				Level:      stamp,
				Tags:       Tags(tags) & (tagsEnd - 1),
				Dataset:    AllDatasets[int(port)%len(AllDatasets)],
				Format:     FormatRFC5424,
				TimeSource: TimePrevious,
				Syslog:     Syslog{Priority: int16(port), Version: uint8(port), Hostname: message, AppName: client, ProcID: sd, MsgID: stamp, StructuredData: sd},
				Receiver:   Receiver{Transport: client, Framing: sd, TLSPeer: message, Relay: raw, Authenticated: port&1 == 0},
				Vmkernel:   Vmkernel{Present: port&2 == 0, HasCPU: port&4 == 0, CPU: port, World: uint64(ns), OpID: client, Uptime: stamp, NIC: client},
			},
		}
		if int(kind) < len(l2secTable) {
			e.L2Sec = L2Sec{
				Kind: L2SecKind(kind), Module: client, Function: message, Line: port, HasPort: port&8 == 0, Port: port,
				RequestedMAC: stamp, Reason: sd, Client: Client{Raw: client, Type: ClientVMK, Name: message, Device: stamp},
			}
		} else {
			e.NetPort = NetPort{Kind: NetPortKind(kind - uint8(len(l2secTable)) + 1), Module: client, Line: port, Port: port, MAC: message, Client: Client{Raw: sd, Type: ClientVM, Name: client}, Network: message, DVPort: stamp}
		}
		d, o := Detail(form%4), Original(form/4%3)
		line := e.AppendJSON(nil, d, o)
		got := read(t, line)
		if want := reference(&e, d, o); !reflect.DeepEqual(got, want) {
			t.Fatalf("%v, original %v:\n got %s\nwant %s", d, o, line, compact(want))
		}
		if o == OriginalAll && original(t, got) != raw {
			t.Fatalf("the frame %q came back as %q", raw, original(t, got))
		}
	})
}

// FuzzAppendJSONParts is the same for all that is no line of the virtual switch.
func FuzzAppendJSONParts(f *testing.F) {
	f.Add("vob.net.vmnic.linkstate.down", `"vc", "Management Network"`, "192.0.2.1", uint64(1), uint8(0))
	f.Add("vim.event.DvsReconfiguredEvent", "allowPromiscuous", "true", uint64(7<<40|3<<8), uint8(3))
	f.Add("\xff\"\\", "2351BB90", "::ffff:192.0.2.1%vmk0", uint64(1<<63), uint8(9))
	f.Add("esx.audit.x", `"`, "4294967295", uint64(255), uint8(255))
	acts := []Act{"", "", "unheard-of"}
	for _, r := range allMeanings {
		acts = append(acts, Act(r.action))
	}
	kinds := []LinuxReason{"", ReasonBridgeItself, ReasonBridgeMembership, ReasonCapture}
	settings := []string{"allowPromiscuous", "macChanges", "forgedTransmits", "other"}
	f.Fuzz(func(t *testing.T, a, b, c string, n uint64, form uint8) {
		e := hostdEvent()
		e.Dataset, e.Act = AllDatasets[int(n%uint64(len(AllDatasets)))], acts[int(n>>8%uint64(len(acts)))]
		e.User, e.Source, e.Destination = User{a, b, c}, Endpoint{c, uint16(n)}, Endpoint{b, uint16(n >> 16)}
		e.Target, e.Group = User{b, c, a}, c
		e.Access = Access{Method: c, Path: a, Query: b, Version: a, Status: uint16(n >> 20)}
		e.Login = Login{Method: a, Agent: b, Terminal: c, Failures: uint32(n), LockSecs: uint32(n >> 32), SSH: n&1 == 0, Invalid: n&2 == 0}
		e.Command = Command{Line: a, Name: b, Result: c, Status: b, Network: NetCommandVsish, Switch: a, Portgroup: c, Weakens: n&4 == 0}
		e.Hostd = Hostd{Present: true, Thread: b, OpID: a, SessionID: c, EventID: c, Task: b, Method: a, Result: []Outcome{"", OutcomeFailure}[n%2]}
		e.VOB = VOB{Present: n&8 == 0, ID: a, Correlator: c, UptimeUS: n, Switch: b, Portgroups: b, NIC: c, DVPort: a, RuleSet: b, Operation: c, Target: a, Result: []Outcome{"", OutcomeSuccess, OutcomeFailure}[n%3]}
		e.VCEvent = VCEvent{Present: n&16 == 0, ID: n, ChainID: n >> 7, Part: uint16(n), Parts: uint16(n >> 9), Time: b, Type: a, Target: c, Switch: a, Portgroup: b, DVPort: c, VM: a, OldMAC: b, NewMAC: c}
		for i := range e.VCEvent.Changes {
			e.VCEvent.Changes[i] = PolicyChange{Setting: settings[(int(n)>>(2*i))&3], Old: b, New: c}
		}
		e.Loss = LogLoss{Kind: LossLost, Count: n >> 3, Target: a}
		e.Linux = Linux{Device: a, Kind: DeviceTap, Driver: b, Bus: c, Bridge: b, Port: uint32(n), State: a, UID: c, AUID: c, Reason: kinds[n>>5&3], Watch: LinkFacts{Known: LinkFact(n), On: LinkFact(n >> 3), WasKnown: LinkFact(n >> 5), Was: LinkFact(n >> 2), Promiscuity: uint32(n), Ageing: uint32(n >> 1), Master: a, NameWas: b}}
		d, o := Detail(form%4), Original(form/4%3)
		line := e.AppendJSON(nil, d, o)
		if got, want := read(t, line), reference(&e, d, o); !reflect.DeepEqual(got, want) {
			t.Fatalf("%v, original %v:\n got %s\nwant %s", d, o, line, compact(want))
		}
	})
}
