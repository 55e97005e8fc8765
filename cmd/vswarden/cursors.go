package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"vswarden/app"
)

func newCursors() *cobra.Command {
	var data, config string
	cmd := &cobra.Command{
		Use:   "cursors",
		Short: "List, set or drop the places of sinks in the log",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.PersistentFlags().StringVar(&data, "data", "", "data `DIR` (default ./vswarden-data)")
	cmd.PersistentFlags().StringVarP(&config, "config", "c", "", "configuration `FILE` that names the data directory")
	dir := func() (string, error) {
		c := configFlags{file: config}
		c.flags.Data = data
		cfg, err := c.load()
		return cfg.DataDir, err
	}
	cmd.AddCommand(&cobra.Command{
		Use:   "list",
		Short: "List the cursors; may run beside a running vswarden",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			d, err := dir()
			if err != nil {
				return err
			}
			return asUsage(app.ListCursors(cmd.OutOrStdout(), d))
		},
	}, &cobra.Command{
		Use:   "set NAME oldest|newest|POSITION",
		Short: "Move a cursor: the next record its sink gets is the one after POSITION",
		Args:  cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			d, err := dir()
			if err != nil {
				return err
			}
			return asUsage(app.SetCursor(cmd.OutOrStdout(), d, args[0], args[1]))
		},
	}, &cobra.Command{
		Use:   "drop NAME",
		Short: "Remove a cursor that no sink claims any more",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			d, err := dir()
			if err != nil {
				return err
			}
			return asUsage(app.DropCursor(cmd.OutOrStdout(), d, args[0]))
		},
	})
	return cmd
}

// asUsage makes what the user wrote wrong a usageError.
func asUsage(err error) error {
	if app.IsCursorUsage(err) {
		return usageError{fmt.Errorf("%w", err)}
	}
	return err
}
