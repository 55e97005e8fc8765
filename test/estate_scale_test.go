package test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestEstateScale follows a vCenter with 10 000 machines on 500 hosts and measures what that costs the process: memory over
// that of one without a vCenter, and CPU for each changed object, XML and all. It is `make bench-estate`; it prints.
func TestEstateScale(t *testing.T) {
	if os.Getenv("ESTATE_SCALE") == "" {
		t.Skip("takes minutes; make bench-estate")
	}
	if raceDetector {
		t.Skip("measures memory and time")
	}
	program, err := estateProgram()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	api := freeAddress(t)
	p := start(t, "-c", configured(t, filepath.Join(dir, "data"), "", fmt.Sprintf(`
vcenters: [{url: "http://%s", username: operator, password: secret, insecure: true}]
sinks: [{name: events, type: file, file: {path: %q}}]
`, api, filepath.Join(dir, "events.ndjson"))))
	base := p.scrape(t)
	truth := filepath.Join(dir, "truth.ndjson")
	estate := exec.CommandContext(t.Context(), program, "-seed", "1", "-vms", "10000", "-churn", "20", "-lag", "5s", "-rate", "1", "-reuse", "-for", "150s",
		"-lines", "tcp://"+p.address(t, "tcp"), "-listen", api, "-truth", truth)
	var out strings.Builder
	estate.Stdout, estate.Stderr = &out, &out
	if err := estate.Start(); err != nil {
		t.Fatal(err)
	}
	const objects = "vswarden_inventory_vcenter_total"
	label := `what="objects"`
	synced := p.waitFor(t, "10000 machines are known, and the ports of their switch were read", func(m metrics) bool {
		return m.sum("vswarden_inventory_objects", `kind="vm"`) == 10_000 && m.sum("vswarden_inventory_source_healthy") == 1 && m.sum(objects, `what="port_reads"`) > 0
	})
	began := time.Now()
	if err := estate.Wait(); err != nil {
		t.Fatalf("%v: %s", err, out.String())
	}
	end := p.scrape(t)
	mb := func(m metrics, name string) float64 { return m.sum(name) / 1e6 }
	for _, x := range []struct {
		name string
		m    metrics
	}{{"without the vCenter", base}, {"at the first sync", synced}, {"after the churn", end}} {
		t.Logf("%-20s resident %6.1f MB, heap %6.1f MB of which live at the last collection at most %6.1f MB, CPU %.2f s", x.name,
			mb(x.m, "process_resident_memory_bytes"), mb(x.m, "go_memstats_heap_alloc_bytes"), mb(x.m, "go_memstats_next_gc_bytes")/2, x.m.sum("process_cpu_seconds_total"))
	}
	n := end.sum(objects, label) - synced.sum(objects, label)
	cpu := end.sum("process_cpu_seconds_total") - synced.sum("process_cpu_seconds_total")
	t.Logf("%.0f objects changed in %v: %.2f ms of CPU each, all that the process does included", n, time.Since(began).Round(time.Second), 1000*cpu/max(n, 1))
	if n < 500 {
		t.Errorf("only %.0f objects changed: %s", n, out.String())
	}
	if per := 1000 * cpu / max(n, 1); per > 50 {
		t.Errorf("%.1f ms for each change: out of all proportion", per)
	}
}
