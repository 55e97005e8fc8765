package app

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/netip"
	"strings"
	"time"

	"vswarden/decode"
	"vswarden/event"
	"vswarden/pipeline"
	"vswarden/receiver"
)

// pastFiles are log files as hosts keep them or send them, and events as a sink wrote them.
type pastFiles struct {
	names   []string
	stdin   io.Reader
	host    string      // whose the lines are that name none
	lines   fileDecoder // for the time of a line, and nothing else
	decoded event.Event
	key     []byte // of the line before, in this file
	give    func(*pipeline.Record) error
}

func (f *pastFiles) read(ctx context.Context, give func(*pipeline.Record) error) error {
	f.give, f.lines.year = give, 1970
	for _, name := range f.names {
		f.lines.previous, f.lines.stamped, f.key = 0, false, nil
		if err := eachLine(ctx, name, f.stdin, f.line); err != nil {
			return err
		}
	}
	return nil
}

func (f *pastFiles) line(name string, offset int64, line []byte, truncated bool) error {
	line = bytes.TrimSuffix(bytes.TrimSuffix(line, []byte{'\n'}), []byte{'\r'})
	if len(line) == 0 {
		return nil
	}
	if r, lines, ok := f.event(line); ok {
		if !r.Peer.IsValid() && len(r.TLSPeer) == 0 && len(r.Key) == 0 {
			r.Key = []byte(name) // nobody's: in the order of the file
		}
		return f.giveAll(r, lines)
	}
	r := pipeline.Record{
		Kind: pipeline.KindFrame, Transport: receiver.File, Framing: receiver.FileLine,
		ID: lineID(name, offset, line), Data: receiver.StripOctetCount(line),
	}
	if truncated {
		r.Flags = receiver.Truncated
	}
	e := &f.decoded
	e.Reset()
	e.Raw = string(r.Data)
	decode.Line(e, &decode.Options{File: true, Year: f.lines.year})
	f.lines.time(e)
	if r.Received = e.Time; e.TimeSource == event.TimeNone {
		r.Received = 0
	}
	r.Key = []byte(strings.ToLower(e.Host)) // order is that of a host, or of the file
	switch {
	case len(r.Key) == 0 && e.Format == event.FormatRaw && f.key != nil:
		r.Key = f.key // it may go on with the line before
	case len(r.Key) == 0 && f.host != "":
		r.Key = []byte(strings.ToLower(f.host))
	case len(r.Key) == 0:
		r.Key = []byte(name)
	}
	f.key = r.Key
	return f.give(&r)
}

// wrote is what an event says of how its line came in.
type wrote struct {
	Event struct {
		ID       string `json:"id"`
		Created  string `json:"created"`
		Dataset  string `json:"dataset"`
		Original string `json:"original"`
	} `json:"event"`
	Time   string `json:"@timestamp"`
	Vmware struct {
		Group struct {
			Lines int   `json:"lines"`
			Sizes []int `json:"sizes"`
		} `json:"group"`
		Receiver struct {
			PeerIP    string `json:"peer_ip"`
			PeerPort  uint16 `json:"peer_port"`
			Transport string `json:"transport"`
			Framing   string `json:"framing"`
			TLSPeer   string `json:"tls_peer"`
			Relay     string `json:"relay"`
			Truncated bool   `json:"truncated"`
			Original  []byte `json:"original_b64"`
		} `json:"receiver"`
	} `json:"vmware"`
}

// event is the record of an event that a sink wrote: its line once more where it has it, under its id,
// else the event as it stands; and the lines, where it has several. A line that is no event of ours is
// none.
func (f *pastFiles) event(line []byte) (r pipeline.Record, lines [][]byte, ok bool) {
	if line[0] != '{' {
		return r, nil, false
	}
	var w wrote
	if json.Unmarshal(line, &w) != nil {
		return r, nil, false
	}
	id, err := event.ParseID(w.Event.ID)
	if err != nil || id == (event.ID{}) {
		return r, nil, false
	}
	r.ID = id
	for _, text := range []string{w.Event.Created, w.Time} {
		if t, err := time.Parse(time.RFC3339Nano, text); err == nil {
			r.Received = t.UnixNano()
			break
		}
	}
	rc := &w.Vmware.Receiver
	r.Data = rc.Original
	if len(r.Data) == 0 {
		r.Data = []byte(w.Event.Original)
	}
	if len(r.Data) == 0 {
		r.Kind, r.Data, r.Dataset = pipeline.KindEvent, bytes.Clone(line), []byte(w.Event.Dataset)
		r.Key = []byte(rc.PeerIP)
		return r, nil, true
	}
	if a, err := netip.ParseAddr(rc.PeerIP); err == nil {
		r.Peer = netip.AddrPortFrom(a, rc.PeerPort)
	}
	r.TLSPeer, r.Relay = []byte(rc.TLSPeer), []byte(rc.Relay)
	r.Transport, r.Framing = receiver.ParseTransport(rc.Transport), receiver.ParseFraming(rc.Framing)
	if rc.Truncated {
		r.Flags = receiver.Truncated
	}
	return r, w.cut(r.Data), true
}
