package decode

import (
	"bufio"
	"bytes"
	"os"
	"strings"
	"testing"

	"vswarden/event"
)

// testdataLines are the lines of testdata/*.log: written for this test, in the shapes that ESXi,
// vCenter and relays use.
func testdataLines(tb testing.TB, name string) []string {
	tb.Helper()
	data, err := os.ReadFile("testdata/" + name)
	if err != nil {
		tb.Fatal(err)
	}
	var lines []string
	sc := bufio.NewScanner(bytes.NewReader(data))
	for sc.Scan() {
		if s := sc.Text(); s != "" && !strings.HasPrefix(s, "# ") {
			lines = append(lines, s)
		}
	}
	return lines
}

func TestLineAllocatesNothing(t *testing.T) {
	if underRace {
		t.Skip("the race detector allocates")
	}
	var e event.Event
	o := Options{File: true}
	lines := append(testdataLines(t, "esxi.log"), testdataLines(t, "foreign.log")...)
	for _, name := range []string{"commands", "linux", "logins", "vcenter", "vmkernel", "vob"} { // the corpus of the whole program
		lines = append(lines, testdataLines(t, "../../test/testdata/corpus/"+name+".log")...)
	}
	for _, raw := range lines {
		if strings.HasPrefix(raw, "<189>29:") {
			continue // of a switch: go-syslog reads it, and allocates
		}
		if n := testing.AllocsPerRun(20, func() {
			e.Reset()
			e.Raw = raw
			e.Received = 1770465600000000000
			Line(&e, &o)
		}); n != 0 {
			t.Errorf("%v allocations: %s", n, raw)
		}
	}
}

func TestHeaderHostAllocatesNothing(t *testing.T) {
	if underRace {
		t.Skip("the race detector allocates")
	}
	for _, file := range []string{"esxi.log", "foreign.log", "odd.log"} {
		for _, s := range testdataLines(t, file) {
			raw := []byte(s)
			if n := testing.AllocsPerRun(20, func() { HeaderHost(raw) }); n != 0 {
				t.Errorf("%v allocations: %s", n, raw)
			}
		}
	}
}
