package file

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"vswarden/setting"
	"vswarden/sink/lines"
)

// CheckFiles says why Open would refuse the path. It makes and opens nothing.
func (c Config) CheckFiles() error {
	s := &Sink{path: c.Path, fsys: lines.OS{}}
	isDevice, err := s.resolve()
	if err != nil {
		return err
	}
	switch _, err := os.Stat(s.path); {
	case isDevice && errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("open %s: no such device: name one that is there, or a file elsewhere", s.path)
	case err == nil:
		if err := setting.Writable(s.path, false); err != nil {
			return fmt.Errorf("open %s: let vswarden's user write to it: %w", s.path, err)
		}
		return nil
	case !errors.Is(err, fs.ErrNotExist):
		return s.explain(err)
	}
	dir := filepath.Dir(s.path)
	switch info, err := os.Stat(dir); {
	case err != nil:
		return s.explain(err)
	case !info.IsDir():
		return fmt.Errorf("open %s: %s is no directory: name a file in one", s.path, dir)
	}
	if err := setting.Writable(dir, true); err != nil {
		return s.explain(err)
	}
	return nil
}
