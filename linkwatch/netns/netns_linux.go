package netns

import (
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"testing"
)

// Enter puts the test's thread, and every process it starts, into a network namespace of its own, with lo
// up. It needs root, ip, and the tools named; without them the test skips, and fails under CI=true.
func Enter(t *testing.T, tools ...string) {
	t.Helper()
	lacks := func(what string) {
		t.Helper()
		if os.Getenv("CI") == "true" {
			t.Fatal(what)
		}
		t.Skip(what)
	}
	if os.Getuid() != 0 {
		lacks("network namespaces need root")
	}
	for _, tool := range append([]string{"ip"}, tools...) {
		if _, err := exec.LookPath(tool); err != nil {
			lacks("this test needs " + tool + " (packages iproute2, tcpdump)")
		}
	}
	// The thread is not unlocked again: it ends with the test's goroutine, and the namespace with it.
	runtime.LockOSThread()
	if err := syscall.Unshare(syscall.CLONE_NEWNET); err != nil {
		lacks("a network namespace: " + err.Error())
	}
	if out, err := exec.CommandContext(t.Context(), "ip", "link", "set", "lo", "up").CombinedOutput(); err != nil {
		t.Fatalf("ip link set lo up: %v\n%s", err, out)
	}
}
