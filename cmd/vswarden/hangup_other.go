//go:build !unix

package main

import "context"

// notifyHangup does nothing: this system has no SIGHUP.
func notifyHangup(context.Context, chan<- struct{}) {}
