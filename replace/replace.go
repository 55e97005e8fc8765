// Package replace writes files that are whole or not there: a snapshot, what was told, what was learned. It knows
// nothing of what is in them.
package replace

import (
	"errors"
	"fmt"
	"io"
	"os"
)

// Suffix is that of a file that is being written. One that a killed process left behind is written over.
const Suffix = ".tmp"

// File writes a file beside path, syncs it and puts it in path's place, readable by its owner only. On an error
// path is as it was. One goroutine at a time may write one path.
func File(path string, write func(io.Writer) error) (err error) {
	tmp := path + Suffix
	f, err := os.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	if err = write(f); err == nil {
		err = f.Sync()
	}
	// Closed before the rename, which Windows wants.
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(tmp, path)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", path, errors.Join(err, os.Remove(tmp)))
	}
	return nil
}
