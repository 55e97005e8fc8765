package sink

import (
	"fmt"
	"slices"
	"strings"

	"vswarden/event"
	"vswarden/setting"
)

// FilterConfig says which events a sink gets. Empty lists and words say nothing, so the zero value
// passes everything. An event must pass every line; what is excluded is out, whatever else holds.
type FilterConfig struct {
	// Datasets are the only ones that pass: "vmware.esxi.l2sec", or with a star at the end all that
	// begin so: "vmware.esxi.*". Empty: all.
	Datasets []string `yaml:"datasets"`
	// ExcludeDatasets never pass; written like datasets.
	ExcludeDatasets []string `yaml:"exclude_datasets"`
	// Severity is the mildest syslog severity that passes: "warning" passes warning, error,
	// critical, alert and emergency. What counts is the worse of the header's severity and the level
	// the program states; an event with neither passes. ESXi sends L2Sec lines as notice. Empty: all.
	Severity string `yaml:"severity"`
	// Programs are the only ones that pass (log.syslog.appname, upper and lower case are the same:
	// ESXi 6 writes Hostd where ESXi 8 writes hostd). Empty: all.
	Programs []string `yaml:"programs"`
	// ExcludePrograms never pass.
	ExcludePrograms []string `yaml:"exclude_programs"`
	// Tags are marks of which a passing event has at least one: "_policy_drift". Empty: all pass.
	Tags []string `yaml:"tags"`
	// ExcludeTags are marks that a passing event has none of: "_flood".
	ExcludeTags []string `yaml:"exclude_tags"`
}

// Validate returns every fault of c.
func (c FilterConfig) Validate() []setting.Fault {
	faults := datasetFaults("datasets", c.Datasets)
	faults = append(faults, datasetFaults("exclude_datasets", c.ExcludeDatasets)...)
	if c.Severity != "" && severityOf(c.Severity) < 0 {
		faults = append(faults, setting.Fault{
			Path: "severity", Value: c.Severity,
			Problem: "not a syslog severity, write one of " + strings.Join(event.SeverityNames[:], ", "),
		})
	}
	faults = append(faults, programFaults("programs", c.Programs)...)
	faults = append(faults, programFaults("exclude_programs", c.ExcludePrograms)...)
	faults = append(faults, tagFaults("tags", c.Tags)...)
	return append(faults, tagFaults("exclude_tags", c.ExcludeTags)...)
}

func tagFaults(path string, names []string) (faults []setting.Fault) {
	for i, name := range names {
		if _, ok := event.ParseTag(name); !ok {
			faults = append(faults, setting.Fault{
				Path: fmt.Sprintf("%s[%d]", path, i), Value: name,
				Problem: "no such tag, write one of " + strings.Join(event.TagNames[:], ", "),
			})
		}
	}
	return faults
}

// tagSet is the set of the tags of these names.
func tagSet(names []string) (all event.Tags) {
	for _, name := range names {
		t, _ := event.ParseTag(name) // The config is valid.
		all |= t
	}
	return all
}

func datasetFaults(path string, names []string) (faults []setting.Fault) {
	for i, name := range names {
		if slices.ContainsFunc(event.AllDatasets[:], func(d event.Dataset) bool { return datasetMatch(name, d) }) {
			continue
		}
		faults = append(faults, setting.Fault{
			Path: fmt.Sprintf("%s[%d]", path, i), Value: name,
			Problem: fmt.Sprintf("no such dataset, did you mean %s", nearestDataset(name)),
		})
	}
	return faults
}

func programFaults(path string, names []string) (faults []setting.Fault) {
	for i, name := range names {
		if name == "" || strings.ContainsAny(name, " \t:*") {
			faults = append(faults, setting.Fault{
				Path: fmt.Sprintf("%s[%d]", path, i), Value: name,
				Problem: "not the name of a program, write it as in log.syslog.appname: vmkernel",
			})
		}
	}
	return faults
}

