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

func newReplay() *cobra.Command {
	var c configFlags
	var o app.ReplayOptions
	var since, until string
	cmd := &cobra.Command{
		Use:   "replay --from spool|files|kafka [FILE…|-]",
		Short: "Send history through today's decoders to a sink",
		Long: `Send history through today's decoders, with the inventory of that time, to a sink. Every event gets
the tag _replay; those that had an id keep it.

--from spool reads the log in the data directory, as far as log.retain keeps it; vswarden must not
run there. --from files reads log files of hosts, plain or gzip, or events as a sink wrote them (with
event.original they are decoded anew); what ESXi keeps in its own files does not name the host: --host
does. --from kafka reads the raw topic of source.kafka; its groups
do not notice.

--since and --until bound the time of receipt, of lines in files their own time: 2026-09-15T10:20:00Z,
or how long ago: 36h. It ends when all is delivered.`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if o.Since, err = momentOrAgo("--since", since); err != nil {
				return err
			}
			if o.Until, err = momentOrAgo("--until", until); err != nil {
				return err
			}
			if len(args) > 0 && o.From != app.ReplayFiles {
				return usageError{fmt.Errorf("files %q: write --from files, or leave them out", args)}
			}
			if o.Host != "" && o.From != app.ReplayFiles {
				return usageError{fmt.Errorf("--host %q: what came over a socket says whose it is: write --from files, or leave it out", o.Host)}
			}
			if o.Config, err = c.load(); err != nil {
				return err
			}
			signal.Ignore(syscall.SIGPIPE) // a reader of standard output that goes away is a sink that is down
			o.Files, o.Log = args, newLogger(o.Config.Logging)
			o.Stdin, o.Stdout, o.Stderr = os.Stdin, os.Stdout, os.Stderr
			if err = app.Replay(cmd.Context(), o); errors.Is(err, app.ErrReplay) {
				return usageError{err}
			}
			return err
		},
	}
	f := cmd.Flags()
	f.StringVarP(&c.file, "config", "c", "", "configuration `FILE` (YAML) with the sink")
	f.StringVar(&c.flags.Data, "data", "", "data `DIR`")
	f.StringVar(&o.From, "from", "", "`WHERE` history is: spool, files or kafka")
	f.StringVar(&since, "since", "", "`TIME` of the first record: 2026-09-15T10:20:00Z, or how long ago: 36h")
	f.StringVar(&until, "until", "", "`TIME` before which the last one was")
	f.StringVar(&o.Host, "host", "", "host `NAME` for lines of files that give none")
	f.StringVar(&o.Sink, "sink", "", "`NAME` of the sink; default: the only one")
	return cmd
}

// momentOrAgo reads a time, or how long ago it was; nothing is no time.
func momentOrAgo(flag, s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	if d, err := time.ParseDuration(s); err == nil && d >= 0 {
		return time.Now().Add(-d), nil
	}
	t, err := parseMoment(s)
	if err != nil {
		return t, usageError{fmt.Errorf("%s %q: not a time, write one such as 2026-09-15T10:20:00Z, or how long ago it was, such as 36h", flag, s)}
	}
	return t, nil
}
