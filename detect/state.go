package detect

import (
	"encoding/json"
	"fmt"
	"io"
)

// state is the memory of a Detector.
type state struct {
	Pos      uint64 `json:"position"` // of the last line fed
	Now      int64  `json:"now"`      // newest stamp
	Listened int64  `json:"listened"` // nanoseconds of listening
	Looked   int64  `json:"looked"`   // when silence was looked for, in time of listening
	Due      int64  `json:"due"`      // when the next host may be silent, likewise
	Minute   int64  `json:"minute"`   // of Sorts
	// Uncounted are events of sorts for which there was no room.
	Uncounted uint64           `json:"uncounted,omitempty"`
	Hosts     map[string]*host `json:"hosts"`
	Sorts     map[uint64]*sort `json:"sorts"`
	Pending   []finding        `json:"pending,omitempty"`
}

// version is that of the file; another one is not read.
const version = 1

type file struct {
	Version int   `json:"version"`
	State   state `json:"state"`
}

// Memory is what a Detector knew at a moment.
type Memory struct{ state state }

// Memory returns a copy of what is known, also of what was found and not taken.
func (d *Detector) Memory() Memory {
	s := d.state
	s.Hosts, s.Sorts = copied(s.Hosts), copied(s.Sorts)
	for i := range d.pending {
		s.Pending = append(s.Pending, findingOf(&d.pending[i]))
	}
	return Memory{s}
}

func copied[K comparable, V any](of map[K]*V) map[K]*V {
	all, values := make(map[K]*V, len(of)), make([]V, 0, len(of))
	for k, v := range of {
		values = append(values, *v)
		all[k] = &values[len(values)-1]
	}
	return all
}

// Save writes the memory, so that Load reads it.
func (m Memory) Save(w io.Writer) error {
	return json.NewEncoder(w).Encode(file{Version: version, State: m.state})
}

// Load reads what Save wrote. last is the newest place in the log: a memory from beyond it is of
// another log, and its place counts for nothing. On an error the Detector is without memory.
func (d *Detector) Load(r io.Reader, last uint64) error {
	var f file
	if err := json.NewDecoder(r).Decode(&f); err != nil {
		return err
	}
	if f.Version != version {
		return fmt.Errorf("version %d is not %d", f.Version, version)
	}
	s := f.State
	if s.Hosts == nil {
		s.Hosts = map[string]*host{}
	}
	if s.Sorts == nil {
		s.Sorts = map[uint64]*sort{}
	}
	for _, h := range s.Hosts {
		if h == nil {
			return fmt.Errorf("a host without facts")
		}
	}
	for _, c := range s.Sorts {
		if c == nil {
			return fmt.Errorf("a sort without facts")
		}
	}
	if s.Pos > last {
		s.Pos = 0
	}
	for _, p := range s.Pending {
		d.pending = append(d.pending, p.event())
	}
	s.Pending = nil
	for _, h := range d.state.Hosts { // a Sender may have it kept
		h.gone = true
	}
	for _, c := range d.state.Sorts {
		c.gone = true
	}
	d.state = s
	return nil
}
