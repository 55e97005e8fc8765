// Package setting holds what every part's Config is made of: sizes in bytes, and faults that
// name a setting by its path, its value and the cure.
package setting

import "strings"

// Fault is one wrong setting. The Path is relative to the struct that was validated
// ("rotate.size"); whoever holds that struct puts its own path before it with Under.
type Fault struct {
	Path    string // sinks[1].file.rotate.size; empty = the struct itself
	Value   string // as the user wrote it, or as it was understood
	Problem string // what is wrong, and what to write instead
}

// String prints the fault as users see it: path: value: what is wrong, what to write instead.
func (f Fault) String() string { return f.Path + ": " + f.Value + ": " + f.Problem }

// Under puts path before the path of each fault.
func Under(path string, faults []Fault) []Fault {
	for i, f := range faults {
		switch {
		case f.Path == "":
			faults[i].Path = path
		case strings.HasPrefix(f.Path, "["):
			faults[i].Path = path + f.Path
		default:
			faults[i].Path = path + "." + f.Path
		}
	}
	return faults
}

// Faults is a list of wrong settings as one error.
type Faults []Fault

// Error prints one fault a line.
func (f Faults) Error() string {
	lines := make([]string, len(f))
	for i := range f {
		lines[i] = f[i].String()
	}
	return strings.Join(lines, "\n")
}