// Filter is a FilterConfig made ready. It is never changed and may be used by many at once; a nil
// Filter passes everything.
type Filter struct {
	datasets, excludeDatasets []string
	programs, excludePrograms []string
	tags, excludeTags         event.Tags
	severity                  int // -1: all
}

// Compile returns the filter that c describes, nil when it passes everything. The config is valid.
func (c FilterConfig) Compile() *Filter {
	f := &Filter{
		datasets: slices.Clone(c.Datasets), excludeDatasets: slices.Clone(c.ExcludeDatasets),
		programs: slices.Clone(c.Programs), excludePrograms: slices.Clone(c.ExcludePrograms),
		tags: tagSet(c.Tags), excludeTags: tagSet(c.ExcludeTags),
		severity: severityOf(c.Severity),
	}
	if f.severity < 0 && len(f.datasets)+len(f.excludeDatasets)+len(f.programs)+len(f.excludePrograms) == 0 && f.tags|f.excludeTags == 0 {
		return nil
	}
	return f
}

// Match reports whether e passes. It allocates nothing.
func (f *Filter) Match(e *event.Event) bool {
	if f == nil {
		return true
	}
	if hasDataset(f.excludeDatasets, e.Dataset) || hasProgram(f.excludePrograms, e.Syslog.AppName) {
		return false
	}
	if e.Tags&f.excludeTags != 0 || f.tags != 0 && e.Tags&f.tags == 0 {
		return false
	}
	if len(f.datasets) > 0 && !hasDataset(f.datasets, e.Dataset) {
		return false
	}
	if len(f.programs) > 0 && !hasProgram(f.programs, e.Syslog.AppName) {
		return false
	}
	return f.severity < 0 || severe(e) <= f.severity
}

// severe is the worse of the two severities an event may state. One that states none counts as the
// worst, so that nothing is dropped for what we do not know.
func severe(e *event.Event) int {
	header := -1
	if e.Syslog.HasPriority() {
		header = e.Syslog.Severity()
	}
	level := severityOf(e.Level)
	switch {
	case header < 0:
		return level
	case level < 0:
		return header
	}
	return min(header, level)
}

func hasDataset(names []string, d event.Dataset) bool {
	for _, name := range names {
		if datasetMatch(name, d) {
			return true
		}
	}
	return false
}

func datasetMatch(name string, d event.Dataset) bool {
	if prefix, ok := strings.CutSuffix(name, "*"); ok {
		return strings.HasPrefix(string(d), prefix)
	}
	return name == string(d)
}

func hasProgram(names []string, program string) bool {
	for _, name := range names {
		if strings.EqualFold(name, program) {
			return true
		}
	}
	return false
}

// severityOf returns the syslog severity of a level's word, -1 for any other word. Beside the
// names of RFC 5424 it knows the words of ESXi's own programs.
func severityOf(word string) int {
	for i, name := range event.SeverityNames {
		if strings.EqualFold(name, word) {
			return i
		}
	}
	for _, alias := range severityAliases {
		if strings.EqualFold(alias.word, word) {
			return alias.severity
		}
	}
	return -1
}

var severityAliases = []struct {
	word     string
	severity int
}{
	{"panic", 0},
	{"emerg", 0},
	{"crit", 2},
	{"fatal", 2},
	{"err", 3},
	{"warn", 4},
	{"information", 6},
	{"informational", 6},
	{"verbose", 7},
	{"trivia", 7},
	{"trace", 7},
}

// nearestDataset returns the known dataset that needs the fewest changes to become name. Parts at
// its front that are merely left out ("l2sec" for "vmware.esxi.l2sec") cost nothing.
func nearestDataset(name string) event.Dataset {
	far := func(d event.Dataset) int {
		if strings.HasSuffix(string(d), "."+name) {
			return 0
		}
		return setting.Distance(name, string(d))
	}
	return slices.MinFunc(event.AllDatasets[:], func(a, b event.Dataset) int {
		return far(a) - far(b)
	})
}
