package app

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"vswarden/configs"
	"vswarden/setting"
)

// startFaults looks at the files and directories without which a node does not start, so that a wrong one is
// a fault of the configuration and not of the first handshake. It makes and writes nothing. Whether our user may
// write is left to the attempt that follows, which alone knows what capabilities allow.
func startFaults(cfg configs.Config) setting.Faults {
	return fileFaults(cfg, func(err error) bool { return err != nil && !errors.Is(err, fs.ErrPermission) })
}

// checkFaults is all that can be said of files without a start.
func checkFaults(cfg configs.Config) setting.Faults {
	return append(fileFaults(cfg, func(err error) bool { return err != nil }), credentialFaults(cfg)...)
}

func fileFaults(cfg configs.Config, counts func(error) bool) (faults setting.Faults) {
	if err := checkDataDir(cfg.DataDir); counts(err) {
		faults = append(faults, setting.Fault{Path: "data_dir", Value: cfg.DataDir, Problem: err.Error() + ", write a directory that vswarden's user may make or write to"})
	}
	for i, l := range cfg.Listeners {
		if err := l.CheckFiles(); err != nil {
			faults = append(faults, setting.Fault{Path: fmt.Sprintf("listeners[%d].tls", i), Value: l.Address, Problem: err.Error()})
		}
	}
	for i, s := range cfg.Sinks {
		if s.Type != configs.SinkFile {
			continue
		}
		err := s.File.CheckFiles()
		if errors.Is(err, fs.ErrNotExist) && isWithin(cfg.DataDir, filepath.Dir(s.File.Path)) {
			continue // a start makes the data directory and what it lies in
		}
		if counts(err) {
			faults = append(faults, setting.Fault{Path: fmt.Sprintf("sinks[%d].file.path", i), Value: s.File.Path, Problem: err.Error()})
		}
	}
	return faults
}

// credentialFaults reads the certificates and passwords that are shown to others. They are read again for each
// connection and may be mended while we run, so a start does not wait for them; `vswarden check` names them.
func credentialFaults(cfg configs.Config) (faults setting.Faults) {
	if cfg.Tier() == configs.RoleEnrich {
		faults = append(faults, setting.Under("source.kafka", cfg.Source.Kafka.CheckFiles())...)
	}
	for i, s := range cfg.Sinks {
		if s.Type == configs.SinkKafka {
			faults = append(faults, setting.Under(fmt.Sprintf("sinks[%d].kafka", i), s.Kafka.CheckFiles())...)
		}
	}
	for i, c := range cfg.VCenters {
		faults = append(faults, setting.Under(fmt.Sprintf("vcenters[%d]", i), c.CheckFiles())...)
	}
	return faults
}

// checkDataDir says why dir, and what lies in it of ours, cannot be used; one that does not exist is made by a
// start, if the first directory above it that does allows that.
func checkDataDir(dir string) error {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	there, err := writableDir(abs)
	if !there && err == nil {
		for up := filepath.Dir(abs); !there && err == nil && up != filepath.Dir(up); up = filepath.Dir(up) {
			there, err = writableDir(up)
		}
		return err
	}
	for _, ours := range []string{logDir(abs), deadDir(abs), inventoryDir(abs)} {
		if err == nil {
			_, err = writableDir(ours)
		}
	}
	return err
}

// writableDir reports whether there is something at path; the error says why it is no directory to write in.
func writableDir(path string) (there bool, err error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if _, link := os.Lstat(path); link == nil {
			return true, fmt.Errorf("%s is a link to what does not exist", path)
		}
		return false, nil
	case err != nil:
		return true, err
	case !info.IsDir():
		return true, fmt.Errorf("%s is no directory", path)
	}
	return true, setting.Writable(path, true)
}

// isWithin reports whether path is dir or lies in it.
func isWithin(path, dir string) bool {
	path, err := filepath.Abs(path)
	if err != nil {
		return false
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return false
	}
	rel, err := filepath.Rel(dir, path)
	return err == nil && rel != ".." && !strings.HasPrefix(rel, ".."+string(os.PathSeparator))
}
