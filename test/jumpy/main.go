// Command jumpy is `vswarden run` with a clock that jumps: receive stamps and the names of rotated
// files follow the offset, a Go duration, in the file named by JUMPY_OFFSET.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/rs/zerolog"

	"vswarden/app"
	"vswarden/configs"
)

func main() {
	config := flag.String("c", "", "configuration file")
	ready := flag.String("ready-file", "", "where the bound addresses go")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *config, *ready); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, config, ready string) error {
	cfg, err := configs.Read(config, configs.Flags{})
	if err != nil {
		return err
	}
	var offset atomic.Int64
	go func() { // ends with the process
		for range time.Tick(20 * time.Millisecond) {
			if b, err := os.ReadFile(os.Getenv("JUMPY_OFFSET")); err == nil {
				if d, err := time.ParseDuration(strings.TrimSpace(string(b))); err == nil {
					offset.Store(int64(d))
				}
			}
		}
	}()
	return app.Run(ctx, app.Options{
		Config: cfg, ReadyFile: ready, Stdout: os.Stdout,
		Log: zerolog.New(os.Stderr).With().Timestamp().Logger(),
		Now: func() time.Time { return time.Now().Add(time.Duration(offset.Load())) },
	})
}
