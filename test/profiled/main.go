// Command profiled is `vswarden run` that writes a CPU profile of itself to the file named by PROFILED. What of it
// the compiler is to know comes from there: make profile.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime/pprof"
	"syscall"

	"github.com/rs/zerolog"

	"vswarden/app"
	"vswarden/configs"
)

func main() {
	config := flag.String("c", "", "configuration file")
	ready := flag.String("ready-file", "", "where the bound addresses go")
	if len(os.Args) < 2 || os.Args[1] != "run" {
		fmt.Fprintln(os.Stderr, "profiled: run -c FILE, with PROFILED set")
		os.Exit(2)
	}
	_ = flag.CommandLine.Parse(os.Args[2:]) // it ends the program where they are wrong
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *config, *ready, os.Getenv("PROFILED")); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, config, ready, profile string) (err error) {
	cfg, err := configs.Read(config, configs.Flags{})
	if err != nil {
		return err
	}
	f, err := os.Create(profile)
	if err != nil {
		return err
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return errors.Join(err, f.Close())
	}
	defer func() {
		pprof.StopCPUProfile()
		err = errors.Join(err, f.Close())
	}()
	return app.Run(ctx, app.Options{
		Config: cfg, ReadyFile: ready, Stdout: os.Stdout,
		Log: zerolog.New(os.Stderr).With().Timestamp().Logger(),
	})
}
