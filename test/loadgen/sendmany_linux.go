package main

import (
	"net"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// manyAtOnce sends up to maxDatagrams with one sendmmsg(2). What the collector gets are datagrams like any others; the
// sender spares the calls, and so can offer what a processor of its own can send at all.
type manyAtOnce struct {
	raw   syscall.RawConn
	try   func(fd uintptr) bool // made once, so that send allocates nothing
	todo  int
	n     int
	errno syscall.Errno

	iovs [maxDatagrams]unix.Iovec
	msgs [maxDatagrams]mmsghdr
}

// mmsghdr is struct mmsghdr of sendmmsg(2).
type mmsghdr struct {
	hdr unix.Msghdr
	len uint32
}

func newBatchSender(conn *net.UDPConn) (batchSender, error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return nil, err
	}
	m := &manyAtOnce{raw: raw}
	for i := range m.msgs {
		m.msgs[i].hdr.Iov = &m.iovs[i]
		m.msgs[i].hdr.SetIovlen(1)
	}
	m.try = m.sendmmsg
	return m, nil
}

func (m *manyAtOnce) send(buf []byte, start int, ends []int) (int, error) {
	m.todo = min(len(ends), maxDatagrams)
	for i, end := range ends[:m.todo] {
		m.iovs[i].Base = &buf[start]
		m.iovs[i].SetLen(end - start)
		start = end
	}
	if err := m.raw.Write(m.try); err != nil {
		return 0, err
	}
	if m.errno != 0 {
		return 0, m.errno
	}
	return m.n, nil
}

// sendmmsg says whether it need not be called again: something was sent, or there is an error other than that the socket
// is full. The call does not wait (MSG_DONTWAIT), so the scheduler need not be told of it: it would take the
// processor away from this goroutine in the middle of what is due now.
func (m *manyAtOnce) sendmmsg(fd uintptr) bool {
	for {
		n, _, errno := unix.RawSyscall6(unix.SYS_SENDMMSG, fd, uintptr(unsafe.Pointer(&m.msgs[0])), uintptr(m.todo), unix.MSG_DONTWAIT, 0, 0)
		m.n, m.errno = int(n), errno
		if errno != unix.EINTR {
			return errno != unix.EAGAIN
		}
	}
}
