// Package stdout is the sink that writes events as lines to the program's standard output.
package stdout

import (
	"io"

	"vswarden/sink"
	"vswarden/sink/lines"
)

// Sink writes whole lines to a writer that it never closes. A reader that went away (EPIPE) is an
// error like any other. Whoever gives it os.Stdout ignores SIGPIPE first, since the Go runtime
// otherwise ends the program when file descriptor 1 has no reader.
type Sink struct{ *lines.Stream }

var _ sink.Sink = (*Sink)(nil)

// New returns a Sink on w, which nobody else writes to.
func New(w io.Writer) *Sink { return &Sink{lines.NewStream(w)} }
