package app

import (
	"fmt"
	"io"

	"vswarden/inventory"
	"vswarden/posture"
)

// PostureOptions is what `vswarden posture` is told.
type PostureOptions struct {
	InventoryOptions        // its data directory is asked
	Sysfs            string // instead of an inventory: /sys of a Linux host, or a copy
	FailOn           string // promiscuous, mac-changes, forged-transmits or any make it fail; empty: nothing
	CSV              bool
	Stderr           io.Writer // how old the answer is, and what is not known
}

// postureDocument is the JSON of `vswarden posture`.
type postureDocument struct {
	Format   string           `json:"format"`
	Version  int              `json:"version"`
	Source   string           `json:"source"` // inventory, sysfs
	Snapshot *inventory.Stamp `json:"snapshot,omitempty"`
	Age      *float64         `json:"age_seconds,omitempty"`
	*posture.Report
	*posture.Links
}

// Posture prints what virtual switches permit, from the snapshot beside a running process or from sysfs. It returns
// ErrFindings where that holds what FailOn means.
func Posture(o PostureOptions) error {
	var found bool
	var err error
	if o.Sysfs != "" {
		found, err = sysfsPosture(o)
	} else {
		found, err = inventoryPosture(o)
	}
	if err == nil && found && o.FailOn != "" {
		return fmt.Errorf("%w: what --fail-on %s looks for is permitted, see the report", ErrFindings, o.FailOn)
	}
	return err
}

// inventoryPosture prints the report and says whether it holds what FailOn means.
func inventoryPosture(o PostureOptions) (found bool, err error) {
	s, err := readSnapshot(o.InventoryOptions)
	if err != nil {
		return false, err
	}
	at := inventory.StampOf(o.At)
	if at == 0 {
		at = s.now
	}
	r := posture.Of(s.inv, at, s.now)
	found = r.Fails(posture.FailOn(o.FailOn))
	age := s.now.Sub(s.written)
	if o.JSON {
		seconds := age.Seconds()
		return found, writePosture(o.Stdout, &postureDocument{Source: "inventory", Snapshot: &s.written, Age: &seconds, Report: r})
	}
	if _, err := fmt.Fprintf(o.Stderr, "snapshot of %s, %s old: %d portgroups, %d findings, %d not known\n",
		showTime(s.written), showAge(age), r.Portgroups, len(r.Findings), len(r.NotKnown)); err != nil {
		return found, err
	}
	if o.CSV {
		return found, r.WriteCSV(o.Stdout)
	}
	return found, writeTable(o.Stdout, r.Table())
}

func sysfsPosture(o PostureOptions) (found bool, err error) {
	l, err := posture.ReadSysfs(o.Sysfs)
	if err != nil {
		return false, &TextError{o.Sysfs, err}
	}
	found = l.Fails()
	switch {
	case o.JSON:
		return found, writePosture(o.Stdout, &postureDocument{Source: "sysfs", Links: l})
	case o.CSV:
		return found, l.WriteCSV(o.Stdout)
	}
	if _, err := fmt.Fprintln(o.Stderr, "sysfs does not tell how many listen: on a bridge's port, which is promiscuous already, a capture shows in `vswarden linkwatch` only"); err != nil {
		return found, err
	}
	return found, writeTable(o.Stdout, l.Table())
}

func writePosture(w io.Writer, d *postureDocument) error {
	d.Format, d.Version = "vswarden-posture", 1
	return writeJSON(w, d)
}
