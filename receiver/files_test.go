//go:build linux

package receiver

import (
	"net"
	"os"
	"os/exec"
	"testing"

	"golang.org/x/sys/unix"
)

// TestTooManyFiles lets accept fail because the process has too many files open, in a process of
// its own: the listener waits, counts, and takes the connection once there is room.
func TestTooManyFiles(t *testing.T) {
	if os.Getenv("TOO_MANY_FILES") == "" {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestTooManyFiles$", "-test.v")
		cmd.Env = append(os.Environ(), "TOO_MANY_FILES=1")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
		return
	}
	c := newCollector()
	var log logBuffer
	l, _ := serveLog(t, config("tcp://127.0.0.1:0"), c.handle, &log)
	send(t, dial(t, l), "<13>before\n")
	c.wait(t, 1, nil)

	conn, err := net.ListenPacket("udp", "127.0.0.1:0") // its descriptor is the lowest that is free
	if err != nil {
		t.Fatal(err)
	}
	raw, err := conn.(*net.UDPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var next uintptr
	if err := raw.Control(func(fd uintptr) { next = fd }); err != nil {
		t.Fatal(err)
	}
	_ = conn.Close()
	limit := unix.Rlimit{Cur: uint64(next) + 1, Max: uint64(next) + 1} // the sender's end, not ours
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	sender := dial(t, l)
	send(t, sender, "<13>meanwhile\n")
	waitFor(t, func() bool { return l.Stats().SocketErrors.Load() > 1 })
	_ = sender.Close() // gives its descriptor to the accepted end
	c.wait(t, 2, nil)

	if _, err := raiseFileLimit(1 << 40); err == nil {
		t.Error("no error for a limit that cannot be")
	}
	if got, err := raiseFileLimit(1); err != nil || got != uint64(next)+1 {
		t.Errorf("limit %d, %v", got, err)
	}
}
