package vcenter

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/vmware/govmomi/fault"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/types"

	"vswarden/inventory"
	"vswarden/retry"
)

// The ports of a distributed switch are not pushed. They are read where they can differ from their portgroup: after
// each change of such a portgroup, when an event says that a port was changed or blocked, and now and then.

// portWish asks for ports to be read anew: those of a portgroup, or one port of a switch.
type portWish struct {
	portgroup string // moid
	sw, key   string // moid, key
}

// wish asks for ports. Where too many wishes wait, the next full round serves them all.
func (s *session) wish(w portWish) {
	select {
	case s.ports <- w:
	default:
	}
}

// portsTogether is how long wishes are gathered: a change of a switch is a change of many portgroups.
const portsTogether = 500 * time.Millisecond

// maxPortKeys bounds how many single ports are asked for at once; more are a full round.
const maxPortKeys = 200

// firstPorts reads all ports before the first report, so that what they say is not taken for a change. A server that
// takes long over it has us go on without.
func (s *session) firstPorts(ctx context.Context) {
	if s.cfg.Ports == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, min(s.cfg.Timeout, 10*time.Second))
	defer cancel()
	_ = s.portRound(ctx, nil) // counted there, and tried again
}

// readPorts reads ports when they are wished for and every Ports.
func (s *session) readPorts(ctx context.Context) error {
	if s.cfg.Ports == 0 || s.link.ServiceContent.DvSwitchManager == nil { // a host has no distributed switches of its own
		return nil
	}
	select {
	case <-ctx.Done():
		return nil
	case <-s.synced:
	}
	t := time.NewTicker(s.cfg.Ports)
	defer t.Stop()
	for {
		var wishes []portWish
		select {
		case <-ctx.Done():
			return nil
		case <-t.C:
		case w := <-s.ports:
			wishes = append(wishes, w)
			if !retry.Sleep(ctx, portsTogether) {
				return nil
			}
			for len(s.ports) > 0 && len(wishes) < maxPortKeys {
				wishes = append(wishes, <-s.ports)
			}
			if len(wishes) == maxPortKeys {
				wishes = nil
			}
		}
		if err := s.portRound(ctx, wishes); err != nil && dead(err) {
			return err
		}
	}
}

