package inventory

import (
	"cmp"
	"slices"
	"time"
)

// PolicyChange is one change of what a port, portgroup or switch says about security, as a source told it.
type PolicyChange struct {
	When   Stamp // when it was seen; it happened in [Since, When]
	Since  Stamp
	VC     uint16 // index of the vCenter
	Level  Level  // port, portgroup or switch
	Kind   SwitchKind
	Object Ref    // distributed: the portgroup or switch; standard: the host
	Host   string // the host's name, for standard switches and their portgroups
	Name   string // of the portgroup or switch
	Switch string // name of the switch it belongs to, where known
	Port   string // key of the distributed port
	Old    Rules
	New    Rules
	User   string // who did it, where an event of the vCenter says so
	Event  string // that event's type
}

// Act is what an event of a vCenter says: who did what to which object, and when.
type Act struct {
	When   Stamp
	Object Ref    // the switch, portgroup or host that was changed
	Port   string // key of the port, where one was
	User   string
	Event  string // type of the event, such as DVPortgroupReconfiguredEvent
}

const (
	// actWindow is how far a change and the event that speaks of it may be apart.
	actWindow = time.Minute
	// actWait is how long a change waits for its event before it is handed out without.
	actWait = 20 * time.Second
	// maxChanges and maxActs bound what waits.
	maxChanges = 4096
	maxActs    = 512
)

// policyLog holds the changes that nobody has taken yet, and the acts that may explain the next ones. Inventory.mu
// guards it.
type policyLog struct {
	changes []PolicyChange
	acts    []Act
	lost    uint64
}

// TakePolicyChanges returns the changes of policy seen since the last call, oldest first, and forgets them. A change
// is handed out once its event has told who made it, or when none came in time: some seconds after it was seen.
func (inv *Inventory) TakePolicyChanges(now Stamp) (taken []PolicyChange) {
	inv.mu.Lock()
	defer inv.mu.Unlock()
	kept := inv.policy.changes[:0]
	for _, c := range inv.policy.changes {
		waits := slices.ContainsFunc(kept, func(k PolicyChange) bool { // an older one of the same object goes first
			return k.Object == c.Object && k.Level == c.Level && k.Name == c.Name && k.Port == c.Port
		})
		if wait := now.Sub(c.When); !waits && (c.User != "" || wait >= actWait || wait < -actWindow) {
			taken = append(taken, c)
		} else {
			kept = append(kept, c)
		}
	}
	clear(inv.policy.changes[len(kept):])
	inv.policy.changes = kept
	slices.SortStableFunc(taken, func(a, b PolicyChange) int { return cmp.Compare(a.When, b.When) })
	return taken
}

// PolicyChangesLost returns how many changes nobody took before there was no more room.
func (inv *Inventory) PolicyChangesLost() uint64 {
	inv.mu.Lock()
	defer inv.mu.Unlock()
	return inv.policy.lost
}

// Acted notes who did what: a change of that object seen a little earlier or later was theirs.
func (inv *Inventory) Acted(act Act) {
	inv.mu.Lock()
	defer inv.mu.Unlock()
	if act.User == "" {
		return
	}
	for i := range inv.policy.changes {
		if c := &inv.policy.changes[i]; c.User == "" && act.explains(c) {
			c.User, c.Event = act.User, act.Event
		}
	}
	if len(inv.policy.acts) >= maxActs {
		inv.policy.acts = append(inv.policy.acts[:0], inv.policy.acts[maxActs/2:]...)
	}
	inv.policy.acts = append(inv.policy.acts, act)
}

// explains reports whether the act may have made the change.
func (act *Act) explains(c *PolicyChange) bool {
	return act.Object == c.Object && (act.Port == "" || act.Port == c.Port) &&
		act.When >= c.Since.Add(-actWindow) && act.When <= c.When.Add(actWindow)
}

// noteChange keeps a change until it is taken. The latest act that explains it names its author.
func (a *applying) noteChange(c PolicyChange) {
	log := &a.inv.policy
	c.VC, c.When, c.Since = a.src.vc, a.at, max(min(a.told(), a.at), 0)
	for i := range log.acts {
		if act := &log.acts[i]; act.explains(&c) {
			c.User, c.Event = act.User, act.Event
		}
	}
	if len(log.changes) >= maxChanges {
		log.lost += uint64(len(log.changes) - maxChanges/2)
		log.changes = append(log.changes[:0], log.changes[len(log.changes)-maxChanges/2:]...)
	}
	log.changes = append(log.changes, c)
}

// Flags returns the three settings and MAC learning as this level has them, whichever part of the API says so.
func (r *Rules) Flags() (f Flags, learning Verdict) {
	own, d := r.Own, &r.Distributed
	f.Promiscuous = cmp.Or(r.Computed.Promiscuous, own.Promiscuous, d.MACManagement.Flags.Promiscuous, d.Security.Promiscuous.Value)
	f.MACChanges = cmp.Or(r.Computed.MACChanges, own.MACChanges, d.MACManagement.Flags.MACChanges, d.Security.MACChanges.Value)
	f.ForgedTransmits = cmp.Or(r.Computed.ForgedTransmits, own.ForgedTransmits, d.MACManagement.Flags.ForgedTransmits, d.Security.ForgedTransmits.Value)
	return f, d.MACManagement.Learning.Enabled
}
