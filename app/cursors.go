package app

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"text/tabwriter"

	"vswarden/spool"
)

// ErrNoCursor says that no cursor has that name.
var ErrNoCursor = errors.New("no such cursor")

// ErrNoDataDir says that no vswarden ever ran there.
var ErrNoDataDir = errors.New("there is no such directory; is --data right?")

// errNotAPosition says that a text is no place in the log.
var errNotAPosition = errors.New("not a place in the log, write oldest, newest or a record number")

// IsCursorUsage reports whether err is a name or a position that the user got wrong.
func IsCursorUsage(err error) bool {
	return errors.Is(err, ErrNoCursor) || errors.Is(err, ErrNoDataDir) || errors.Is(err, spool.ErrNoPosition) || errors.Is(err, errNotAPosition)
}

func logDir(dataDir string) string { return filepath.Join(dataDir, "log") }

// deadLetters is where those of a sink lie.
func deadLetters(dataDir, sink string) string { return filepath.Join(deadDir(dataDir), sink+".ndjson") }

func deadDir(dataDir string) string { return filepath.Join(dataDir, "dead") }

// cursors are those of a data directory.
func cursors(dataDir string) ([]spool.CursorInfo, error) {
	if _, err := os.Stat(dataDir); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w", dataDir, ErrNoDataDir)
	}
	list, err := spool.ListCursors(spool.OSFS{}, logDir(dataDir))
	if err != nil {
		return nil, fmt.Errorf("list cursors in %s: %w", dataDir, err)
	}
	return list, nil
}

// ListCursors prints the cursors of a data directory and how far each is; it reads beside a
// running process.
func ListCursors(w io.Writer, dataDir string) error {
	list, err := cursors(dataDir)
	if err != nil {
		return err
	}
	b := []byte("NAME\tPOSITION\tBEHIND\n")
	for _, c := range list {
		b = fmt.Appendf(b, "%s\t%d\t%d\n", c.Name, c.Position, c.Backlog)
	}
	tw := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	_, err = tw.Write(b)
	return errors.Join(err, tw.Flush())
}

// SetCursor moves a cursor to oldest, newest or a position; no process may use the directory.
func SetCursor(w io.Writer, dataDir, name, to string) error {
	if err := hasCursor(dataDir, name); err != nil {
		return err
	}
	var position spool.Position
	start := spool.Start(to)
	if start != spool.StartOldest && start != spool.StartNewest {
		n, err := strconv.ParseUint(to, 10, 64)
		if err != nil {
			return fmt.Errorf("set cursor %s: %q: %w", name, to, errNotAPosition)
		}
		position, start = spool.Position(n), ""
	}
	at, err := spool.SetCursor(spool.OSFS{}, logDir(dataDir), name, start, position)
	if err != nil {
		return fmt.Errorf("set cursor %s: %w", name, err)
	}
	_, err = fmt.Fprintf(w, "cursor %s is at %d\n", name, at)
	return err
}

// DropCursor removes a cursor; no process may use the directory.
func DropCursor(w io.Writer, dataDir, name string) error {
	if err := hasCursor(dataDir, name); err != nil {
		return err
	}
	if err := spool.DropCursor(spool.OSFS{}, logDir(dataDir), name); err != nil {
		return fmt.Errorf("drop cursor %s: %w", name, err)
	}
	_, err := fmt.Fprintf(w, "cursor %s is gone\n", name)
	return err
}

func hasCursor(dataDir, name string) error {
	list, err := cursors(dataDir)
	if err != nil {
		return err
	}
	for _, c := range list {
		if c.Name == name {
			return nil
		}
	}
	return fmt.Errorf("%w: %s; see: vswarden cursors list", ErrNoCursor, name)
}
