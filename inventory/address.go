package inventory

import "errors"

// MAC is an Ethernet address; the zero value is unknown.
type MAC [6]byte

// UUID is 128 bits as VMware prints them; the zero value is unknown.
type UUID [16]byte

var (
	errMAC  = errors.New("not a MAC address: six hexadecimal bytes such as 00:50:56:84:5a:ba")
	errUUID = errors.New("not a UUID: sixteen hexadecimal bytes")
)

// ParseMAC reads six hexadecimal bytes with colons, dashes, dots or nothing between them.
func ParseMAC(s string) (m MAC, err error) {
	if len(s) > 17 || !readHex(s, m[:], ":-.") {
		return MAC{}, errMAC
	}
	return m, nil
}

// ParseUUID reads sixteen hexadecimal bytes with dashes, spaces or nothing between them: both
// 4c4c4544-0042-3510-8057-b7c04f4d3733 and the switches' 50 33 0a a7 d5 34 2d a0-99 52 6e c5 8f c7 1e 41.
func ParseUUID(s string) (u UUID, err error) {
	if len(s) > 47 || !readHex(s, u[:], "- ") {
		return UUID{}, errUUID
	}
	return u, nil
}

// readHex fills dst with the hexadecimal bytes of s; between bytes one of separators may stand.
func readHex(s string, dst []byte, separators string) bool {
	n := 0
	for i := 0; i < len(s); {
		if n > 0 && containsByte(separators, s[i]) {
			i++
			continue
		}
		if n == len(dst) || i+1 >= len(s) {
			return false
		}
		hi, lo := hexValue(s[i]), hexValue(s[i+1])
		if hi < 0 || lo < 0 {
			return false
		}
		dst[n] = byte(hi<<4 | lo)
		n++
		i += 2
	}
	return n == len(dst)
}

func containsByte(s string, c byte) bool {
	for i := range len(s) {
		if s[i] == c {
			return true
		}
	}
	return false
}

func hexValue(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

const hexDigits = "0123456789abcdef"

// AppendText appends m in lower case with colons.
func (m MAC) AppendText(dst []byte) ([]byte, error) {
	for i, b := range m {
		if i > 0 {
			dst = append(dst, ':')
		}
		dst = append(dst, hexDigits[b>>4], hexDigits[b&15])
	}
	return dst, nil
}

// String returns m in lower case with colons, or nothing for the zero value.
func (m MAC) String() string {
	if m == (MAC{}) {
		return ""
	}
	b, _ := m.AppendText(nil) // never an error
	return string(b)
}

// MarshalText writes what String returns.
func (m MAC) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// UnmarshalText reads what ParseMAC reads; empty is the zero value.
func (m *MAC) UnmarshalText(text []byte) (err error) {
	*m = MAC{}
	if len(text) > 0 {
		*m, err = ParseMAC(string(text))
	}
	return err
}

// Local reports whether m was made up by whoever uses it (the locally administered bit).
func (m MAC) Local() bool { return m[0]&2 != 0 }

// key orders addresses.
func (m MAC) key() uint64 {
	return uint64(m[0])<<40 | uint64(m[1])<<32 | uint64(m[2])<<24 | uint64(m[3])<<16 | uint64(m[4])<<8 | uint64(m[5])
}

// String returns u in groups of 8, 4, 4, 4 and 12 digits, or nothing for the zero value.
func (u UUID) String() string {
	if u == (UUID{}) {
		return ""
	}
	var b [36]byte
	n := 0
	for i, x := range u {
		if i == 4 || i == 6 || i == 8 || i == 10 {
			b[n] = '-'
			n++
		}
		b[n], b[n+1] = hexDigits[x>>4], hexDigits[x&15]
		n += 2
	}
	return string(b[:])
}

// Spaced returns u as switches print it: 50 33 0a a7 d5 34 2d a0-99 52 6e c5 8f c7 1e 41.
func (u UUID) Spaced() string {
	if u == (UUID{}) {
		return ""
	}
	var b [47]byte
	for i, x := range u {
		b[i*3], b[i*3+1] = hexDigits[x>>4], hexDigits[x&15]
		if i < 15 {
			b[i*3+2] = ' '
		}
	}
	b[23] = '-'
	return string(b[:])
}

// MarshalText writes what String returns.
func (u UUID) MarshalText() ([]byte, error) { return []byte(u.String()), nil }

// UnmarshalText reads what ParseUUID reads; empty is the zero value.
func (u *UUID) UnmarshalText(text []byte) (err error) {
	*u = UUID{}
	if len(text) > 0 {
		*u, err = ParseUUID(string(text))
	}
	return err
}
