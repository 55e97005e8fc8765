package event

// Act is what a line says was done or tried: event.action. Which category, type, outcome and
// severity an act has is a matter of the mapping, not of the line.
type Act string

// The acts of logins and sessions.
const (
	ActLogin         Act = "logged-in"         // authentication, start, success
	ActLoginFailed   Act = "login-failed"      // authentication, start, failure
	ActLogout        Act = "logged-out"        // authentication, end, success
	ActSessionOpened Act = "session-opened"    // session, start, success
	ActSessionClosed Act = "session-closed"    // session, end, success
	ActConnected     Act = "connection-opened" // network, connection and start
	ActDisconnected  Act = "connection-closed" // network, connection and end
	ActTally         Act = "failures-counted"  // authentication, info, failure: pam_tally2
	ActLocked        Act = "account-locked"    // iam, user and change
	ActAccess        Act = "http-request"      // web, access: outcome by the answer
)

// The acts that change a host.
const (
	ActCommand            Act = "command-executed"       // process, start
	ActCapture            Act = "traffic-captured"       // process and network, start: tcpdump-uw, pktcap-uw
	ActSwitchPolicy       Act = "vswitch-policy-changed" // configuration, change
	ActSwitchChanged      Act = "vswitch-changed"        // configuration, change
	ActSSHEnabled         Act = "ssh-enabled"            // configuration, change
	ActSSHDisabled        Act = "ssh-disabled"           // configuration, change
	ActShellEnabled       Act = "shell-enabled"          // configuration, change
	ActShellDisabled      Act = "shell-disabled"         // configuration, change
	ActLockdownOn         Act = "lockdown-mode-enabled"  // configuration, change
	ActLockdownOff        Act = "lockdown-mode-disabled" // configuration, change
	ActFirewallOn         Act = "firewall-enabled"       // configuration, change
	ActFirewallOff        Act = "firewall-disabled"      // configuration, change
	ActFirewallChanged    Act = "firewall-changed"       // configuration, change
	ActPassword           Act = "password-changed"       // iam, user and change
	ActAccountCreated     Act = "account-created"        // iam, user and creation
	ActAccountRemoved     Act = "account-removed"        // iam, user and deletion
	ActAccountUpdated     Act = "account-updated"        // iam, user and change
	ActGroupCreated       Act = "group-created"          // iam, group and creation
	ActGroupChanged       Act = "group-changed"          // iam, group and change: members came or went
	ActPermission         Act = "permission-changed"     // iam, admin and change
	ActRole               Act = "role-changed"           // iam, admin and change
	ActPortBlocked        Act = "dvport-blocked"         // network, denied
	ActPortUnblocked      Act = "dvport-unblocked"       // network, allowed
	ActMACChanged         Act = "mac-changed"            // configuration, change
	ActMACConflict        Act = "mac-conflict"           // network, info
	ActPassthru           Act = "passthrough-entered"    // network, info: the port's policy no longer applies
	ActLinkUp             Act = "link-up"                // network, start
	ActLinkDown           Act = "link-down"              // network, end
	ActLinkFlapping       Act = "link-flapping"          // network, end: the host took it down
	ActNetLost            Act = "network-connectivity-lost"
	ActNetRestored        Act = "network-connectivity-restored"
	ActRedundancyLost     Act = "uplink-redundancy-lost"
	ActRedundancyDegraded Act = "uplink-redundancy-degraded"
	ActRedundancyRestored Act = "uplink-redundancy-restored"
	ActIPConflict         Act = "ip-address-conflict"
	ActNICReset           Act = "nic-reset"                // network, info: its watchdog gave up on it
	ActLogLost            Act = "log-lost"                 // host, error
	ActPromiscuousOn      Act = "promiscuous-mode-entered" // network, start
	ActPromiscuousOff     Act = "promiscuous-mode-left"    // network, end
	ActAllmultiOn         Act = "allmulticast-mode-entered"
	ActAllmultiOff        Act = "allmulticast-mode-left"
	ActPromiscuousAsk     Act = "promiscuous-mode-requested" // network, denied: a guest of VMware Workstation
)

// The acts that vswarden states itself, over many lines.
const (
	ActFlood  Act = "events-flooded" // the sort of an event came very often
	ActSilent Act = "host-silent"    // a host that was heard regularly is not heard any more
	ActHeard  Act = "host-heard"     // it is heard again
)

// The acts of links and bridges that only linkwatch tells of.
const (
	ActPromiscuousFound Act = "promiscuous-mode-found"       // network, info: it was so when the watch began, or when the link appeared
	ActPromiscuityUp    Act = "promiscuity-raised"           // network, start: one more listens on a device that is promiscuous already
	ActPromiscuityDown  Act = "promiscuity-lowered"          // network, end
	ActLinkFound        Act = "link-found"                   // network, info
	ActLinkAdded        Act = "link-added"                   // network, start
	ActLinkRemoved      Act = "link-removed"                 // network, end
	ActLinkRenamed      Act = "link-renamed"                 // configuration, change
	ActBridgeJoined     Act = "bridge-port-added"            // network and configuration, change
	ActBridgeLeft       Act = "bridge-port-removed"          // network and configuration, change
	ActBridgeSettings   Act = "bridge-port-settings-changed" // configuration, change
	ActBridgeAgeing     Act = "bridge-ageing-changed"        // configuration, change
	ActBridgeHub        Act = "bridge-became-hub"            // configuration, change: it remembers no addresses any more
	ActBridgeHubFound   Act = "bridge-hub-found"             // configuration, info
)

// ActPosture is what no line tells: a virtual switch permits something.
const ActPosture Act = "vswitch-permits" // configuration, info

// Login is what a line about a login or session says besides who and from where.
type Login struct {
	Method   string // password, publickey, keyboard-interactive/pam
	Agent    string // user_agent.original
	Terminal string // /dev/char/pty/t0
	Failures uint32 // failed attempts so far
	LockSecs uint32 // how long the account is locked, seconds
	SSH      bool   // network.protocol ssh
	Invalid  bool   // the account does not exist
}
