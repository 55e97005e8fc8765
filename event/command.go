package event

// NetCommand says in which way a command is about the network.
type NetCommand string

// The commands that show or change what a virtual switch does.
const (
	NetCommandNone     NetCommand = ""
	NetCommandCapture  NetCommand = "capture"  // tcpdump-uw, pktcap-uw
	NetCommandPolicy   NetCommand = "policy"   // esxcli network vswitch … policy security set
	NetCommandSwitch   NetCommand = "vswitch"  // esxcli network vswitch, esxcfg-vswitch, net-dvs -s, vim-cmd hostsvc/net
	NetCommandVsish    NetCommand = "vsish"    // vsish -e set /net/…
	NetCommandAdapter  NetCommand = "adapter"  // esxcli network nic, ip interface; esxcfg-vmknic, esxcfg-nics
	NetCommandFirewall NetCommand = "firewall" // esxcli network firewall
	NetCommandShow     NetCommand = "show"     // net-stats, esxtop, esxcli network … list: looks only
)

// Command is a command typed in the ESXi shell, or run for somebody (process.command_line).
type Command struct {
	Line      string // as typed
	Name      string // process.name: tcpdump-uw
	Result    string // of an audit record: success, failure
	Status    string // of an audit record: exit code
	Network   NetCommand
	Switch    string // vSwitch the command names
	Portgroup string // portgroup the command names
	// Weakens is true where a security setting is set to accept: promiscuous mode, forged transmits
	// or MAC changes.
	Weakens bool
}

// Span is a part of Event.Raw by its offsets.
type Span struct{ Start, End uint32 }

// MaxSecrets is how many secrets of one line are remembered.
const MaxSecrets = 4

// Secrets are the passwords and tokens in a frame, so that a writer can leave them out. More than
// MaxSecrets are one span from the last one's start to the end of the line.
type Secrets struct {
	Count uint8
	Spans [MaxSecrets]Span
}
