package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"vswarden/app"
)

func newLinkwatch() *cobra.Command {
	var o app.LinkwatchOptions
	cmd := &cobra.Command{
		Use:   "linkwatch",
		Short: "Tell who listens on the links and bridges of this Linux host, as lines",
		Long: `Tell who listens on the links and bridges of this Linux host, as lines.

The state of every link when it begins, then each change: how many ask a device to take all frames
(promiscuity, which ip and ifconfig do not show), the bridge it is a port of, what that port floods
and learns, and how long a bridge remembers addresses (0: it is a hub).

Lines go to standard output, or with --to to a syslog collector as RFC 5424: to vswarden run, or to
any other. vswarden decode reads both. It ends with SIGTERM or SIGINT and needs no privilege.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.Stdout, o.Stderr = os.Stdout, os.Stderr
			err := app.Linkwatch(cmd.Context(), o)
			if errors.Is(err, app.ErrLinuxOnly) || app.IsLinkwatchUsage(err) {
				return usageError{fmt.Errorf("linkwatch: %w", err)}
			}
			return err
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.To, "to", "", "send to `proto://host:port`, proto udp, tcp or tls, instead of writing to standard output")
	f.StringVar(&o.CA, "ca", "", "tls: `FILE` (PEM) of who signs the collector's certificate; default: the system's authorities")
	f.StringVar(&o.Cert, "cert", "", "tls: `FILE` (PEM) with our certificate, where the collector wants one")
	f.StringVar(&o.Key, "key", "", "tls: `FILE` (PEM) with its key")
	return cmd
}
