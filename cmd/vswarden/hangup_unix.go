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
	go func() {
		defer signal.Stop(signals)
		for {
			select {
			case <-ctx.Done():
				return
			case <-signals:
				select {
				case c <- struct{}{}:
				default: // one is waiting already
				}
			}
		}
	}()
}
