package app

import (
	"bytes"

	"vswarden/pipeline"
)

// giveAll gives the record of an event, or those of the lines that it was made of: the first has its
// id, as when they came.
func (f *pastFiles) giveAll(r pipeline.Record, lines [][]byte) error {
	if len(lines) < 2 {
		return f.give(&r)
	}
	first := r.ID
	for i, line := range lines {
		if r.Data = line; i > 0 {
			r.ID = lineID(first.String(), int64(i), line)
		}
		if err := f.give(&r); err != nil {
			return err
		}
	}
	return nil
}

// cut cuts the frames of an event apart; nil where they are not what it says, or only one.
func (w *wrote) cut(frames []byte) (all [][]byte) {
	n, sizes := w.Vmware.Group.Lines, w.Vmware.Group.Sizes
	if n < 2 {
		return nil
	}
	if len(sizes) == 0 {
		if all = bytes.Split(frames, []byte{'\n'}); len(all) != n {
			return nil
		}
		return all
	}
	for i, size := range sizes {
		last := i == len(sizes)-1
		if size < 0 || size > len(frames) || last != (size == len(frames)) || !last && frames[size] != '\n' {
			return nil
		}
		all = append(all, frames[:size])
		frames = frames[min(size+1, len(frames)):]
	}
	if len(all) != n {
		return nil
	}
	return all
}
