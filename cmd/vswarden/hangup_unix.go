//go:build unix

package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func notifyHangup(ctx context.Context, c chan<- struct{}) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGHUP)
	go func() { // ends with the process: a SIGHUP while it stops must not kill it
		for range signals {
			if ctx.Err() == nil {
				select {
				case c <- struct{}{}:
				default: // one is waiting already
				}
			}
		}
	}()
}
