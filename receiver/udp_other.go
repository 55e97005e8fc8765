//go:build !linux

package receiver

import (
	"errors"
	"net"
)

func newBatchReader(conn *net.UDPConn) (batchReader, error) { return newOneByOne(conn), nil }

// setReceiveBuffer sets the socket's buffer; what was granted is not known here.
func setReceiveBuffer(conn *net.UDPConn, size int) (granted int, err error) {
	if size == 0 {
		return 0, nil
	}
	return 0, conn.SetReadBuffer(size)
}

// kernelDrops is Linux only.
type kernelDrops struct{}

func (*kernelDrops) open(*net.UDPConn) error { return errors.ErrUnsupported }
func (*kernelDrops) read() uint64            { return 0 }
