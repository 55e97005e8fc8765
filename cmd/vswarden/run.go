package main

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"

	"vswarden/app"
	"vswarden/configs"
)

// configFlags are the flags that say what the configuration is; they win over the file.
type configFlags struct {
	cmd   *cobra.Command // whose flags they are; nil: they come from elsewhere
	file  string
	flags configs.Flags
}

func (c *configFlags) add(cmd *cobra.Command) {
	c.cmd = cmd
	f := cmd.Flags()
	f.StringVarP(&c.file, "config", "c", "", "configuration `FILE` (YAML); without it embedded defaults are used")
	f.StringArrayVar(&c.flags.Listen, "listen", nil, "listen on `proto://addr`, proto udp, tcp or tls; may be given several times")
	f.StringVar(&c.flags.Data, "data", "", "data `DIR`: log, cursors, dead letters, default output")
	f.StringVar(&c.flags.Role, "role", "", "`ROLE` of this node: all, receive (sockets to Kafka) or enrich (Kafka to sinks)")
	f.StringVar(&c.flags.Admin, "admin", "", "`ADDR` of metrics and health; empty: none")
}

// load returns the configuration, or every fault in it. A file that cannot be read is one.
func (c *configFlags) load() (configs.Config, error) {
	if c.cmd != nil && c.cmd.Flags().Changed("data") && c.flags.Data == "" {
		return configs.Config{}, usageError{errors.New(`--data "": no directory, write one such as ./vswarden-data`)}
	}
	c.flags.NoAdmin = c.cmd != nil && c.cmd.Flags().Changed("admin") && c.flags.Admin == ""
	cfg, err := configs.Read(c.file, c.flags)
	if err != nil {
		return cfg, usageError{err}
	}
	return cfg, nil
}

func newRun() *cobra.Command {
	var c configFlags
	var readyFile string
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Receive, keep, decode and deliver until told to stop",
		Long: `Receive, keep, decode and deliver until told to stop.

Without -c it listens on udp://:5514, tcp://:5514 and tcp://:1514, keeps its data in
./vswarden-data, writes events to ./vswarden-data/events.ndjson and serves metrics on
127.0.0.1:9514. SIGTERM or SIGINT drains and stops, a second one stops at once; SIGHUP rotates
output files and reloads what can be reloaded.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := c.load()
			if err != nil {
				return err
			}
			// A reader of standard output that goes away is a sink that is down, not the end.
			signal.Ignore(syscall.SIGPIPE)
			log := newLogger(cfg.Logging)
			o := app.Options{
				Config: cfg, Log: log, ReadyFile: readyFile, Stdout: os.Stdout,
				Reload: hangups(cmd.Context()),
			}
			if c.file != "" {
				o.LoadConfig = c.load
			}
			return app.Run(cmd.Context(), o)
		},
	}
	c.add(cmd)
	cmd.Flags().StringVar(&readyFile, "ready-file", "", "write the bound addresses to `FILE` as JSON when ready")
	return cmd
}

func newCheck() *cobra.Command {
	var c configFlags
	var connect bool
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Check the configuration and list all its faults",
		Long: `Check the configuration and list all its faults: exit 2.

With --connect it also goes to what the configuration names, logs in there, and says what is missing
(topics, rights) and what will bite: exit 3. It changes nothing.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := c.load()
			if err != nil {
				return err
			}
			if err := app.Describe(cmd.OutOrStdout(), cfg); err != nil || !connect {
				return err
			}
			return app.Connect(cmd.Context(), cmd.OutOrStdout(), cfg)
		},
	}
	c.add(cmd)
	cmd.Flags().BoolVar(&connect, "connect", false, "also log in everywhere, list topics and name missing rights")
	return cmd
}

// newLogger makes the program's own log on stderr: JSON unless a person reads it.
func newLogger(l configs.Logging) zerolog.Logger {
	zerolog.TimeFieldFormat = "2006-01-02T15:04:05.000Z07:00"
	level, err := zerolog.ParseLevel(l.Level)
	if err != nil {
		level = zerolog.InfoLevel // the configuration was checked before
	}
	if l.Format == configs.LogConsole || l.Format == configs.LogAuto && app.IsTerminal(os.Stderr) {
		return zerolog.New(zerolog.ConsoleWriter{Out: os.Stderr, TimeFormat: "15:04:05.000"}).Level(level).With().Timestamp().Logger()
	}
	return zerolog.New(os.Stderr).Level(level).With().Timestamp().Logger()
}

// hangups turns SIGHUP into values of a channel, one at a time: a signal that comes while a reload
// runs is not lost, several are one.
func hangups(ctx context.Context) <-chan struct{} {
	c := make(chan struct{}, 1)
	notifyHangup(ctx, c)
	return c
}
