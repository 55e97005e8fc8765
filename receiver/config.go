package receiver

import (
	"errors"
	"fmt"
	"hash/fnv"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"vswarden/setting"
)

// Config is one listener.
type Config struct {
	// Name stands for the listener in records and in the program's log; the address where empty.
	Name string `yaml:"name"`
	// Address is udp://host:port, tcp://host:port or tls://host:port. No host is every address of
	// this machine, IPv4 and IPv6; port 0 is any free port. netlink:// is no socket for others: lines about
	// the links of this machine (package linkwatch).
	Address string `yaml:"address"`
	// TLS is for tls:// alone.
	TLS TLSConfig `yaml:"tls"`
	// Allow are the addresses or networks that may send; empty is all. Relays need not be in it.
	Allow []string `yaml:"allow"`
	// ProxyProtocol believes a PROXY protocol header (v1, v2) of a relay: the address in it is the
	// sender, and has to be allowed. A relay may leave it out, nobody else may send one.
	ProxyProtocol bool `yaml:"proxy_protocol"`
	// Framing says how messages on a TCP connection end.
	Framing FramingMode `yaml:"framing"`
	// MaxFrame is the longest message kept, in bytes; longer ones are cut and marked.
	MaxFrame setting.Bytes `yaml:"max_frame"`
	// MaxConnections is how many TCP connections may be open at once. At the limit a new one takes
	// the place of one that has never sent anything, or is refused.
	MaxConnections int `yaml:"max_connections"`
	// MaxConnectionsPerPeer is how many of them may come from one address; 0 is no limit.
	MaxConnectionsPerPeer int `yaml:"max_connections_per_peer"`
	// Relays are addresses or networks of syslog relays: behind them the host named in the message
	// is the sender.
	Relays []string `yaml:"relays"`
	// ReceiveBuffer is the UDP socket buffer wished for. The kernel may grant less, which is logged.
	ReceiveBuffer setting.Bytes `yaml:"receive_buffer"`
	// FirstByteTimeout closes a TCP connection that never sent anything; 0 is never.
	FirstByteTimeout time.Duration `yaml:"first_byte_timeout"`
	// IdleTimeout closes a TCP connection that has sent nothing for so long; 0 is never. A sender
	// loses what it writes into a connection closed here, so it is long.
	IdleTimeout time.Duration `yaml:"idle_timeout"`
}

// FramingMode is how messages on a TCP connection are told from one another, in the words of RFC 6587 and of ESXi's
// Syslog.global.logHost.
type FramingMode string

// The framing modes.
const (
	FramingAuto           FramingMode = "auto"            // each message says so itself: an octet count, or else a delimiter
	FramingNonTransparent FramingMode = "non_transparent" // LF, CRLF or NUL end each message, and a count is text
)

// Bounds of MaxFrame. ESXi sends up to 16 KiB over TCP and at least 480 bytes over UDP
// (Syslog.global.remoteHost.maxMsgLen).
const (
	minMaxFrame = 480
	maxMaxFrame = 16 * setting.MiB
)

// DefaultConfig is a listener without an address.
func DefaultConfig() Config {
	return Config{
		TLS:              defaultTLSConfig(),
		Framing:          FramingAuto,
		MaxFrame:         64 * setting.KiB,
		MaxConnections:   10000,
		ReceiveBuffer:    32 * setting.MiB,
		FirstByteTimeout: 5 * time.Minute,
		IdleTimeout:      24 * time.Hour,
	}
}

