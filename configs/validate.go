package configs

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"time"

	"vswarden/pipeline"
	"vswarden/receiver"
	"vswarden/setting"
	"vswarden/spool"
)

// leastMemory is below what the process needs to live: with less the runtime would do nothing but
// collect garbage.
const leastMemory = 64 * setting.MiB

// Validate returns every fault of c, by path. It opens, binds and makes nothing.
func (c Config) Validate() []setting.Fault {
	var faults []setting.Fault
	if strings.TrimSpace(c.DataDir) == "" {
		faults = append(faults, setting.Fault{Path: "data_dir", Value: show(c.DataDir), Problem: "no directory, write one such as ./vswarden-data or /var/lib/vswarden"})
	}
	faults = append(faults, c.roleFaults()...)
	faults = append(faults, c.listenerFaults()...)
	ofLog := c.Log.Validate()
	tooSmall := slices.ContainsFunc(ofLog, func(f setting.Fault) bool { return f.Path == "max_size" }) // then it is at fault, and no frame
	faults = append(faults, setting.Under("log", ofLog)...)
	for i, l := range c.Listeners {
		if l.MaxFrame > 0 && !tooSmall && l.MaxFrame*2 > c.Log.MaxSize {
			faults = append(faults, setting.Fault{Path: fmt.Sprintf("listeners[%d].max_frame", i), Value: l.MaxFrame.String(), Problem: fmt.Sprintf("the log has no room for it, write at most half of log.max_size (%v)", c.Log.MaxSize)})
		}
	}
	faults = append(faults, c.sinkFaults()...)
	faults = append(faults, c.pathFaults()...)
	faults = append(faults, setting.Under("dead_letters", c.DeadLetters.Validate())...)
	faults = append(faults, setting.Under("inventory", c.Inventory.Validate())...)
	faults = append(faults, c.vcenterFaults()...)
	faults = append(faults, setting.Under("group", c.Group.Validate())...)
	faults = append(faults, setting.Under("detections", c.Detections.Validate())...)
	faults = append(faults, setting.Under("enrich", c.Enrich.Validate())...)
	faults = append(faults, setting.Under("posture", c.Posture.Validate())...)
	if c.ShutdownTimeout < 0 {
		faults = append(faults, setting.Fault{Path: "shutdown_timeout", Value: c.ShutdownTimeout.String(), Problem: "less than no time, write 0 or a duration such as 10s"})
	}
	if c.MemoryLimit != 0 && c.MemoryLimit < leastMemory {
		faults = append(faults, setting.Fault{Path: "memory_limit", Value: c.MemoryLimit.String(), Problem: fmt.Sprintf("too little to run, write at least %v, or 0 for no limit", leastMemory)})
	}
	faults = append(faults, setting.Under("admin", c.Admin.Validate())...)
	faults = append(faults, oneOf("logging.level", c.Logging.Level, "debug", "info", "warn", "error")...)
	return append(faults, oneOf("logging.format", c.Logging.Format, LogAuto, LogJSON, LogConsole)...)
}

// listenerFaults checks each listener, and that no two are one.
func (c Config) listenerFaults() (faults []setting.Fault) {
	if len(c.Listeners) == 0 && c.Tier() != RoleEnrich {
		return []setting.Fault{{Path: "listeners", Value: "[]", Problem: "no listener, write one such as - address: udp://:5514, or delete the key for the default ones"}}
	}
	names, ids, addresses := map[string]int{}, map[uint16]int{}, map[string]int{}
	for i, l := range c.Listeners {
		path := fmt.Sprintf("listeners[%d]", i)
		faults = append(faults, setting.Under(path, l.Validate())...)
		id := receiver.ListenerID(l.Name)
		if j, ok := addresses[l.Address]; ok && l.Address != "" && !strings.HasSuffix(l.Address, ":0") {
			faults = append(faults, setting.Fault{Path: path + ".address", Value: show(l.Address), Problem: fmt.Sprintf("listeners[%d] has this address too, delete one of them", j)})
		} else if j, ok := names[l.Name]; ok {
			faults = append(faults, setting.Fault{Path: path + ".name", Value: show(l.Name), Problem: fmt.Sprintf("listeners[%d] has this name too, write another", j)})
		} else if j, ok := ids[id]; ok {
			faults = append(faults, setting.Fault{Path: path + ".name", Value: show(l.Name), Problem: fmt.Sprintf("has the same number in the log as listeners[%d] (%s), write another name", j, l.Name)})
		}
		names[l.Name], ids[id], addresses[l.Address] = i, i, i
	}
	return faults
}

// Validate returns every fault of one listener by itself.
func (l Listener) Validate() []setting.Fault {
	faults := l.Config.Validate()
	if _, err := time.LoadLocation(l.Timezone); err != nil || l.Timezone == "" {
		faults = append(faults, setting.Fault{Path: "timezone", Value: show(l.Timezone), Problem: "no known time zone, write UTC, Local or a name such as Europe/Berlin"})
	}
	return faults
}

