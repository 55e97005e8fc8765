package file

import (
	"os"
	"strconv"
	"time"

	"vswarden/setting"
)

// Config is a file sink.
type Config struct {
	// Path is the live file. Its directory must exist. A path that is a device or a pipe, or lies
	// under /dev or /proc, is written as it is: never renamed, cut or synced.
	Path string `yaml:"path"`
	// Rotate says when the live file is renamed to PATH.<UTC stamp> and a new one is made; SIGHUP
	// does it as well.
	Rotate Rotate `yaml:"rotate"`
	// Sync is "always": the file is synced before the sink's cursor moves over what it holds; or
	// "never": the operating system writes when it likes, a power cut loses what it had not.
	Sync SyncMode `yaml:"sync"`
}

// Rotate bounds the live file and the older ones.
type Rotate struct {
	// Size is what the live file does not grow beyond, except by one line longer than that; 0: no bound.
	Size setting.Bytes `yaml:"size"`
	// Age is how long a live file that holds something is kept; 0: no bound. After a restart the
	// file counts from the last rotation, or where there was none from its last write.
	Age time.Duration `yaml:"age"`
	// Keep is how many older files are kept, the newest ones; 0: all.
	Keep int `yaml:"keep"`
	// Gzip compresses the older files, each after the rotation that follows its own, so that a
	// forwarder can read the newest of them to its end.
	Gzip bool `yaml:"gzip"`
}

// SyncMode says whether a Sync reaches the disk.
type SyncMode string

// The sync modes.
const (
	SyncAlways SyncMode = "always"
	SyncNever  SyncMode = "never"
)

// The least bounds that make sense.
const (
	minSize = 4 * setting.KiB
	minAge  = time.Second
)

// DefaultConfig returns the defaults; the Path is the user's.
func DefaultConfig() Config {
	return Config{
		Rotate: Rotate{Size: 256 * setting.MiB, Keep: 8},
		Sync:   SyncAlways,
	}
}

// Validate returns every fault of c.
func (c Config) Validate() (faults []setting.Fault) {
	fault := func(path, value, problem string) {
		faults = append(faults, setting.Fault{Path: path, Value: value, Problem: problem})
	}
	switch {
	case c.Path == "":
		fault("path", `""`, "no file is named, write a path such as /var/log/vswarden/events.ndjson")
	case os.IsPathSeparator(c.Path[len(c.Path)-1]):
		fault("path", c.Path, "a directory, write the path of a file in it")
	}
	if c.Rotate.Size != 0 && c.Rotate.Size < minSize {
		fault("rotate.size", c.Rotate.Size.String(), "too small, write at least "+minSize.String()+", or 0 for no bound")
	}
	if c.Rotate.Age != 0 && c.Rotate.Age < minAge {
		fault("rotate.age", c.Rotate.Age.String(), "too short, write at least "+minAge.String()+" (1h, 24h), or 0 for no bound")
	}
	if c.Rotate.Keep < 0 {
		fault("rotate.keep", strconv.Itoa(c.Rotate.Keep), "less than none, write the number of older files to keep, or 0 for all")
	}
	if c.Sync != SyncAlways && c.Sync != SyncNever {
		fault("sync", string(c.Sync), "not one of always, never")
	}
	return faults
}
