package posture

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"vswarden/event"
	"vswarden/inventory"
	"vswarden/setting"
)

// Config says what is stated without a line.
type Config struct {
	// Interval is how often what is permitted is stated anew; 0 = never. Changes are stated always.
	Interval time.Duration `yaml:"interval"`
}

// DefaultConfig states changes only.
func DefaultConfig() Config { return Config{} }

// Validate returns every wrong setting.
func (c Config) Validate() (faults []setting.Fault) {
	if c.Interval < 0 || c.Interval > 0 && c.Interval < time.Second {
		faults = append(faults, setting.Fault{Path: "interval", Value: c.Interval.String(), Problem: "too short: write 1s or more, such as 1h, or 0 for never"})
	}
	return faults
}

// Options is what a Reporter needs.
type Options struct {
	Inventory *inventory.Inventory
	// Emit puts an event into the log and waits for room.
	Emit     func(ctx context.Context, e *event.Event) error
	Path     string // where it keeps what it has told; its directory exists
	Interval time.Duration
	Now      func() time.Time
}

const (
	look1s     = time.Second      // how often changes are asked for
	settleTime = 30 * time.Second // how long a source has told all before what was missed is looked for
	lastWord   = 3 * time.Second  // for what is left to be stated at the end
	// unasked lets the inventory hand out changes whose author is not known yet.
	unasked = time.Hour
)

// Reporter states what an inventory permits, every interval, and each change of a policy once: also
// when the process was killed in between, or down while the change was made.
type Reporter struct {
	o      Options
	told   *told
	synced map[uint16]inventory.Stamp // since when all sources of a vCenter have told all; by its index
	missed map[uint16]bool            // what was missed of it was looked for

	// Aside is where a file went that was damaged: changes made while the process was down are not known. "" = there was none.
	Aside    string
	Changes  atomic.Uint64 // stated
	Findings atomic.Uint64 // of the last report
	Failures atomic.Uint64 // times that what was told could not be kept
}

// Open reads what was told before.
func Open(o Options) (*Reporter, error) {
	t, aside, err := readTold(o.Path)
	if err != nil {
		return nil, err
	}
	return &Reporter{o: o, told: t, Aside: aside, synced: map[uint16]inventory.Stamp{}, missed: map[uint16]bool{}}, nil
}

// Run states what there is to state from when ready is closed until ctx ends. It returns what Emit
// returned, if that was an error while ctx was alive: the log has failed.
func (r *Reporter) Run(ctx context.Context, ready <-chan struct{}) error {
	select {
	case <-ready:
	case <-ctx.Done():
		return nil
	}
	tick := time.NewTicker(look1s)
	defer tick.Stop()
	for {
		now := inventory.StampOf(r.o.Now())
		err := r.changes(ctx, now, now)
		if err == nil {
			err = r.report(ctx, now)
		}
		if err != nil && ctx.Err() == nil {
			return fmt.Errorf("state what is permitted: %w", err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return r.farewell(ctx)
		}
	}
}

// farewell states the changes that wait for their author, since the process ends before they are told.
func (r *Reporter) farewell(ctx context.Context) error {
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastWord)
	defer cancel()
	now := inventory.StampOf(r.o.Now())
	if err := r.changes(last, now, now.Add(unasked)); err != nil && last.Err() == nil {
		return fmt.Errorf("state the last changes: %w", err)
	}
	return r.keep() // what was not stated waits there for the next start
}

