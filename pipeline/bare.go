package pipeline

import (
	"vswarden/event"
	"vswarden/receiver"
	"vswarden/sink"
)

// bare says whether frames go out as they came with nothing said of them but how they came, and all
// of them: then nobody needs to know what is in them.
func (l *lane) bare() bool {
	return l.d.cfg.Format == FormatRaw && l.d.cfg.Frames && l.filter == nil
}

// asItIs stands for the end of an event in lane.out that is not there: its value is the record's own
// memory, which stays until the chunk is done.
const asItIs = -1

// pass appends record i of c, a frame, to the batch.
func (l *lane) pass(c *chunk, i int) {
	r := &c.records[i]
	if r.Flags&receiver.Truncated != 0 {
		l.tags[bit(event.TagTruncated)]++
	}
	l.batch = append(l.batch, sink.Record{ID: c.id(i), Key: l.sender(r, uint64(c.First)+uint64(i)).Key, Received: r.Received, Value: r.Data})
	l.ends = append(l.ends, asItIs)
	l.frames = append(l.frames, l.frame(r))
}
