package main

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"vswarden/app"
)

// inventoryFlags are those of the commands that ask the inventory of a data directory.
type inventoryFlags struct {
	data, config, host, at string
}

func (f *inventoryFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.data, "data", "", "data `DIR` (default ./vswarden-data)")
	flags.StringVarP(&f.config, "config", "c", "", "configuration `FILE` that names the data directory")
	flags.StringVar(&f.host, "host", "", "`NAME`, address or UUID of the ESXi host")
	flags.StringVar(&f.at, "at", "", "`TIME` that is meant: 2026-09-15T10:20:00Z, or without a zone in UTC")
}

// options returns what the flags say, or every fault in them.
func (f *inventoryFlags) options(cmd *cobra.Command) (o app.InventoryOptions, err error) {
	c := configFlags{cmd: cmd, file: f.config}
	c.flags.Data = f.data
	o = app.InventoryOptions{Host: f.host, Stdout: cmd.OutOrStdout(), Now: time.Now}
	if o.Config, err = c.load(); err != nil {
		return o, err
	}
	if f.at != "" {
		o.At, err = parseMoment(f.at)
	}
	return o, err
}

// parseMoment reads a time as people and logs write it.
func parseMoment(s string) (time.Time, error) {
	for _, layout := range [...]string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02T15:04", "2006-01-02"} {
		if t, err := time.Parse(layout, s); err == nil && t.Year() >= 1678 && t.Year() <= 2261 {
			return t, nil
		}
	}
	return time.Time{}, usageError{fmt.Errorf("--at %q: not a time, write one such as 2026-09-15T10:20:00Z", s)}
}

// outputFlag is -o of commands that print a table for people or JSON for programs.
type outputFlag struct{ format string }

func (f *outputFlag) add(cmd *cobra.Command) {
	cmd.Flags().StringVarP(&f.format, "output", "o", "table", "`FORMAT` table or json")
}

func (f *outputFlag) json() (bool, error) {
	switch f.format {
	case "table", "json":
		return f.format == "json", nil
	}
	return false, usageError{fmt.Errorf("-o %q: write table or json", f.format)}
}

func newInventory() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "inventory",
		Short: "Show, export or import what is known of hosts, VMs and ports",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newInventoryShow(), newInventoryExport(), newInventoryImport())
	return cmd
}

func newInventoryShow() *cobra.Command {
	var f inventoryFlags
	var out outputFlag
	cmd := &cobra.Command{
		Use:   "show",
		Short: "Show where the knowledge comes from, how old it is, and who holds which port",
		Long: `Show where the knowledge comes from, how old it is and how much there is; with --host or --at
all VMs and ports of that host or moment. It reads the snapshot, also beside a running vswarden.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o, err := f.options(cmd)
			if err == nil {
				o.JSON, err = out.json()
			}
			if err != nil {
				return err
			}
			return app.ShowInventory(o)
		},
	}
	f.add(cmd)
	out.add(cmd)
	return cmd
}

func newInventoryExport() *cobra.Command {
	var f inventoryFlags
	cmd := &cobra.Command{
		Use:   "export",
		Short: "Write what is known as JSON that import reads",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o, err := f.options(cmd)
			if err != nil {
				return err
			}
			return app.ExportInventory(o)
		},
	}
	f.add(cmd)
	return cmd
}

func newInventoryImport() *cobra.Command {
	var f inventoryFlags
	var o app.ImportOptions
	cmd := &cobra.Command{
		Use:   "import [FILE…|-]",
		Short: "Take in what esxtop, esxcli, net-stats and other tools printed",
		Long: `Take in what esxtop, esxcli, net-stats and other tools printed, RVTools tables and our own JSON:
docs/inventory-import.md lists the formats. Files given together complement each other. A text that
does not name its host needs --host; --at says when it was made, else it is of now. No vswarden may run on
the data directory, which is made where it is missing.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			options, err := f.options(cmd)
			if err != nil {
				return err
			}
			// Neither a read of standard input nor the work can be called off: let the first signal end them. The snapshot
			// is replaced as a whole at the end, so until then nothing is changed.
			signal.Reset(os.Interrupt, syscall.SIGTERM)
			if err := cmd.Context().Err(); err != nil { // it came before
				return err
			}
			o.InventoryOptions, o.Files, o.Stdin, o.Stderr = options, args, os.Stdin, cmd.ErrOrStderr()
			return textUsage(app.ImportInventory(o))
		},
	}
	f.add(cmd)
	cmd.Flags().StringVar(&o.Kind, "kind", "auto", "`FORMAT` of the text; auto finds it out")
	return cmd
}

// textUsage makes a file or an argument that says nothing of use a usageError.
func textUsage(err error) error {
	if _, ok := errors.AsType[*app.TextError](err); ok {
		return usageError{err}
	}
	return err
}

// errUnsure says that an answer is not known for certain; the answer itself has said so already.
var errUnsure = errors.New("not known for certain")

func newPort() *cobra.Command {
	var f inventoryFlags
	var out outputFlag
	var client string
	cmd := &cobra.Command{
		Use:   "port ID --host HOST",
		Short: "Say who holds a port id of a log line, or held it, and how sure that is",
		Long: `Say who holds a port id of a log line, or held it, where that is and which policy is in force there: VMware's
KB 304453 as one command. ID is as logs print it (0x4000006) or as tools do (67108870). It reads the
snapshot, also beside a running vswarden; without --at it answers as of the last moment that is known in full.
The exit code is 4 where the answer is not known, or not for certain.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			o, err := f.options(cmd)
			if err == nil {
				o.JSON, err = out.json()
			}
			if err == nil && f.host == "" {
				err = usageError{errors.New("--host is missing: a port id means something on one host only, write the host that sent the line")}
			}
			if err != nil {
				return err
			}
			sure, err := app.Port(o, args[0], client)
			if err == nil && !sure {
				return errUnsure
			}
			return textUsage(err)
		},
	}
	f.add(cmd)
	out.add(cmd)
	cmd.Flags().StringVar(&client, "client", "", "`NAME` of the client in the line: web-01.eth0")
	return cmd
}