// changes states the changes of policy that the inventory hands out at a moment.
func (r *Reporter) changes(ctx context.Context, now, handed inventory.Stamp) error {
	list := r.o.Inventory.TakePolicyChanges(handed)
	sources := r.settled(now)
	if len(list) == 0 && len(r.told.Pending) == 0 && len(sources) == 0 {
		return r.keep()
	}
	all := objects(r.o.Inventory)
	for i := range list {
		key := keyOf(r.o.Inventory, &list[i])
		if before, ok := r.told.Rules[key]; ok {
			if before == list[i].New { // told before a kill that the snapshot did not outlive
				continue
			}
			list[i].Old = before
		}
		r.told.add(key, r.o.Inventory.VCenter(list[i].VC), all[key], list[i])
	}
	for key, o := range all {
		before, known := r.told.Rules[key]
		switch {
		case !known:
			r.told.Rules[key], r.told.dirty = o.rules, true // it was so when we began to look
		case before != o.rules && slices.Contains(sources, o.vc):
			// Nobody has told of it. One that waits for its author yet is told without.
			r.told.add(key, r.o.Inventory.VCenter(o.vc), o, o.change(before, now))
		}
	}
	for _, vc := range sources {
		r.missed[vc] = true
		r.forget(all, vc)
	}
	return r.state(ctx, all)
}

// state states what is pending. It is on disk before, under the id that it will have, so that a kill
// makes it come again as the same event, or not at all.
func (r *Reporter) state(ctx context.Context, all map[string]*object) error {
	if err := r.keep(); err != nil {
		return err
	}
	if len(r.told.Pending) == 0 {
		return nil
	}
	slices.SortStableFunc(r.told.Pending, func(a, b pending) int { return int(min(max(a.Change.When-b.Change.When, -1), 1)) })
	for len(r.told.Pending) > 0 {
		p := &r.told.Pending[0]
		if err := r.o.Emit(ctx, p.event(all[p.Key])); err != nil {
			return err
		}
		r.told.Pending = r.told.Pending[1:]
		r.Changes.Add(1)
	}
	r.told.dirty = true // kept with the next look: the log has synced by then
	return nil
}

// settled lists the vCenters whose sources have told all for a while, and of which what was missed was not looked for yet.
func (r *Reporter) settled(now inventory.Stamp) (list []uint16) {
	state := map[uint16]bool{0: true} // by vCenter: all of its sources have told all
	for _, s := range r.o.Inventory.Sources() {
		if s.Kind == inventory.SourcePushed {
			ok, known := state[s.VC]
			state[s.VC] = s.Synced && (ok || !known)
		}
	}
	for vc, ok := range state {
		switch since := r.synced[vc]; {
		case r.missed[vc]:
		case !ok:
			delete(r.synced, vc)
		case since == 0:
			r.synced[vc] = now
		}
		if since, ok := r.synced[vc]; ok && !r.missed[vc] && (vc == 0 || now.Sub(since) >= settleTime) { // imports have told all
			list = append(list, vc)
		}
	}
	return list
}

// forget drops what was told of objects of a vCenter that are no more.
func (r *Reporter) forget(all map[string]*object, vc uint16) {
	prefix := r.o.Inventory.VCenter(vc).Name + "\x1f"
	for key := range r.told.Rules {
		if _, there := all[key]; !there && strings.HasPrefix(key, prefix) {
			delete(r.told.Rules, key)
			r.told.dirty = true
		}
	}
}

// report states all findings once an interval.
func (r *Reporter) report(ctx context.Context, now inventory.Stamp) error {
	if r.o.Interval <= 0 {
		return nil
	}
	start := now - now%inventory.Stamp(r.o.Interval)
	if start <= r.told.Reported || len(r.o.Inventory.AllHosts()) == 0 {
		return nil
	}
	report := Of(r.o.Inventory, now, now)
	for i := range report.Findings {
		if err := r.o.Emit(ctx, report.Findings[i].Event(start)); err != nil {
			return err
		}
	}
	r.Findings.Store(uint64(len(report.Findings)))
	r.told.Reported, r.told.dirty = start, true
	return nil
}

// keep writes what was told, if it differs from what the file has. A disk that is full stops nothing but the
// protection against telling twice.
func (r *Reporter) keep() error {
	err := r.told.write(r.o.Path)
	if err != nil {
		r.Failures.Add(1)
		if errors.Is(err, errEncode) {
			return err
		}
	}
	return nil
}
