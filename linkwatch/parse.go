package linkwatch

import (
	"encoding/binary"
	"errors"
	"strings"

	"github.com/mdlayher/netlink"
)

// What of rtnetlink is read here, by the names of linux/rtnetlink.h, linux/if_link.h and linux/if.h.
// They are part of the kernel's contract with programs and never change.
const (
	rtmNewLink = 16
	rtmDelLink = 17
	rtmGetLink = 18

	familyBridge = 7 // AF_BRIDGE: messages about a bridge's port as such

	ifinfoLen = 16 // struct ifinfomsg: family u8, pad u8, type u16, index i32, flags u32, change u32

	iffLoopback = 0x8
	iffPromisc  = 0x100 // 0x200 is IFF_ALLMULTI

	iflaIfname        = 3
	iflaMaster        = 10
	iflaProtinfo      = 12
	iflaLinkinfo      = 18
	iflaPromiscuity   = 30
	iflaParentDevName = 56

	iflaInfoKind      = 1
	iflaInfoData      = 2
	iflaInfoSlaveKind = 4
	iflaInfoSlaveData = 5

	iflaBrAgeingTime = 4

	iflaBrportLearning     = 8
	iflaBrportUnicastFlood = 9
	iflaBrportIsolated     = 33
)

var errShort = errors.New("message about a link is too short")

// news is what one message says.
type news struct {
	link Link
	gone bool // the device is no more, or for port: it left its bridge
	port bool // the message is about a bridge's port only: Index, Name, Master and the flags of the port
}

// parseLink reads the body of RTM_NEWLINK or RTM_DELLINK.
func parseLink(b []byte, gone bool) (n news, err error) {
	if len(b) < ifinfoLen {
		return n, errShort
	}
	l := &n.link
	n.gone, n.port = gone, b[0] == familyBridge
	l.Index = int32(binary.NativeEndian.Uint32(b[4:]))
	flags := binary.NativeEndian.Uint32(b[8:])
	l.Flag = flags&iffPromisc != 0
	hardware := false
	ad, err := netlink.NewAttributeDecoder(b[ifinfoLen:])
	if err != nil {
		return n, err
	}
	for ad.Next() {
		switch ad.Type() {
		case iflaIfname:
			l.Name = printable(ad.String())
		case iflaMaster:
			l.Master = ad.Int32()
		case iflaPromiscuity:
			l.Promiscuity = ad.Uint32()
		case iflaParentDevName:
			hardware = true
		case iflaLinkinfo:
			ad.Nested(l.info)
		case iflaProtinfo:
			if ad.TypeFlags()&netlink.Nested != 0 { // kernels before 3.0 have one byte there
				ad.Nested(l.portFlags)
			}
		}
	}
	switch {
	case l.Kind != "":
	case flags&iffLoopback != 0:
		l.Kind = "loopback"
	case hardware:
		l.Kind = "physical"
	}
	return n, ad.Err()
}

// info reads IFLA_LINKINFO: what the device is, and what it is as a part of another one.
func (l *Link) info(ad *netlink.AttributeDecoder) error {
	var data, slave []byte
	for ad.Next() {
		switch ad.Type() {
		case iflaInfoKind:
			l.Kind = printable(ad.String())
		case iflaInfoData:
			data = ad.Bytes()
		case iflaInfoSlaveKind:
			l.MasterKind = printable(ad.String())
		case iflaInfoSlaveData:
			slave = ad.Bytes()
		}
	}
	if l.Kind == "bridge" && data != nil {
		if err := attributes(data, l.ageing); err != nil {
			return err
		}
	}
	if l.MasterKind == "bridge" && slave != nil {
		return attributes(slave, l.portFlags)
	}
	return nil
}

func attributes(b []byte, read func(*netlink.AttributeDecoder) error) error {
	ad, err := netlink.NewAttributeDecoder(b)
	if err != nil {
		return err
	}
	if err := read(ad); err != nil {
		return err
	}
	return ad.Err()
}

func (l *Link) ageing(ad *netlink.AttributeDecoder) error {
	for ad.Next() {
		if ad.Type() == iflaBrAgeingTime {
			l.Ageing, l.HasAgeing = ad.Uint32(), true
		}
	}
	return nil
}

func (l *Link) portFlags(ad *netlink.AttributeDecoder) error {
	for ad.Next() {
		var f Flags
		switch ad.Type() {
		case iflaBrportLearning:
			f = Learning
		case iflaBrportUnicastFlood:
			f = UnicastFlood
		case iflaBrportIsolated:
			f = Isolated
		default:
			continue
		}
		l.PortKnown |= f
		if ad.Uint8() != 0 {
			l.Port |= f
		}
	}
	return nil
}

// printable replaces what a terminal could obey or a line could end at: names of devices may hold all
// but blanks, slashes and colons.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r <= ' ' || r == 0x7f || r >= 0x80 && r <= 0xa0 || r == 0xfffd || r == 0x2028 || r == 0x2029 {
			return '?'
		}
		return r
	}, s)
}
