//go:build !linux

package main

import "net"

func newBatchSender(conn *net.UDPConn) (batchSender, error) { return oneByOne{conn}, nil }