// portRound reads the ports that are wished for; nil: all that may differ from their portgroups.
func (s *session) portRound(ctx context.Context, wishes []portWish) error {
	var errs []error
	for sw, c := range s.criteria(wishes) {
		if err := s.fetch(ctx, sw, c); err != nil {
			s.stats.PortFailures.Add(1)
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// criteria says which ports of which switches to read.
func (s *session) criteria(wishes []portWish) map[string]*types.DistributedVirtualSwitchPortCriteria {
	all := map[string]*types.DistributedVirtualSwitchPortCriteria{}
	of := func(sw string) *types.DistributedVirtualSwitchPortCriteria {
		if all[sw] == nil {
			all[sw] = &types.DistributedVirtualSwitchPortCriteria{}
		}
		return all[sw]
	}
	for _, pg := range s.inv.Portgroups() {
		if pg.Ref.VC != s.vc || pg.Switch == "" || pg.Uplink || !mayOverride(pg) {
			continue
		}
		if wishes == nil || slices.ContainsFunc(wishes, func(w portWish) bool { return w.portgroup == pg.Ref.ID }) {
			c := of(pg.Switch)
			c.PortgroupKey = append(c.PortgroupKey, pg.Ref.ID)
			c.Inside = new(true) // without it the list of portgroups is not looked at
		}
	}
	for _, w := range wishes {
		if w.key == "" || w.sw == "" {
			continue
		}
		// One question asks by portgroup or by key: both together would mean only what is in both.
		if c := of(w.sw); len(c.PortgroupKey) == 0 && !slices.Contains(c.PortKey, w.key) {
			c.PortKey = append(c.PortKey, w.key)
		}
	}
	for sw, c := range all {
		if len(c.PortgroupKey)+len(c.PortKey) == 0 {
			delete(all, sw)
		}
	}
	return all
}

func mayOverride(pg *inventory.Portgroup) bool {
	return pg.Rules.SecurityOverride == inventory.Accept || pg.Rules.MACOverride == inventory.Accept
}

// fetch reads ports of one switch and tells the inventory.
func (s *session) fetch(ctx context.Context, sw string, c *types.DistributedVirtualSwitchPortCriteria) error {
	asking, cancel := s.ask(ctx)
	defer cancel()
	const what = "FetchDVPorts"
	s.stats.PortReads.Add(1)
	res, err := methods.FetchDVPorts(asking, s.link, &types.FetchDVPorts{
		This: types.ManagedObjectReference{Type: "DistributedVirtualSwitch", Value: sw}, Criteria: c,
	})
	switch {
	case err == nil:
		s.granted(what)
	case fault.Is(err, &types.NoPermission{}):
		s.missing(what, "System.Read on the switch", "settings that single ports have of their own, and which are blocked", "NoPermission")
		return nil
	default:
		return fmt.Errorf("read the ports of %s: %w", sw, plain(err))
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	b := s.newBatch()
	b.u.First = !s.portsTold[sw]
	listed := map[string]bool{}
	for i := range res.Returnval {
		p := &res.Returnval[i]
		listed[p.Key] = true
		b.u.DVPorts = append(b.u.DVPorts, s.port(sw, p))
		b.effective(p)
	}
	// A port that is no longer listed says nothing any more.
	for _, old := range s.inv.DVPorts(s.ref(sw)) {
		if !listed[old.Key] && (slices.Contains(c.PortgroupKey, old.Portgroup) || slices.Contains(c.PortKey, old.Key)) {
			b.u.DVPorts = append(b.u.DVPorts, inventory.DVPort{Switch: old.Switch, Key: old.Key, Portgroup: old.Portgroup})
		}
	}
	if len(c.PortgroupKey) > 0 {
		s.portsTold[sw] = true
	}
	if b.empty() {
		return nil
	}
	return s.inv.Apply(&b.u)
}

// port makes our port from the server's.
func (f *Feeder) port(sw string, p *types.DistributedVirtualPort) inventory.DVPort {
	d := inventory.DVPort{Switch: f.ref(sw), Key: p.Key, Portgroup: p.PortgroupKey}
	if v, ok := p.Config.Setting.(*types.VMwareDVSPortSetting); ok && v != nil {
		d.Rules.Distributed = ownSetting(security(v))
	}
	if p.State != nil && p.State.RuntimeInfo != nil && p.State.RuntimeInfo.Blocked {
		d.Blocked, d.Status = true, p.State.RuntimeInfo.StatusDetail
	}
	return d
}

// effective notes which address the switch sees at a VM's port.
func (b *batch) effective(p *types.DistributedVirtualPort) {
	c := p.Connectee
	if c == nil || c.ConnectedEntity == nil || classOf(c.ConnectedEntity.Type) != classVM || p.State == nil || p.State.RuntimeInfo == nil {
		return
	}
	mac, err := inventory.ParseMAC(p.State.RuntimeInfo.MacAddress)
	key, bad := strconv.ParseInt(c.NicKey, 10, 32)
	if err != nil || bad != nil {
		return
	}
	old := b.inv.VM(b.ref(c.ConnectedEntity.Value))
	if old == nil || old.Gone() != 0 {
		return
	}
	n := old.NIC(int32(key))
	if n == nil || n.Effective == mac || n.Backing.Port != "" && n.Backing.Port != p.Key {
		return
	}
	vm := b.vmOf(c.ConnectedEntity.Value)
	vm.NICs = slices.Clone(vm.NICs)
	if n := vm.NIC(int32(key)); n != nil {
		n.Effective = mac
	}
}
