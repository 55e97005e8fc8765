package receiver

import (
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// manyAtOnce reads what is ready, up to udpBatch datagrams, with one recvmmsg(2). A batch spares
// the handler calls, which is what pays; the system calls it spares are worth little
// (BenchmarkUDP).
type manyAtOnce struct {
	raw   syscall.RawConn
	try   func(fd uintptr) bool // made once, so that read allocates nothing
	n     int
	errno syscall.Errno

	look  func(fd uintptr) // the same for crowded
	info  memInfo
	known bool

	slots []byte // udpBatch * maxDatagram; the pages of unused ends are never touched
	names [udpBatch]unix.RawSockaddrInet6
	iovs  [udpBatch]unix.Iovec
	msgs  [udpBatch]mmsghdr
}

// mmsghdr is struct mmsghdr of recvmmsg(2).
type mmsghdr struct {
	hdr unix.Msghdr
	len uint32
}

func newBatchReader(conn *net.UDPConn) (batchReader, error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return nil, err
	}
	r := &manyAtOnce{raw: raw, slots: make([]byte, udpBatch*maxDatagram)}
	for i := range r.msgs {
		r.iovs[i].Base = &r.slots[i*maxDatagram]
		r.iovs[i].SetLen(maxDatagram)
		r.msgs[i].hdr.Iov = &r.iovs[i]
		r.msgs[i].hdr.SetIovlen(1)
		r.msgs[i].hdr.Name = (*byte)(unsafe.Pointer(&r.names[i]))
	}
	r.try = r.recvmmsg
	r.look = func(fd uintptr) { r.known = r.info.ask(fd) == nil }
	return r, nil
}

func (r *manyAtOnce) read() (int, error) {
	if err := r.raw.Read(r.try); err != nil {
		return 0, err
	}
	if r.errno != 0 {
		return 0, r.errno
	}
	return r.n, nil
}

// recvmmsg says whether it need not be called again: it got something, or an error other than that
// there is nothing. It does not wait, so the scheduler is not told of it: that would take the processor away from a
// call of some ten microseconds, and the lanes would have it for ten milliseconds. The pointers handed to the kernel
// are those of r, which is alive here and whose fields were set once in newBatchReader; the kernel keeps none of them.
func (r *manyAtOnce) recvmmsg(fd uintptr) bool {
	for i := range r.msgs {
		r.msgs[i].hdr.Namelen = unix.SizeofSockaddrInet6 // the kernel wrote the last one's here
	}
	for {
		n, _, errno := unix.RawSyscall6(unix.SYS_RECVMMSG, fd, uintptr(unsafe.Pointer(&r.msgs[0])), udpBatch, unix.MSG_DONTWAIT, 0, 0)
		r.n, r.errno = int(n), errno
		if errno != unix.EINTR {
			return errno != unix.EAGAIN
		}
	}
}

func (r *manyAtOnce) crowded() bool {
	return r.raw.Control(r.look) == nil && r.known && r.info[memInfoQueued] >= r.info[memInfoBuffer]/2
}

func (r *manyAtOnce) datagram(i int) ([]byte, netip.AddrPort) {
	data := r.slots[i*maxDatagram:][:r.msgs[i].len]
	name := &r.names[i]
	port := binary.BigEndian.Uint16((*[2]byte)(unsafe.Pointer(&name.Port))[:])
	if name.Family == unix.AF_INET {
		v4 := (*unix.RawSockaddrInet4)(unsafe.Pointer(name))
		return data, netip.AddrPortFrom(netip.AddrFrom4(v4.Addr), port)
	}
	return data, netip.AddrPortFrom(netip.AddrFrom16(name.Addr), port)
}

// setReceiveBuffer sets the socket's buffer, past net.core.rmem_max where the program may, and
// returns what was granted. Linux doubles what it is asked for, for its own bookkeeping; that half
// is not counted here.
func setReceiveBuffer(conn *net.UDPConn, size int) (granted int, err error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return 0, err
	}
	cerr := raw.Control(func(fd uintptr) {
		if size > 0 && unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, size) != nil {
			err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF, size)
		}
		if err == nil {
			granted, err = unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF)
		}
	})
	return granted / 2, errors.Join(cerr, err)
}

// kernelDrops reads how many datagrams a socket lost. The kernel's counter is asked directly
// (SO_MEMINFO, Linux 4.12): SO_RXQ_OVFL tells the same number, but only with a datagram that comes
// later.
type kernelDrops struct {
	mu    sync.Mutex
	raw   syscall.RawConn
	last  uint32
	total uint64
}

// memInfo is what SO_MEMINFO tells of a socket, by the places of linux/sock_diag.h.
type memInfo [9]uint32

const (
	memInfoQueued = 0 // SK_MEMINFO_RMEM_ALLOC: bytes that wait, with what the kernel needs for them
	memInfoBuffer = 1 // SK_MEMINFO_RCVBUF
	memInfoDrops  = 8 // SK_MEMINFO_DROPS
)

func (m *memInfo) ask(fd uintptr) error {
	size := uint32(unsafe.Sizeof(*m))
	_, _, errno := unix.RawSyscall6(unix.SYS_GETSOCKOPT, fd, unix.SOL_SOCKET, unix.SO_MEMINFO,
		uintptr(unsafe.Pointer(m)), uintptr(unsafe.Pointer(&size)), 0)
	switch {
	case errno != 0:
		return errno
	case size < uint32(unsafe.Sizeof(*m)):
		return unix.ENOPROTOOPT
	}
	return nil
}

func (k *kernelDrops) open(conn *net.UDPConn) (err error) {
	if k.raw, err = conn.SyscallConn(); err != nil {
		return err
	}
	if k.last, err = k.ask(); err != nil {
		k.raw = nil
	}
	return err
}

func (k *kernelDrops) ask() (n uint32, err error) {
	cerr := k.raw.Control(func(fd uintptr) {
		var info memInfo
		err = info.ask(fd)
		n = info[memInfoDrops]
	})
	return n, errors.Join(cerr, err)
}

// read returns the drops since open; after the socket was closed, the last number known.
func (k *kernelDrops) read() uint64 {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.raw != nil {
		if n, err := k.ask(); err == nil {
			k.total += uint64(n - k.last) // right across the counter's overflow too
			k.last = n
		}
	}
	return k.total
}