// sinkFaults checks each sink, and that names are names and unique.
func (c Config) sinkFaults() (faults []setting.Fault) {
	if len(c.Sinks) == 0 {
		return []setting.Fault{{Path: "sinks", Value: "[]", Problem: "no sink, write one such as - {name: events, type: file, file: {path: ./events.ndjson}}, or delete the key for the default one"}}
	}
	stdout := -1
	for i, s := range c.Sinks {
		path := fmt.Sprintf("sinks[%d]", i)
		faults = append(faults, setting.Under(path, s.Validate())...)
		for j, other := range c.Sinks[:i] {
			if s.Name != "" && strings.EqualFold(s.Name, other.Name) {
				faults = append(faults, setting.Fault{Path: path + ".name", Value: show(s.Name), Problem: fmt.Sprintf("sinks[%d] has this name too (upper and lower case are the same), write another", j)})
				break
			}
		}
		if s.Type != SinkStdout {
			continue
		}
		if stdout >= 0 {
			faults = append(faults, setting.Fault{Path: path + ".type", Value: show(string(s.Type)), Problem: fmt.Sprintf("sinks[%d] writes to standard output already, delete one of them", stdout)})
		}
		stdout = i
	}
	return faults
}

// Validate returns every fault of one sink by itself.
func (s Sink) Validate() (faults []setting.Fault) {
	switch {
	case s.Name == "":
		faults = append(faults, setting.Fault{Path: "name", Value: `""`, Problem: "no name, write one of its own for good, such as events: its place in the log goes by it"})
	case !isSinkName(s.Name):
		faults = append(faults, setting.Fault{Path: "name", Value: show(s.Name), Problem: "not a name for files, write 1 to 64 of A-Z a-z 0-9 _ . -"})
	}
	faults = append(faults, oneOf("type", string(s.Type), string(SinkFile), string(SinkStdout), string(SinkKafka))...)
	faults = append(faults, oneOf("start", string(s.Start), string(spool.StartOldest), string(spool.StartNewest))...)
	faults = append(faults, oneOf("format", string(s.Format), string(pipeline.FormatECS), string(pipeline.FormatRaw))...)
	faults = append(faults, setting.Under("filter", s.Filter.Validate())...)
	switch s.Type {
	case SinkFile:
		faults = append(faults, setting.Under("file", s.File.Validate())...)
	case SinkKafka:
		faults = append(faults, setting.Under("kafka", s.Kafka.Validate())...)
	}
	return append(faults, s.strayFaults()...)
}

// strayFaults finds settings of another type than the sink's.
func (s Sink) strayFaults() (faults []setting.Fault) {
	stray := func(of SinkType, set bool) {
		if set && s.Type != of && slices.Contains([]SinkType{SinkFile, SinkStdout, SinkKafka}, s.Type) {
			faults = append(faults, setting.Fault{Path: string(of), Value: "{…}", Problem: fmt.Sprintf("not for type %s, delete it or write type: %s", s.Type, of)})
		}
	}
	stray(SinkFile, s.File != DefaultSink().File)
	stray(SinkKafka, len(diff("", reflect.ValueOf(s.Kafka), reflect.ValueOf(DefaultSink().Kafka))) > 0)
	return faults
}

// isSinkName reports a name that may stand in the names of files.
func isSinkName(s string) bool {
	ok := func(r rune) bool {
		return r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '_' || r == '.' || r == '-'
	}
	return len(s) <= 64 && s != "." && s != ".." && !strings.ContainsFunc(s, func(r rune) bool { return !ok(r) })
}

// pathFaults finds two writers of one file, whatever names and links lead to it.
func (c Config) pathFaults() (faults []setting.Fault) {
	taken := map[string]string{}
	for _, s := range c.Sinks {
		taken[realPath(filepath.Join(c.DataDir, "dead", s.Name+".ndjson"))] = "the dead letters of " + s.Name
	}
	taken[realPath(filepath.Join(c.DataDir, "detect.json"))] = "the detections"
	ours := func(path string) string {
		for dir, of := range map[string]string{"log": "the log", "inventory": "the inventory"} {
			if strings.HasPrefix(path, realPath(filepath.Join(c.DataDir, dir))+string(os.PathSeparator)) {
				return of
			}
		}
		return ""
	}
	for i, s := range c.Sinks {
		if s.Type != SinkFile || s.File.Path == "" {
			continue
		}
		path := realPath(s.File.Path)
		fault := setting.Fault{Path: fmt.Sprintf("sinks[%d].file.path", i), Value: show(s.File.Path)}
		switch by, ok := taken[path]; {
		case strings.HasPrefix(path, "/dev/"): // null, full, a terminal: they take what comes
			continue
		case ok:
			fault.Problem = "written to by " + by + " already, write another path"
		case ours(path) != "":
			fault.Problem = "in the directory of " + ours(path) + ", write a path elsewhere"
		default:
			taken[path] = fmt.Sprintf("sinks[%d]", i)
			continue
		}
		faults = append(faults, fault)
	}
	return faults
}

// realPath returns path from the root with links followed as far as it exists.
func realPath(path string) string {
	abs, err := filepath.Abs(path)
	if err != nil {
		return filepath.Clean(path) // no working directory: there is nothing to compare by
	}
	for rest := ""; ; {
		if found, err := filepath.EvalSymlinks(abs); err == nil {
			return filepath.Join(found, rest)
		}
		parent := filepath.Dir(abs)
		if parent == abs {
			return filepath.Join(abs, rest)
		}
		abs, rest = parent, filepath.Join(filepath.Base(abs), rest)
	}
}

// oneOf returns a fault when value is not one of words.
func oneOf(path, value string, words ...string) []setting.Fault {
	if slices.Contains(words, value) {
		return nil
	}
	problem := "not one of " + strings.Join(words, ", ")
	if near := nearest(value, words); near != "" {
		problem += ", did you mean " + near + "?"
	} else {
		problem += ", write one of them"
	}
	return []setting.Fault{{Path: path, Value: show(value), Problem: problem}}
}