// Validate returns all faults.
func (c Config) Validate() (faults []setting.Fault) {
	fault := func(path, value, problem string) {
		faults = append(faults, setting.Fault{Path: path, Value: value, Problem: problem})
	}
	proto, _, err := splitAddress(c.Address)
	if err != nil {
		fault("address", strconv.Quote(c.Address), err.Error())
	}
	switch {
	case proto == Netlink && (len(c.Allow) > 0 || len(c.Relays) > 0 || c.ProxyProtocol):
		fault("address", strconv.Quote(c.Address), "nobody sends to netlink://: leave allow, relays and proxy_protocol out")
	case proto == TLS:
		faults = append(faults, setting.Under("tls", c.TLS.Validate())...)
	case proto != 0 && (c.TLS.Cert != "" || c.TLS.Key != "" || c.TLS.ClientCA != "" || c.TLS.Plain):
		fault("tls", strconv.Quote(c.Address), "TLS is spoken at tls:// only: change the address, or leave tls out")
	}
	if c.ProxyProtocol && proto == UDP {
		fault("proxy_protocol", "true", "datagrams carry no PROXY header: leave it out at udp://")
	} else if c.ProxyProtocol && len(c.Relays) == 0 {
		fault("proxy_protocol", "true", "only relays are believed: list the proxies under relays")
	}
	if _, bad := parseNetworks(c.Allow); len(bad) > 0 {
		faults = append(faults, setting.Under("allow", bad)...)
	}
	switch {
	case c.Framing != FramingAuto && c.Framing != FramingNonTransparent:
		fault("framing", strconv.Quote(string(c.Framing)), "write auto or non_transparent")
	case c.Framing != FramingAuto && (proto == UDP || proto == Netlink):
		fault("framing", string(c.Framing), "there is no stream to cut into messages: leave it out at "+proto.String()+"://")
	}
	if c.MaxFrame < minMaxFrame || c.MaxFrame > maxMaxFrame {
		fault("max_frame", c.MaxFrame.String(), fmt.Sprintf("write a size from %v to %v", setting.Bytes(minMaxFrame), maxMaxFrame))
	}
	if c.MaxConnections < 1 {
		fault("max_connections", strconv.Itoa(c.MaxConnections), "write a number above 0")
	}
	if c.MaxConnectionsPerPeer < 0 {
		fault("max_connections_per_peer", strconv.Itoa(c.MaxConnectionsPerPeer), "write a number above 0, or 0 for no limit")
	}
	if _, bad := parseNetworks(c.Relays); len(bad) > 0 {
		faults = append(faults, setting.Under("relays", bad)...)
	}
	if c.ReceiveBuffer < 0 || c.ReceiveBuffer > setting.GiB {
		fault("receive_buffer", c.ReceiveBuffer.String(), "write a size up to 1GiB, or 0 for the system's default")
	}
	if c.FirstByteTimeout < 0 {
		fault("first_byte_timeout", c.FirstByteTimeout.String(), "write a duration such as 5m, or 0 for never")
	}
	if c.IdleTimeout < 0 {
		fault("idle_timeout", c.IdleTimeout.String(), "write a duration such as 24h, or 0 for never")
	}
	return faults
}

// CheckFiles reads the files that the configuration names and says what is wrong with them.
func (c Config) CheckFiles() error {
	_, err := newPolicy(c)
	return err
}

// IsNetlink reports a listener that is no socket: the links of this machine.
func (c Config) IsNetlink() bool {
	proto, _, err := splitAddress(c.Address)
	return err == nil && proto == Netlink
}

func (c Config) usesTLS() bool {
	proto, _, _ := splitAddress(c.Address)
	return proto == TLS
}

// ListenerID is the number kept with each record for the listener of that name: the low 16 bits of
// its FNV-1a hash, so that it survives a restart and a changed order in the configuration.
func ListenerID(name string) uint16 {
	h := fnv.New32a()
	_, _ = h.Write([]byte(name)) // hash.Hash never returns an error
	return uint16(h.Sum32())
}

// splitAddress takes "tcp://host:port" apart.
func splitAddress(s string) (t Transport, hostport string, err error) {
	proto, hostport, ok := strings.Cut(s, "://")
	if !ok {
		return 0, "", errors.New("write proto://host:port, such as tcp://:1514 or udp://192.0.2.1:514")
	}
	switch proto {
	case "udp":
		t = UDP
	case "tcp":
		t = TCP
	case "tls":
		t = TLS
	case "netlink":
		if hostport != "" {
			return 0, "", errors.New("netlink:// is this machine's own: write nothing behind it")
		}
		return Netlink, "", nil
	default:
		return 0, "", fmt.Errorf("%q is not a protocol: write udp, tcp or tls before ://", proto)
	}
	host, port, err := net.SplitHostPort(hostport)
	if err != nil {
		return 0, "", errors.New("write proto://host:port; an IPv6 address in brackets, such as tcp://[::1]:1514")
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || port != strconv.FormatUint(n, 10) {
		return 0, "", fmt.Errorf("%q is not a port: write a number from 0 to 65535", port)
	}
	if strings.ContainsAny(host, "/ @") {
		return 0, "", fmt.Errorf("%q is not a host: write a name, an IPv4 address, an IPv6 address in brackets, or nothing", host)
	}
	return t, hostport, nil
}

// networks is a list of addresses and networks.
type networks []netip.Prefix

// parseNetworks reads "10.1.2.3", "10.0.0.0/8", "2001:db8::/32".
func parseNetworks(list []string) (nets networks, faults []setting.Fault) {
	for i, s := range list {
		p, err := netip.ParsePrefix(s)
		if err != nil {
			var a netip.Addr
			if a, err = netip.ParseAddr(s); err == nil {
				a = plainAddr(a)
				p = netip.PrefixFrom(a, a.BitLen())
			}
		}
		if err != nil {
			faults = append(faults, setting.Fault{
				Path: "[" + strconv.Itoa(i) + "]", Value: strconv.Quote(s),
				Problem: "write an address such as 10.1.2.3 or a network such as 10.0.0.0/8",
			})
			continue
		}
		nets = append(nets, p.Masked())
	}
	return nets, faults
}

func (n networks) contain(a netip.Addr) bool {
	for _, p := range n {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// plainAddr makes one address of the two spellings of IPv4 on a dual-stack socket, and takes the
// zone off, which no prefix contains.
func plainAddr(a netip.Addr) netip.Addr { return a.Unmap().WithZone("") }

func plainAddrPort(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(plainAddr(a.Addr()), a.Port())
}
