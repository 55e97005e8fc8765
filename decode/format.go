package decode

import (
	"bufio"
	"bytes"
	"errors"
	"strconv"
	"time"

	"gopkg.in/mcuadros/go-syslog.v2/format"

	"vswarden/event"
)

// Format is ESXi's syslog for programs that are built on go-syslog:
//
//	server.SetFormat(decode.Format{})
//
// Its log parts have the keys of go-syslog's own formats, so that a handler for RFC 3164 or RFC 5424
// works unchanged, and those of event-schema for what a line is about (dataset, port_id, l2sec_client, …)
// where there is something to say.
type Format struct{}

var _ format.Format = Format{}

// errNotSyslog is what Parse says of a line in which nothing could be read. Its text is in content.
var errNotSyslog = errors.New("not a syslog message")

// GetParser returns a parser of one line.
func (Format) GetParser(line []byte) format.LogParser {
	p := &parser{}
	p.e.Reset()
	p.e.Raw = string(line)
	return p
}

// GetSplitFunc returns a function that cuts a stream into frames: octet counting (RFC 6587, 3.4.1)
// where a count and a <PRI> begin a frame, else lines.
func (Format) GetSplitFunc() bufio.SplitFunc { return splitFrames }

// parser is one line of Format.
type parser struct {
	e event.Event
	o Options
}

// Location is the time zone of stamps that name none.
func (p *parser) Location(loc *time.Location) { p.o.Location = loc }

// Parse reads the line. Only one in which nothing could be read is an error.
func (p *parser) Parse() error {
	if p.e.Received == 0 {
		p.e.Received = time.Now().UnixNano()
	}
	Line(&p.e, &p.o)
	if p.e.Kind == kindPipelineError {
		return errNotSyslog
	}
	return nil
}

// Dump returns what Parse has read.
func (p *parser) Dump() format.LogParts {
	e := &p.e
	parts := format.LogParts{
		"timestamp": time.Unix(0, e.Time).UTC(),
		"hostname":  e.Host,
		"tag":       e.Syslog.AppName,
		"app_name":  e.Syslog.AppName,
		"proc_id":   e.Syslog.ProcID,
		"msg_id":    e.Syslog.MsgID,
		"content":   e.Message,
		"message":   e.Message,
		"version":   int(e.Syslog.Version),
		"format":    string(e.Format),
		"dataset":   string(e.Dataset),
	}
	put := func(key, value string) {
		if value != "" {
			parts[key] = value
		}
	}
	if e.Syslog.Priority >= 0 {
		parts["priority"] = int(e.Syslog.Priority)
		parts["facility"] = int(e.Syslog.Priority) >> 3
		parts["severity"] = int(e.Syslog.Priority) & 7
	}
	put("structured_data", e.Syslog.StructuredData)
	put("level", e.Level)
	put("l2sec_client", e.L2Sec.Client.Raw) // "client" is the peer in go-syslog
	put("violation", string(e.L2Sec.Violation))
	put("requested_mac", e.L2Sec.RequestedMAC)
	switch {
	case e.L2Sec.HasPort:
		parts["port_id"] = e.L2Sec.Port
	case e.NetPort.Kind != event.NetPortNone:
		parts["port_id"] = e.NetPort.Port
		put("mac", e.NetPort.MAC)
	}
	return parts
}

// splitFrames is a bufio.SplitFunc. go-syslog ends a connection at a frame of more than 64 KiB, so
// a count above that is taken for text.
func splitFrames(data []byte, atEOF bool) (advance int, token []byte, err error) {
	digits := 0
	for digits < len(data) && digits < 5 && isDigit(data[digits]) {
		digits++
	}
	if digits == 0 || data[0] == '0' {
		return bufio.ScanLines(data, atEOF)
	}
	if len(data) < digits+2 && !atEOF && bytes.IndexByte(data, '\n') < 0 {
		return 0, nil, nil
	}
	if len(data) < digits+2 || data[digits] != ' ' || data[digits+1] != '<' {
		return bufio.ScanLines(data, atEOF)
	}
	count, err := strconv.Atoi(string(data[:digits]))
	if err != nil || count > bufio.MaxScanTokenSize-8 {
		return bufio.ScanLines(data, atEOF)
	}
	end := digits + 1 + count
	if len(data) < end {
		if !atEOF {
			return 0, nil, nil
		}
		end = len(data)
	}
	return end, bytes.TrimRight(data[digits+1:end], "\r\n\x00"), nil
}
