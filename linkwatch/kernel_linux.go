package linkwatch

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"github.com/mdlayher/netlink"
)

// groupLink is RTNLGRP_LINK: everything about links, bridge ports among it.
const groupLink = 1

// rtnetlink is a socket that listens, and one that asks.
type rtnetlink struct {
	news *netlink.Conn
	ask  *netlink.Conn

	stats *Stats
}

func open(cfg Config, stats *Stats) (kernel, error) {
	k := &rtnetlink{stats: stats}
	var err error
	if k.news, err = netlink.Dial(syscall.NETLINK_ROUTE, &netlink.Config{Groups: 1 << (groupLink - 1)}); err != nil {
		return nil, err
	}
	if k.ask, err = netlink.Dial(syscall.NETLINK_ROUTE, nil); err != nil {
		return nil, errors.Join(err, k.news.Close())
	}
	if cfg.ReadBuffer > 0 {
		if err := k.news.SetReadBuffer(int(cfg.ReadBuffer)); err != nil {
			return nil, errors.Join(fmt.Errorf("socket buffer: %w", err), k.close())
		}
	}
	return k, nil
}

func (k *rtnetlink) close() error { return errors.Join(k.news.Close(), k.ask.Close()) }

func (k *rtnetlink) deadline(t time.Time) error { return k.news.SetReadDeadline(t) }

func (k *rtnetlink) receive() ([]news, error) {
	messages, err := k.news.Receive()
	switch {
	case err == nil:
		return k.parse(messages), nil
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, errTimeout
	case errors.Is(err, syscall.ENOBUFS):
		return nil, errors.Join(errOverrun, k.drain())
	}
	return nil, fmt.Errorf("receive from the kernel: %w", err)
}

// drain throws away what is older than the dump that follows: it would tell of states that are past.
func (k *rtnetlink) drain() error {
	for range 10_000 { // a storm of messages may outrun us; then the rest is read as it is
		if err := k.news.SetReadDeadline(time.Now().Add(time.Millisecond)); err != nil {
			return err
		}
		if _, err := k.news.Receive(); errors.Is(err, os.ErrDeadlineExceeded) {
			return nil
		} else if err != nil && !errors.Is(err, syscall.ENOBUFS) {
			return err
		}
	}
	return nil
}

// parse reads messages about links. One that cannot be read is counted, and Run then reads all
// links anew.
func (k *rtnetlink) parse(messages []netlink.Message) (list []news) {
	for _, m := range messages {
		if m.Header.Type != rtmNewLink && m.Header.Type != rtmDelLink {
			continue
		}
		k.stats.Messages.Add(1)
		n, err := parseLink(m.Data, m.Header.Type == rtmDelLink)
		if err != nil {
			k.stats.Broken.Add(1)
			continue
		}
		list = append(list, n)
	}
	return list
}

// all asks for every link; again when the kernel says that the list changed while it was written.
func (k *rtnetlink) all() ([]Link, error) {
	for attempt := 1; ; attempt++ {
		messages, err := k.ask.Execute(netlink.Message{
			Header: netlink.Header{Type: rtmGetLink, Flags: netlink.Request | netlink.Dump},
			Data:   make([]byte, ifinfoLen),
		})
		if err != nil {
			return nil, err
		}
		torn := false
		for _, m := range messages {
			torn = torn || m.Header.Flags&netlink.DumpInterrupted != 0
		}
		if torn && attempt < 5 {
			continue
		}
		var all []Link
		for _, n := range k.parse(messages) {
			all = append(all, n.link)
		}
		return all, nil
	}
}
