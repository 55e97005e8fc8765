package decode

import (
	"bufio"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A decoder that looks at the byte before or behind the one it found must not read a line that ends there.
// The fuzzer needs luck for such lines, since header, program and text must meet; here they are all tried.

// shortPrograms is one name of each family, and those that a family treats apart.
var shortPrograms = []string{
	"vmkernel", "Hostd", "Vpxa", "Rhttpproxy", "envoy", "dpd", "vobd", "shell", "esxcli", "sshd", "su", "sudo", "login", "dropbear", "auth",
	"crond", "kernel", "audit", "linkwatch", "DCUI", "vmsyslogd", "host-1", "vpxd", "vpxd-svcs", "applmgmt-audit", "ssoAdminServer", "updatemgr",
	"vmdird", "nginx", "",
}

// shortHeaders end before the program.
var shortHeaders = []string{
	"<110>2026-03-01T09:00:00.000Z esx1 ", // an audit record
	"<166>2026-03-01T09:00:00.000Z esx1 ",
	"<166>1 2026-03-01T09:00:00.000Z esx1 ",
	"<13>Mar  1 09:00:00 esx1 ",
	"2026-03-01T09:00:00.000Z In(14) ",
	"",
}

func decodes(t *testing.T, raw string) {
	t.Helper()
	defer func() {
		if p := recover(); p != nil {
			t.Errorf("%q: %v", raw, p)
		}
	}()
	line(raw)
	fileLine(raw, Options{})
}

func TestTheShortestLines(t *testing.T) {
	const bytes = "[]{'\"<(:=-/. 1aTZ"
	longest := 3
	if underRace { // ten times as long; CI runs this without the detector too
		longest = 2
	}
	texts := []string{""}
	for from := 0; len(texts[from]) < longest; from++ {
		for _, c := range bytes {
			texts = append(texts, texts[from]+string(c))
		}
	}
	for _, header := range shortHeaders {
		for _, app := range shortPrograms {
			tag := app + ": "
			if app == "" {
				tag = ""
			}
			for _, text := range texts {
				decodes(t, header+tag+text)
			}
			if t.Failed() {
				return
			}
		}
	}
}

// TestLinesCutAnywhere decodes each line of the corpus up to each of its bytes, and from each of them on
// under the header that it had.
func TestLinesCutAnywhere(t *testing.T) {
	files, err := filepath.Glob("../test/testdata/corpus/*.log")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, path := range files {
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		for sc := bufio.NewScanner(f); sc.Scan(); {
			s := sc.Text()
			_, text, tagged := strings.Cut(s, ": ")
			head := s[:len(s)-len(text)]
			for i := range s {
				decodes(t, s[:i])
				decodes(t, s[i:])
				if tagged && i < len(text) {
					decodes(t, head+text[i:])
				}
			}
			if t.Failed() {
				return
			}
		}
	}
}
