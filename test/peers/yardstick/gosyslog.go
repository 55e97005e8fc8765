//go:build linux

package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"os"
	"sync"
	"time"

	"gopkg.in/mcuadros/go-syslog.v2"
)

// goSyslog is go-syslog's own server with encoding/json behind it, written out five times a second.
func goSyslog(opt options, end <-chan os.Signal) error {
	lines := make(syslog.LogPartsChannel, 1000)
	server := syslog.NewServer()
	server.SetFormat(syslog.Automatic)
	server.SetHandler(syslog.NewChannelHandler(lines))
	server.SetTlsPeerNameFunc(nil)
	err := errors.Join(server.ListenTCP(opt.tcp), server.ListenUDP(opt.udp), server.ListenTCPTLS(opt.tls, opt.pair), server.Boot())
	if err != nil {
		return err
	}
	var mu sync.Mutex
	var failed error
	w := bufio.NewWriterSize(opt.out, 64<<10)
	go func() {
		enc := json.NewEncoder(w)
		for parts := range lines {
			mu.Lock()
			failed = errors.Join(failed, enc.Encode(parts))
			mu.Unlock()
		}
	}()
	flush := func() error {
		mu.Lock()
		defer mu.Unlock()
		failed = errors.Join(failed, w.Flush())
		return failed
	}
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			if err := flush(); err != nil {
				return err
			}
		case <-end:
			return flush()
		}
	}
}
