package vcenter

import (
	"context"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"time"

	"github.com/vmware/govmomi/vapi/rest"
	"github.com/vmware/govmomi/vapi/tags"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

// Tags are another API of the vCenter, with a session of its own, and are not pushed.

const (
	tagChunk = 500 // VMs asked for at once
	// maxTags bounds the tags kept of one VM.
	maxTags  = 64
	tagsWhat = "tags"
	tagsLost = "tags of VMs, and owners that come from them"
)

// readTags reads the tags of VMs every Tags.
func (s *session) readTags(ctx context.Context) error {
	if s.cfg.Tags == 0 || !s.link.IsVC() {
		return nil
	}
	select {
	case <-ctx.Done():
		return nil
	case <-s.synced:
	}
	t := time.NewTicker(s.cfg.Tags)
	defer t.Stop()
	for {
		s.probeTags(ctx)
		select {
		case <-ctx.Done():
			return nil
		case <-t.C:
		}
	}
}

// probeTags reads them once. That they cannot be read keeps nothing else from going on.
func (s *session) probeTags(ctx context.Context) {
	if s.cfg.Tags == 0 || !s.link.IsVC() {
		return
	}
	switch err := s.tagRound(ctx); {
	case err == nil:
		s.granted(tagsWhat)
	case ctx.Err() == nil:
		s.missing(tagsWhat, "a login at the vSphere Automation API (/rest)", tagsLost, err.Error())
	}
}

// tag is one tag with the name of its category.
type tag struct{ category, name string }

// tagRound reads the tags of all VMs and tells the inventory what changed.
func (s *session) tagRound(ctx context.Context) error {
	secret, err := s.cfg.Secret()
	if err != nil {
		return err
	}
	c := rest.NewClient(s.link.Client)
	c.Transport = bounded{c.DefaultTransport()}
	asking, cancel := s.ask(ctx)
	defer cancel()
	if err := c.Login(asking, url.UserPassword(s.cfg.Username, secret.Reveal())); err != nil {
		return fmt.Errorf("log in: %w", err)
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		_ = c.Logout(ctx) // the session ends by itself otherwise
	}()
	m := tags.NewManager(c)
	categories := map[string]string{}
	list, err := m.GetCategories(asking)
	if err != nil {
		return fmt.Errorf("read categories: %w", err)
	}
	for i := range list {
		categories[list[i].ID] = list[i].Name
	}
	known := map[string]tag{}
	var refs []mo.Reference
	for _, vm := range s.inv.VMs() {
		if vm.Ref.VC == s.vc {
			refs = append(refs, types.ManagedObjectReference{Type: "VirtualMachine", Value: vm.Ref.ID})
		}
	}
	for chunk := range slices.Chunk(refs, tagChunk) {
		if err := s.tagChunk(ctx, m, categories, known, chunk); err != nil {
			return err
		}
	}
	return nil
}

// tagChunk reads the tags of some VMs.
func (s *session) tagChunk(ctx context.Context, m *tags.Manager, categories map[string]string, known map[string]tag, chunk []mo.Reference) error {
	asking, cancel := s.ask(ctx)
	defer cancel()
	attached, err := m.ListAttachedTagsOnObjects(asking, chunk)
	if err != nil {
		return fmt.Errorf("read tags: %w", err)
	}
	of := map[string][]tag{}
	for _, ref := range chunk {
		of[ref.Reference().Value] = nil
	}
	for _, a := range attached {
		for _, id := range a.TagIDs {
			t, ok := known[id]
			if !ok {
				full, err := m.GetTag(asking, id)
				if err != nil {
					continue // it was deleted in between, or is not ours to see
				}
				t = tag{categories[full.CategoryID], full.Name}
				known[id] = t
			}
			if vm := a.ObjectID.Reference().Value; len(of[vm]) < maxTags {
				of[vm] = append(of[vm], t)
			}
		}
	}
	return s.tell(of)
}

// tell tells the inventory the tags of some VMs.
func (s *session) tell(of map[string][]tag) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	b := s.newBatch()
	kind, category, _ := s.cfg.Owner()
	for _, id := range slices.Sorted(maps.Keys(of)) {
		old := s.inv.VM(s.ref(id))
		if old == nil || old.Gone() != 0 {
			continue
		}
		var names []string
		owner := ""
		for _, t := range of[id] {
			names = append(names, t.category+":"+t.name)
			if kind == "tag" && t.category == category {
				owner = t.name
			}
		}
		slices.Sort(names)
		if kind != "tag" {
			owner = old.Owner
		}
		if slices.Equal(names, old.Tags) && owner == old.Owner {
			continue
		}
		vm := b.vmOf(id)
		vm.Tags, vm.Owner = names, owner
	}
	if b.empty() {
		return nil
	}
	return s.inv.Apply(&b.u)
}
