package app

import (
	"testing"

	"vswarden/pipeline"
)

type socket bool

func (s socket) Behind() bool { return bool(s) }

// TestReception: delivery gives way to a socket that is behind, and not while the log is full, where only delivery makes room.
func TestReception(t *testing.T) {
	for _, c := range []struct {
		sockets []pipeline.Reception
		full    bool
		want    bool
	}{
		{nil, false, false},
		{[]pipeline.Reception{socket(false), socket(true)}, false, true},
		{[]pipeline.Reception{socket(false), socket(false)}, false, false},
		{[]pipeline.Reception{socket(true)}, true, false},
	} {
		if got := (reception{c.sockets, func() bool { return c.full }}).Behind(); got != c.want {
			t.Errorf("sockets %v, log full %v: behind is %v", c.sockets, c.full, got)
		}
	}
}
