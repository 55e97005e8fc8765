package sink_test

import (
	"slices"
	"strings"
	"testing"

	"vswarden/event"
	"vswarden/sink"
)

// line is an event with what a filter looks at; priority -1 is no header.
func line(d event.Dataset, program string, priority int16, level string) *event.Event {
	var e event.Event
	e.Reset()
	e.Dataset, e.Level = d, level
	e.Syslog.AppName, e.Syslog.Priority = program, priority
	return &e
}

func TestFilter(t *testing.T) {
	l2sec := line(event.DatasetL2Sec, "vmkernel", 181, "")       // notice
	hostd := line(event.DatasetHostd, "Hostd", 166, "")          // info
	warns := line(event.DatasetHostd, "hostd", 166, "warning")   // info outside, warning inside
	calm := line(event.DatasetVmkernel, "vmkernel", 180, "info") // warning outside, info inside
	bare := line(event.DatasetGeneric, "", -1, "")
	odd := line(event.DatasetGeneric, "x", -1, "mauve")
	calm.Tags = event.TagFlood
	all := []*event.Event{l2sec, hostd, warns, calm, bare, odd}

	f := func(name string, c sink.FilterConfig, want ...*event.Event) {
		t.Helper()
		if faults := c.Validate(); len(faults) > 0 {
			t.Errorf("%s: %v", name, faults)
		}
		var got []*event.Event
		filter := c.Compile()
		for _, e := range all {
			if filter.Match(e) {
				got = append(got, e)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %d events pass, want %d", name, len(got), len(want))
		}
	}
	f("empty", sink.FilterConfig{}, all...)
	f("one dataset", sink.FilterConfig{Datasets: []string{"vmware.esxi.l2sec"}}, l2sec)
	f("star", sink.FilterConfig{Datasets: []string{"vmware.esxi.*"}}, l2sec, hostd, warns, calm)
	f("two datasets", sink.FilterConfig{Datasets: []string{"syslog.generic", "vmware.esxi.vmkernel"}}, calm, bare, odd)
	f("excluded", sink.FilterConfig{ExcludeDatasets: []string{"vmware.esxi.h*"}}, l2sec, calm, bare, odd)
	f("out wins over in", sink.FilterConfig{Datasets: []string{"vmware.*"}, ExcludeDatasets: []string{"vmware.*"}})
	f("the worse severity counts, unknown passes", sink.FilterConfig{Severity: "warning"}, warns, calm, bare, odd)
	f("severity in any case", sink.FilterConfig{Severity: "Notice"}, l2sec, warns, calm, bare, odd)
	f("debug passes all", sink.FilterConfig{Severity: "debug"}, all...)
	f("emergency", sink.FilterConfig{Severity: "emergency"}, bare, odd)
	f("program in any case", sink.FilterConfig{Programs: []string{"hostd"}}, hostd, warns)
	f("no programs", sink.FilterConfig{ExcludePrograms: []string{"vmkernel", "hostd"}}, bare, odd)
	f("a tag", sink.FilterConfig{Tags: []string{"_policy_drift", "_flood"}}, calm)
	f("no tag", sink.FilterConfig{ExcludeTags: []string{"_flood"}}, l2sec, hostd, warns, bare, odd)
	f("every line holds", sink.FilterConfig{Programs: []string{"hostd"}, Severity: "warning"}, warns)

	if (sink.FilterConfig{}).Compile() != nil {
		t.Error("a filter that passes everything is not nil")
	}
}

func TestFilterValidate(t *testing.T) {
	c := sink.FilterConfig{
		Datasets:        []string{"vmware.esxi.l2sek", "l2sec", "vmware.esxi.*", "*", "vmware.nsx.*"},
		ExcludeDatasets: []string{"", "vmware.esxi.shell"},
		Severity:        "mauve",
		Programs:        []string{"vmkernel", "vmkernel: x"},
		ExcludePrograms: []string{""},
		Tags:            []string{"_flood", "flood"},
	}
	want := []string{
		"datasets[0]: vmware.esxi.l2sek: no such dataset, did you mean vmware.esxi.l2sec",
		"datasets[1]: l2sec: no such dataset, did you mean vmware.esxi.l2sec",
		"datasets[4]: vmware.nsx.*: no such dataset, did you mean vmware.",
		"exclude_datasets[0]: : no such dataset",
		"severity: mauve: not a syslog severity, write one of emergency, alert,",
		"programs[1]: vmkernel: x: not the name of a program",
		"exclude_programs[0]: : not the name of a program",
		"tags[1]: flood: no such tag, write one of _parse_partial, ",
	}
	faults := c.Validate()
	if len(faults) != len(want) {
		t.Fatalf("%d faults, want %d: %v", len(faults), len(want), faults)
	}
	for i, f := range faults {
		if !strings.HasPrefix(f.String(), want[i]) {
			t.Errorf("%s\nwant\n%s…", f, want[i])
		}
	}
}

func TestFilterAllocatesNothing(t *testing.T) {
	f := sink.FilterConfig{
		Datasets: []string{"vmware.vcenter.*", "vmware.esxi.*"}, ExcludeDatasets: []string{"vmware.esxi.vpxa"},
		Severity: "info", Programs: []string{"vpxa", "HOSTD"}, ExcludePrograms: []string{"rhttpproxy"},
	}.Compile()
	e := line(event.DatasetHostd, "hostd", 166, "verbose")
	if n := testing.AllocsPerRun(1000, func() {
		if !f.Match(e) {
			t.Fatal("held back")
		}
	}); n != 0 {
		t.Errorf("%v allocations an event", n)
	}
}

func BenchmarkFilter(b *testing.B) {
	f := sink.FilterConfig{
		ExcludeDatasets: []string{"vmware.esxi.vpxa"}, Severity: "info", ExcludePrograms: []string{"rhttpproxy"},
	}.Compile()
	e := line(event.DatasetHostd, "hostd", 166, "info")
	b.ReportAllocs()
	for b.Loop() {
		if !f.Match(e) {
			b.Fatal("held back")
		}
	}
}
