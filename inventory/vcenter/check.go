package vcenter

import (
	"context"
	"fmt"
	"time"

	"github.com/vmware/govmomi/fault"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/types"

	"vswarden/inventory"
	"vswarden/inventory/vcenter/access"
)

// farClock is by how much a server's clock may differ from ours before it is worth a word.
const farClock = 5 * time.Second

// Findings logs in to a server, reads all that a feeder reads, and says what will not resolve and why, one line
// each. What keeps us from looking is the error.
func Findings(ctx context.Context, cfg access.Config) (findings []string, err error) {
	inv := inventory.New(inventory.DefaultConfig())
	f, err := New(inv, cfg, nil)
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	s, err := f.open(ctx)
	if err != nil {
		return nil, plain(err)
	}
	defer s.close(false)
	s.stop, s.once = stop, true
	if err := s.follow(ctx); err != nil {
		return nil, plain(err)
	}
	s.privileges(ctx)
	s.probeTags(ctx)
	lookup := s.probeLive(ctx)
	found := func(format string, args ...any) { findings = append(findings, fmt.Sprintf(format, args...)) }
	hosts, away := f.shown(), 0
	for _, h := range hosts {
		if c := h.Facts().Connection; c == inventory.Disconnected || c == inventory.NotResponding {
			away++
		}
	}
	if len(hosts) == 0 {
		found("no host is shown: give %s the role Read-only at the root of the inventory, with propagation to what is below", cfg.Username)
	}
	if away > 0 {
		found("%d of %d hosts are not connected: their ports are not known, or are of the past", away, len(hosts))
	}
	if d := s.link.offset; d.Abs() > farClock {
		found("the clock of the server is %v ahead of ours (negative: behind): stamps of events are corrected by that, those of hosts cannot be", d.Round(time.Second))
	}
	if lookup != nil {
		found("live: %v: not to be had: %s", plain(lookup), liveLost)
	}
	for _, m := range f.Status().Missing {
		line := m.What
		if m.Count > 1 {
			line += fmt.Sprintf(" (%d times)", m.Count)
		}
		line += ": " + m.Why + ": not to be had: " + m.Lost
		if m.Privilege != "" {
			line += "; needs " + m.Privilege
		}
		found("%s", line)
	}
	for _, a := range f.Status().Apart {
		found("%s: out of sync: what vCenter says of policy there is not what the host does", a)
	}
	return findings, ctx.Err()
}

// privileges asks for what the modes of looking at ports need. Not every server lets one ask: what is really missing
// shows in what cannot be read.
func (s *session) privileges(ctx context.Context) {
	need := []struct{ id, what, lost string }{
		{"System.View", "privilege System.View", "objects below the root that the role does not reach are not shown at all"},
		{"System.Read", "privilege System.Read", "properties of what the role does not reach"},
	}
	switch s.cfg.Live.Method {
	case access.LiveESXCLI:
		need = append(need, struct{ id, what, lost string }{"Host.Config.Settings", "privilege Host.Config.Settings", liveLost})
	case access.LiveEsxtop:
		need = append(need, struct{ id, what, lost string }{"Global.ServiceManagers", "privilege Global.ServiceManagers", liveLost})
	}
	c := &s.link.ServiceContent
	if c.AuthorizationManager == nil {
		return
	}
	ids := make([]string, len(need))
	for i := range need {
		ids[i] = need[i].id
	}
	ctx, cancel := s.ask(ctx)
	defer cancel()
	res, err := methods.HasPrivilegeOnEntities(ctx, s.link, &types.HasPrivilegeOnEntities{
		This: *c.AuthorizationManager, Entity: []types.ManagedObjectReference{c.RootFolder}, SessionId: s.link.sessionKey, PrivId: ids,
	})
	if err != nil {
		return
	}
	for _, e := range res.Returnval {
		for _, p := range e.PrivAvailability {
			for _, n := range need {
				if n.id == p.PrivId && !p.IsGranted {
					s.missing(n.what, n.id+" at the root, propagated", n.lost, "NoPermission")
				}
			}
		}
	}
}

// probeLive asks one connected host, as a lookup would, where that is turned on. A missing right is counted as such.
func (s *session) probeLive(ctx context.Context) error {
	l := s.live
	if l == nil {
		return nil
	}
	for _, h := range s.shown() {
		host := h.Facts()
		if host.Connection != inventory.Connected {
			continue
		}
		ctx, cancel := context.WithTimeout(ctx, s.cfg.Live.Timeout)
		defer cancel()
		var err error
		if s.cfg.Live.Method == access.LiveEsxtop {
			_, err = l.askEsxtop(ctx, s.link, host.Name)
		} else {
			var on types.ManagedObjectReference
			if on, err = executer(ctx, s.link, types.ManagedObjectReference{Type: "HostSystem", Value: host.Ref.ID}); err == nil {
				_, err = runCommand(ctx, s.link, on, listVMs, 0)
			}
		}
		l.permitted(err)
		if fault.Is(err, &types.NoPermission{}) {
			return nil
		}
		return err
	}
	return nil
}

// liveLost is what does not resolve without asking hosts.
const liveLost = "ports of distributed switches by their id: a line that names no adapter of a VM with several stays open"
