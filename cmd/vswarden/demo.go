package main

import (
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"vswarden/app"
)

func newDemo() *cobra.Command {
	return &cobra.Command{
		Use:   "demo",
		Short: "Play a day of an ESXi estate through real sockets and show what comes out",
		Long: `Play a storyline of an ESXi estate through real sockets on this machine and show the events that
come out: a VM turns promiscuous, another changes its MAC address and is blocked, somebody runs
tcpdump on a host. It needs nothing, uses free ports and a data directory of its own, cleans up and
ends by itself. Events go to standard output, as JSON when that is not a terminal.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			signal.Ignore(syscall.SIGPIPE) // so that the data directory goes also when the reader does
			return app.Demo(cmd.Context(), app.DemoOptions{
				Stdout: os.Stdout, Stderr: os.Stderr, Terminal: app.IsTerminal(os.Stdout),
			})
		},
	}
}
