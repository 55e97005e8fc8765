package main

import (
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"vswarden/app"
)

func newDecode() *cobra.Command {
	var o app.DecodeOptions
	var detail, original, zone, year string
	cmd := &cobra.Command{
		Use:   "decode [FILE…|-]",
		Short: "Decode lines of files or standard input into events",
		Long: `Decode lines of files or standard input into events, one JSON object each. Lines that are one
message (--> lines, parts of vCenter events, lines without a header) are one event.

It takes lines as they come over the wire (<PRI>…, also with an octet count before them) and as
ESXi keeps them in its own log files, plain or gzip. The output depends on the input alone: no
clock is read. A line without a usable stamp takes the time of the line before.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.Detail.UnmarshalText([]byte(detail)); err != nil {
				return usageError{fmt.Errorf("--detail: %w", err)}
			}
			if err := o.Original.UnmarshalText([]byte(original)); err != nil {
				return usageError{fmt.Errorf("--original: %w", err)}
			}
			loc, err := time.LoadLocation(zone)
			if err != nil {
				return usageError{fmt.Errorf("--tz %s: not a time zone known here, write a name such as Europe/Vienna or UTC", zone)}
			}
			if year != "" {
				if o.Year, err = strconv.Atoi(year); err != nil || o.Year < 1678 || o.Year > 2261 {
					return usageError{fmt.Errorf("--year %s: write a year from 1678 to 2261", year)}
				}
			}
			// A read of standard input cannot be called off: let the first signal end it.
			signal.Reset(os.Interrupt, syscall.SIGTERM)
			o.Files, o.Location = args, loc
			o.Stdin, o.Stdout, o.Stderr = os.Stdin, os.Stdout, os.Stderr
			o.Terminal, o.Table = app.IsTerminal(os.Stdout), app.IsTerminal(os.Stderr)
			return app.Decode(cmd.Context(), o)
		},
	}
	f := cmd.Flags()
	f.BoolVar(&o.NoGroup, "no-group", false, "one event for each line, also where several are one message")
	f.StringVar(&detail, "detail", "auto", "fields to write: `LEVEL` compact, standard, full, or auto (full for security events)")
	f.StringVar(&original, "original", "security", "event.original: `WHICH` all, security or none")
	f.StringVar(&zone, "tz", "UTC", "time `ZONE` of stamps that name none (Mmm dd hh:mm:ss)")
	f.StringVar(&year, "year", "", "`YEAR` of stamps that name none; default: that of the last full stamp, else 1970")
	f.StringVar(&o.Host, "host", "", "host `NAME` for lines whose header gives none")
	f.BoolVar(&o.Pretty, "pretty", false, "indent the JSON")
	f.BoolVar(&o.Stats, "stats", false, "print lines by format and by dataset to standard error")
	return cmd
}
