package replace

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

func text(s string) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := io.WriteString(w, s)
		return err
	}
}

func holds(t *testing.T, path, want string) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil || string(b) != want {
		t.Errorf("%s holds %q, %v; want %q", path, b, err, want)
	}
	if _, err := os.Stat(path + Suffix); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("what was being written is left: %v", err)
	}
}

func TestAFileIsReplacedWholeOrNotAtAll(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x")
	if err := File(path, text("first")); err != nil {
		t.Fatal(err)
	}
	holds(t, path, "first")
	if info, err := os.Stat(path); err != nil || runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
		t.Errorf("others may read it: %v, %v", info.Mode(), err)
	}
	full := errors.New("no room")
	err := File(path, func(w io.Writer) error { return errors.Join(text("half")(w), full) })
	if !errors.Is(err, full) {
		t.Errorf("told %v", err)
	}
	holds(t, path, "first")
	if err := os.WriteFile(path+Suffix, []byte("of a process that was killed, and longer"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := File(path, text("second")); err != nil {
		t.Fatal(err)
	}
	holds(t, path, "second")
}

func TestAFileThatCannotBeWrittenIsAnError(t *testing.T) {
	if err := File(filepath.Join(t.TempDir(), "none", "x"), text("x")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v", err)
	}
}
