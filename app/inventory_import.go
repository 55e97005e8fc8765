package app

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/rs/zerolog"

	"vswarden/inventory"
	"vswarden/inventory/importer"
)

// ImportOptions is what `inventory import` is told.
type ImportOptions struct {
	InventoryOptions
	Kind   string   // of all files; empty or auto: found out
	Files  []string // "-" is Stdin; none is Stdin
	Stdin  io.Reader
	Stderr io.Writer
}

// TextError is a file or an argument that says nothing of use: the user's to mend.
type TextError struct {
	Name  string // of the file, or the argument
	Cause error
}

// Error names it.
func (e *TextError) Error() string { return e.Name + ": " + e.Cause.Error() }

// Unwrap returns the cause.
func (e *TextError) Unwrap() error { return e.Cause }

// ImportInventory takes what files say into the inventory of a data directory, all or nothing. No process may
// use it: spool.InUseError.
func ImportInventory(o ImportOptions) (err error) {
	statements, report, err := readStatements(o)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(o.Config.DataDir, 0o750); err != nil {
		return fmt.Errorf("make the data directory: %w", err)
	}
	m, err := openMemory(o.Config, o.Now, zerolog.New(o.Stderr))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, m.close()) }()
	for i := range statements {
		st := &statements[i]
		report = append(report, fmt.Sprintf("%s as of %s: %s", st.Host.Name, showTime(st.At), amount(st)))
	}
	if err := m.inv.Import(statements...); err != nil {
		return fmt.Errorf("import: %w", err)
	}
	m.inv.Maintain(inventory.StampOf(o.Now()))
	if err := m.save(); err != nil {
		return err
	}
	for _, line := range report {
		if _, err := io.WriteString(o.Stdout, escapeCell(line)+"\n"); err != nil {
			return fmt.Errorf("write the report: %w", err)
		}
	}
	return nil
}

// readStatements reads all files before anything is changed.
func readStatements(o ImportOptions) (statements []inventory.Statement, report []string, err error) {
	kind, err := importer.ParseKind(o.Kind)
	if err != nil {
		return nil, nil, &TextError{"--kind", err}
	}
	files := o.Files
	if len(files) == 0 {
		files = []string{"-"}
	}
	var all []importer.Part
	for _, name := range files {
		text, err := readText(o, name)
		if err != nil {
			return nil, nil, &TextError{name, err}
		}
		parts, err := importer.Parse(kind, text)
		if err != nil {
			return nil, nil, &TextError{name, err}
		}
		for i := range parts {
			p := &parts[i]
			line := fmt.Sprintf("%s: %s: %s", name, p.Kind, amount(&p.Statement))
			if p.Skipped > 0 {
				line += fmt.Sprintf(", %d more could not be read", p.Skipped)
			}
			report = append(report, line)
		}
		all = append(all, parts...)
	}
	statements, err = importer.Merge(all, o.Host, inventory.StampOf(o.At), inventory.StampOf(o.Now()))
	if err != nil {
		return nil, nil, &TextError{strings.Join(files, ", "), err}
	}
	return statements, report, nil
}

// readText reads one file, but not more of it than may be imported.
func readText(o ImportOptions, name string) ([]byte, error) {
	in := o.Stdin
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, errors.Unwrap(err) // the name stands before it already
		}
		defer func() { _ = f.Close() }() // opened for reading: nothing can be lost
		in = f
	}
	text, err := io.ReadAll(io.LimitReader(in, importer.MaxSize+1))
	if err == nil && len(text) > importer.MaxSize {
		err = importer.ErrSize
	}
	return text, err
}

// amount says how much a text or a host has.
func amount(st *inventory.Statement) string {
	var list []string
	for _, n := range [...]struct {
		n    int
		what string
	}{{len(st.Rows), "port"}, {len(st.VMs), "VM"}, {len(st.Host.Kernel), "vmk interface"}, {len(st.Host.Uplinks), "uplink"}, {len(st.Host.Portgroups), "portgroup"}} {
		switch {
		case n.n == 1:
			list = append(list, "1 "+n.what)
		case n.n > 1:
			list = append(list, fmt.Sprintf("%d %ss", n.n, n.what))
		}
	}
	if len(list) == 0 {
		return "the host alone"
	}
	return strings.Join(list, ", ")
}
