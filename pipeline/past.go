package pipeline

import (
	"bytes"
	"time"

	"vswarden/decode"
	"vswarden/event"
	"vswarden/group"
)

// fileLine decodes the line of a file. There is no time at which it was received: its stamp is what
// the file itself says, the line's own or that of the line before it. host is whose it is where it does not say so.
func fileLine(it *group.Item, host string) {
	e, o := &it.Event, &it.Options
	o.File, o.Year = true, 1970
	if it.Stamp != 0 {
		zone := time.UTC
		if o.Location != nil {
			zone = o.Location
		}
		o.Year = time.Unix(0, it.Stamp).In(zone).Year()
	}
	e.Received = 0
	decode.Line(e, o)
	if e.Host == "" {
		e.Host = host
	}
	if e.TimeSource != event.TimeHeader {
		e.Time, e.TimeSource = it.Stamp, event.TimePrevious
		if it.Stamp == 0 {
			e.TimeSource = event.TimeNone
		}
	}
}

// appendTagged appends an event of our own with a tag more. Its JSON is ours, so the one key "tags"
// that it can have is that list.
func appendTagged(dst, json []byte, tag string) []byte {
	const key = `"tags":[`
	at, before, after := bytes.Index(json, []byte(key)), "", ","
	if at >= 0 {
		at += len(key)
	} else if at = bytes.LastIndexByte(json, '}'); at > 1 {
		before, after = `,`+key, `]`
	} else {
		return append(dst, json...)
	}
	dst = append(append(dst, json[:at]...), before...)
	dst = append(append(append(dst, '"'), tag...), '"')
	return append(append(dst, after...), json[at:]...)
}
