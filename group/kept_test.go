package group

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"unsafe"

	"vswarden/decode"
	"vswarden/event"
)

// corpus is every line of the corpus.
func corpus(tb testing.TB) (lines [][]byte) {
	tb.Helper()
	files, err := filepath.Glob("../test/testdata/corpus/*.log")
	if err != nil || len(files) == 0 {
		tb.Fatal("no corpus: ", err)
	}
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			tb.Fatal(err)
		}
		lines = append(lines, bytes.Split(bytes.TrimSpace(b), []byte("\n"))...)
	}
	return lines
}

// TestKeptIsAsDecoded: an event that moved with its frame is the one that the decoder makes of the copy.
func TestKeptIsAsDecoded(t *testing.T) {
	for _, line := range corpus(t) {
		buffer := append(bytes.Clone(line), "peer relay"...)
		s := NewStage(usual)
		it := s.New()
		r := &it.Event.Receiver
		it.Event.Raw, r.TLSPeer, r.Relay = text(buffer[:len(line)]), text(buffer[len(line):][:4]), text(buffer[len(line)+5:])
		decode.Line(&it.Event, &it.Options)
		it.keep()
		for i := range buffer {
			buffer[i] = '?'
		}
		var anew event.Event
		anew.Reset()
		anew.Raw, anew.Receiver = string(line), event.Receiver{TLSPeer: "peer", Relay: "relay"}
		decode.Line(&anew, &it.Options)
		if !reflect.DeepEqual(it.Event, anew) {
			t.Errorf("%s\n%+v\nis not\n%+v", line, it.Event, anew)
		}
	}
}

// TestItem: what every line that follows looks at lies in one cache line.
func TestItem(t *testing.T) {
	var it Item
	if at, size := unsafe.Offsetof(it.attachment), unsafe.Sizeof(it.attachment); at%64 != 0 || size > 64 {
		t.Errorf("%d bytes at %d", size, at)
	}
}

// BenchmarkMove is to keep a line over the end of its buffer; BenchmarkMove/decode to decode it once more instead.
func BenchmarkMove(b *testing.B) {
	line := []byte(header("18.734", "Hostd") + "[Originator@6876 sub=Vimsvc.TaskManager opID=5d2a user=vpxuser] Task Completed : haTask-ha-host-vim.host.Update-134 Status success")
	it := NewStage(usual).New()
	it.Event.Raw = text(line)
	decode.Line(&it.Event, &it.Options)
	b.Run("move", func(b *testing.B) {
		for b.Loop() {
			it.own = it.own[:0]
			it.keep()
		}
	})
	b.Run("decode", func(b *testing.B) {
		for b.Loop() {
			it.decode()
		}
	})
}
