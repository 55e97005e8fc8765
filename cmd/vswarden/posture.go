package main

import (
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"vswarden/app"
)

func newPosture() *cobra.Command {
	var f inventoryFlags
	var sysfs, failOn, output string
	cmd := &cobra.Command{
		Use:   "posture",
		Short: "Show what virtual switches permit, who may use it and who is exposed",
		Long: `Show what virtual switches permit: VMware logs what it denies, and nothing where it permits.

Every portgroup, and every port with settings of its own, that permits promiscuous mode, MAC changes or
forged transmits: at which level that is set, who is there, whose frames they could see. It reads the
snapshot of the inventory, also beside a running vswarden, and says how old that is. With --sysfs it
looks at the bridges and devices of a Linux host instead.

--fail-on makes it exit with 3 where something of that kind is permitted.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o := app.PostureOptions{Sysfs: sysfs, FailOn: failOn, Stderr: cmd.ErrOrStderr()}
			if !slices.Contains([]string{"", "promiscuous", "mac-changes", "forged-transmits", "any"}, failOn) {
				return usageError{fmt.Errorf("--fail-on %q: write promiscuous, mac-changes, forged-transmits or any", failOn)}
			}
			if !slices.Contains([]string{"table", "json", "csv"}, output) {
				return usageError{fmt.Errorf("-o %q: write table, json or csv", output)}
			}
			if cmd.Flags().Changed("sysfs") {
				switch {
				case sysfs == "":
					return usageError{errors.New(`--sysfs "": no directory, write /sys or a copy of it`)}
				case f.data != "" || f.config != "" || f.at != "":
					return usageError{errors.New("--sysfs looks at a directory, not at an inventory: leave --data, -c and --at out")}
				case failOn == "mac-changes" || failOn == "forged-transmits":
					return usageError{fmt.Errorf("--fail-on %s: a Linux bridge has no such setting, it checks no addresses: write promiscuous or any", failOn)}
				}
				o.Stdout = cmd.OutOrStdout()
			} else {
				var err error
				if o.InventoryOptions, err = f.options(cmd); err != nil {
					return err
				}
			}
			o.JSON, o.CSV = output == "json", output == "csv"
			return textUsage(app.Posture(o))
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.data, "data", "", "data `DIR` (default ./vswarden-data)")
	flags.StringVarP(&f.config, "config", "c", "", "configuration `FILE` that names the data directory")
	flags.StringVar(&f.at, "at", "", "`TIME` whose policy is meant: 2026-09-15T10:20:00Z; who is there is as of now")
	flags.StringVar(&sysfs, "sysfs", "", "look at the devices in `DIR`, /sys of a Linux host or a copy of it")
	flags.StringVar(&failOn, "fail-on", "", "exit with 3 where `WHAT` is permitted: promiscuous, mac-changes, forged-transmits or any")
	flags.StringVarP(&output, "output", "o", "table", "`FORMAT` table, json or csv")
	return cmd
}
