package event

import "net/netip"

// Joined is what was found in memory about a line: which host sent it, who held the port it speaks of, which
// policy was in force there, and how sure all that is. The zero value: nothing was looked for.
//
// What many lines share is rendered once (NewJoinedHost, and the parts of a JoinedPort) and never changed; attaching
// it to a line costs a pointer.
type Joined struct {
	Status     JoinStatus
	Match      JoinMatch
	Missing    JoinMissing
	Confidence uint16 // thousandths
	Candidates uint16 // how many may have been meant, this one included
	Time       int64  // up to when the inventory had been told, Unix nanoseconds; 0 = unknown
	Age        int64  // how old that was, milliseconds

	Host *JoinedHost // nil: the sender is not known; else Event.Host is its name
	Port *JoinedPort // nil: the line speaks of no port

	Setting PolicySetting // the setting of the policy that this line is about
	Agrees  Agreement     // whether the line agrees with the policy as it is known
	MAC     *JoinedMAC    // whose the requested address is; nil: nobody's
	Capture bool          // hint at a capture of the requested address
}

// JoinStatus is vmware.enrichment.status.
type JoinStatus uint8

// The statuses. The zero value is written as disabled.
const (
	JoinDisabled JoinStatus = iota
	JoinNotApplicable
	JoinUnresolved
	JoinPartial
	JoinStale
	JoinComplete
)

var joinStatusNames = [...]string{"disabled", "not_applicable", "unresolved", "partial", "stale", "complete"}

// String returns the word of the schema.
func (s JoinStatus) String() string { return joinStatusNames[int(s)%len(joinStatusNames)] }

// JoinMatch is a set of ways in which the holder was found (vmware.enrichment.match).
type JoinMatch uint16

// JoinMatchNames are the ways, in the order of the bits: the closed list of schema version 1.
var JoinMatchNames = [...]string{
	"port_table", "client_name", "learned", "live", "vmk", "uplink", "import", "snapshot", "backdated", "tombstone", "mac",
}

// JoinMissing is a set of facts that were looked for and not found (vmware.enrichment.missing).
type JoinMissing uint8

// JoinMissingNames are the facts, in the order of the bits.
var JoinMissingNames = [...]string{"host", "vm", "vnic", "portgroup", "policy"}

// PolicySetting names a setting of a security policy (vmware.policy.setting).
type PolicySetting string

// The settings.
const (
	SettingPromiscuous     PolicySetting = "allow_promiscuous"
	SettingMACChanges      PolicySetting = "mac_changes"
	SettingForgedTransmits PolicySetting = "forged_transmits"
)

// Agreement says whether a line and the policy as it is known tell the same story
// (vmware.policy.agrees_with_log).
type Agreement uint8

// The outcomes.
const (
	AgreementUnknown Agreement = iota
	Agrees
	Disagrees // the host denied what the policy permits
)

// HostFacts is what is known of the host that sent a line. What is empty is not known.
type HostFacts struct {
	Name, ShortName string
	UUID            string
	MOID            string
	Version, Build  string
	Addresses       []netip.Addr
	Maintenance     bool
	VCenter         NamedFact
	VCenterVersion  string
	Datacenter      NamedFact
	Cluster         NamedFact
}

// NamedFact is a name with the id that goes with it.
type NamedFact struct{ Name, ID string }

// VMFacts is vmware.vm.
type VMFacts struct {
	Known                                   bool
	Name, MOID, Instance, BIOS, Power       string
	Hostname, GuestOS, Folder, ResourcePool string
	Owner, URL                              string
	World                                   uint64
	Addresses                               []netip.Addr
	Tags                                    []string
}

// VNICFacts is vmware.vnic.
type VNICFacts struct {
	Known                                   bool
	Key                                     int32
	Label, MAC, Effective, MACType, Adapter string // addresses with colons
	Connected                               bool
}

// SwitchFacts is vmware.switch.
type SwitchFacts struct{ Type, Name, UUID, MOID string }

// PortgroupFacts is vmware.portgroup.
type PortgroupFacts struct {
	Name, MOID string
	VLANType   string // access, trunk, private; empty: not known
	VLAN       uint16 // of access and private
	Ranges     [][2]uint16
}

// DVPortFacts is vmware.port: a port of a distributed switch.
type DVPortFacts struct {
	Key     string
	Blocked bool
	Status  string
}

// PolicyFacts is vmware.policy. A setting's value: nil is unknown.
type PolicyFacts struct {
	Known                                                 bool
	Promiscuous, MACChanges, ForgedTransmits, MACLearning *bool
	From                                                  [4]PolicySource // in that order
	OverrideAllowed                                       *bool
	Version                                               string
}

// JoinedHost is a host's facts, rendered. Of thousands of hosts each one's is far away in memory, so what every line writes
// stands at its beginning, in two cache lines that come together, or three for names of more than 42 bytes (TestJoinedHostSize).
type JoinedHost struct {
	object   []byte    // host up to its id, which every level has
	room     [152]byte // where it stands, if it is no longer
	name     string
	more     []byte // other members of host, full
	names    []byte // members of vmware, standard
	objects  []byte // the same, full
	version  []byte // member of observer before the switch's name
	observer []byte // those after it
	related  []byte // member of the list related.hosts
	ips      []byte // members of related.ip
	scope    []byte // its name as it stands in exposure.scope
}

// Name returns the canonical name of the host.
func (h *JoinedHost) Name() string { return h.name }

// JoinedPort is what is known of a port and of who held it: the port's own facts as they are, and, rendered once, what it shares
// with others. A port costs a few pointers, however often a line names a client of it that nobody knows.
type JoinedPort struct {
	ID      uint32
	Client  string // as the line has it, else the source
	DVPort  DVPortFacts
	Exposed int  // vmware.exposure.vms; below 0: not known
	Trunk   bool // hint at a capture of one VLAN

	Host   *JoinedHost   // nil: not known
	VM     *JoinedVM     // nil: not known
	Place  *JoinedPlace  // never nil
	Policy *JoinedPolicy // nil: not known
	Hints  *JoinedHints  // nil: none
}

// JoinedVM is a VM's facts and those of one of its adapters, rendered.
type JoinedVM struct {
	source         []byte // source
	objects        []byte // members of vmware
	name, hostname string
	names          [2][]byte // members of related.hosts: name, hostname
	ips            []byte    // members of related.ip
	world          uint64
}

// JoinedPlace is a switch and a portgroup of it, rendered.
type JoinedPlace struct {
	observer []byte // member of observer: the switch's name
	ingress  []byte // what follows observer.ingress.interface, up to network
	objects  []byte // members of vmware
	scope    []byte // exposure up to the name of the host; empty: not known
	trunk    []hint // which VLAN to capture
	ruleset  string // the portgroup's moid, or its name on a standard switch
}

// JoinedPolicy is a policy, rendered.
type JoinedPolicy struct {
	members []byte // of vmware.policy
	notes   []byte // members of hints
}

// JoinedHints is what to do next about one sort of line, rendered.
type JoinedHints struct {
	commands []hint
	texts    []byte // what stands behind the commands
	advice   []byte // what stands at the end
}

// portgroup returns rule.ruleset: where the setting lives that denied.
func (p *JoinedPort) portgroup() string {
	if p == nil {
		return ""
	}
	return p.Place.ruleset
}

// JoinedMAC says whose a requested address is (vmware.l2sec.requested_mac_owner), rendered.
type JoinedMAC struct{ object []byte }
