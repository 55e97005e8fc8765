package sink_test

import (
	"errors"
	"fmt"
	"io"
	"testing"

	"vswarden/sink"
)

func TestPermanent(t *testing.T) {
	err := sink.Permanent(io.ErrUnexpectedEOF)
	if !sink.IsPermanent(fmt.Errorf("write: %w", err)) || !errors.Is(err, io.ErrUnexpectedEOF) || err.Error() != io.ErrUnexpectedEOF.Error() {
		t.Errorf("%v", err)
	}
	if sink.IsPermanent(io.EOF) || sink.IsPermanent(nil) || sink.Permanent(nil) != nil {
		t.Error("something else is permanent")
	}
}

func TestErrors(t *testing.T) {
	err := sink.Errors{nil, io.EOF, io.ErrNoProgress}
	if got := err.Error(); got != "2 of 3 events refused, the first: EOF" {
		t.Errorf("%q", got)
	}
}
