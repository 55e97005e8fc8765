// Command vswarden receives the syslog of VMware ESXi hosts, keeps it, decodes it and hands it on
// as JSON. This package is flags, signals and exit codes; the work is done in package app.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"
	_ "time/tzdata" // so that `timezone` works where the system has no zone files

	"github.com/spf13/cobra"

	"vswarden/app"
	"vswarden/setting"
)

// Exit codes.
const (
	exitOK     = 0
	exitFailed = 1 // failed while running
	exitUsage  = 2 // usage or configuration
	exitFound  = 3 // findings
	exitUnsure = 4 // port: not known, or not for certain
)

func main() { os.Exit(run(os.Args[1:])) }

// run runs one command and returns its exit code.
func run(args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	// The first signal ends ctx and gives the signals back to the system: the second one stops at once.
	context.AfterFunc(ctx, stop)

	root := newRoot()
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	var faults setting.Faults
	var usage usageError
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errUnsure):
		return exitUnsure
	case errors.As(err, &faults), errors.As(err, &usage), app.IsUsage(err):
		fmt.Fprintln(os.Stderr, app.EscapeLines(err.Error()))
		return exitUsage
	case errors.Is(err, app.ErrFindings):
		fmt.Fprintln(os.Stderr, app.EscapeLines(err.Error()))
		return exitFound
	}
	fmt.Fprintln(os.Stderr, "vswarden:", app.EscapeLines(err.Error()))
	return exitFailed
}

// usageError is a command line that makes no sense.
type usageError struct{ error }

func (u usageError) Unwrap() error { return u.error }

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:           "vswarden",
		Short:         "Syslog receiver and SIEM enrichment pipeline for VMware ESXi",
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          cobra.NoArgs,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		if num, ok := errors.AsType[*strconv.NumError](err); ok && num.Func == "ParseBool" { // all others are texts to us
			err = errors.New(strings.TrimSuffix(err.Error(), num.Error()) + "write true or false")
		}
		return usageError{fmt.Errorf("%w; see: %s --help", err, cmd.CommandPath())}
	})
	root.AddCommand(newRun(), newCheck(), newDecode(), newDemo(), newLinkwatch(), newPosture(), newCursors(), newReplay(), newPort(), newInventory(), newVersion())
	root.InitDefaultCompletionCmd()
	if c, _, err := root.Find([]string{"completion"}); err == nil && c.RunE == nil {
		c.Args = cobra.ArbitraryArgs
		c.RunE = func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usageError{fmt.Errorf("no completion for %q; see: %s --help", args[0], cmd.CommandPath())}
			}
			return cmd.Help()
		}
	}
	wrapArgs(root)
	return root
}

// wrapArgs makes a wrong number of arguments a usageError in every command.
func wrapArgs(cmd *cobra.Command) {
	if check := cmd.Args; check != nil {
		cmd.Args = func(cmd *cobra.Command, args []string) error {
			if err := check(cmd, args); err != nil {
				return usageError{fmt.Errorf("%w; see: %s --help", err, cmd.CommandPath())}
			}
			return nil
		}
	}
	for _, sub := range cmd.Commands() {
		wrapArgs(sub)
	}
}

func newVersion() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := fmt.Fprintln(cmd.OutOrStdout(), versionLine())
			return err
		},
	}
}

// versionLine is what the Go toolchain knows of this build: module version, commit, compiler.
func versionLine() string {
	version, commit, goVersion := "(devel)", "unknown", "unknown"
	if info, ok := debug.ReadBuildInfo(); ok {
		goVersion = info.GoVersion
		if info.Main.Version != "" {
			version = info.Main.Version
		}
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				commit = s.Value
			}
		}
	}
	return fmt.Sprintf("vswarden %s commit %s %s", version, commit, goVersion)
}
