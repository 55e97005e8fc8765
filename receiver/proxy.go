package receiver

import (
	"bytes"
	"encoding/binary"
	"errors"
	"net/netip"
	"strconv"
	"strings"
)

// A PROXY protocol header stands once at the beginning of a connection and names the address that
// the proxy was connected from (haproxy.org/download/2.9/doc/proxy-protocol.txt).
//
//	v1  PROXY TCP4 192.0.2.1 192.0.2.2 56324 514 CRLF     loggen ends it with LF alone
//	    PROXY UNKNOWN … CRLF                              the proxy does not say
//	v2  \r\n\r\n\0\r\nQUIT\n | 2 in the high, 0 (local) or 1 (proxy) in the low half byte |
//	    1 (IPv4), 2 (IPv6), else (not an IP address) in the high half byte | length, 2 bytes |
//	    source, destination, source port, destination port, extensions
type proxyHeader struct {
	source netip.AddrPort // not valid: the connection's own address stays
	size   int            // of the header in bytes; extensions may lie beyond what was read
}

const (
	proxyV1     = "PROXY "
	proxyV1Most = 107
	proxyV2     = "\r\n\r\n\x00\r\nQUIT\n"
	proxyV2Head = len(proxyV2) + 4
	proxyPeek   = max(proxyV1Most, proxyV2Head+36) // enough to read either, without extensions
)

var errProxy = errors.New("malformed PROXY header")

// parseProxy reads a PROXY header at the beginning of b. A beginning of one is undecided.
func parseProxy(b []byte) (h proxyHeader, v verdict, err error) {
	switch {
	case startsLike(b, proxyV1):
		return parseProxyV1(b)
	case startsLike(b, proxyV2):
		return parseProxyV2(b)
	}
	return h, no, nil
}

// startsLike says whether b begins with prefix, as far as it goes.
func startsLike(b []byte, prefix string) bool {
	n := min(len(b), len(prefix))
	return string(b[:n]) == prefix[:n]
}

func parseProxyV1(b []byte) (h proxyHeader, v verdict, err error) {
	end := bytes.IndexByte(b[:min(len(b), proxyV1Most)], '\n')
	if end < 0 {
		if len(b) >= proxyV1Most {
			return h, yes, errProxy
		}
		return h, undecided, nil
	}
	h.size = end + 1
	f := strings.Split(strings.TrimSuffix(string(b[len(proxyV1):end]), "\r"), " ")
	if f[0] == "UNKNOWN" {
		return h, yes, nil
	}
	if len(f) != 5 || f[0] != "TCP4" && f[0] != "TCP6" {
		return h, yes, errProxy
	}
	src, err1 := netip.ParseAddr(f[1])
	dst, err2 := netip.ParseAddr(f[2])
	port, err3 := strconv.ParseUint(f[3], 10, 16)
	_, err4 := strconv.ParseUint(f[4], 10, 16)
	if errors.Join(err1, err2, err3, err4) != nil || src.Is4() != (f[0] == "TCP4") || dst.Is4() != src.Is4() {
		return h, yes, errProxy
	}
	h.source = netip.AddrPortFrom(plainAddr(src), uint16(port))
	return h, yes, nil
}

func parseProxyV2(b []byte) (h proxyHeader, v verdict, err error) {
	if len(b) < proxyV2Head {
		return h, undecided, nil
	}
	verCmd, family := b[len(proxyV2)], b[len(proxyV2)+1]>>4
	length := int(binary.BigEndian.Uint16(b[len(proxyV2)+2:]))
	h.size = proxyV2Head + length
	if verCmd != 0x20 && verCmd != 0x21 {
		return h, yes, errProxy
	}
	if verCmd == 0x20 || family != 1 && family != 2 {
		return h, yes, nil
	}
	size := map[byte]int{1: 4, 2: 16}[family]
	if length < 2*size+4 {
		return h, yes, errProxy
	}
	b = b[proxyV2Head:]
	if len(b) < 2*size+4 {
		return h, undecided, nil
	}
	src, _ := netip.AddrFromSlice(b[:size])
	h.source = netip.AddrPortFrom(plainAddr(src), binary.BigEndian.Uint16(b[2*size:]))
	return h, yes, nil
}
