package vcenter

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/vapi/rest"
	_ "github.com/vmware/govmomi/vapi/simulator"
	"github.com/vmware/govmomi/vapi/tags"
	"github.com/vmware/govmomi/vim25/types"
)

func TestTagsAndOwners(t *testing.T) {
	s := newSim(t, small(), false)
	c := rest.NewClient(s.client.Client)
	if err := c.Login(t.Context(), url.UserPassword("user", "pass")); err != nil {
		t.Fatal(err)
	}
	m := tags.NewManager(c)
	category, err := m.CreateCategory(t.Context(), &tags.Category{Name: "Team", Cardinality: "SINGLE", AssociableTypes: []string{"VirtualMachine"}})
	if err != nil {
		t.Fatal(err)
	}
	id, err := m.CreateTag(t.Context(), &tags.Tag{Name: "web", CategoryID: category})
	if err != nil {
		t.Fatal(err)
	}
	vm := s.vms()[first]
	if err := m.AttachTag(t.Context(), id, vm.Self); err != nil {
		t.Fatal(err)
	}
	cfg := s.config()
	cfg.Tags, cfg.OwnerFrom = 1e9*60, "tag:Team"
	f := feed(t, cfg)
	f.until("the tag", func() bool { return slices.Equal(f.vm(first).Tags, []string{"Team:web"}) })
	if f.vm(first).Owner != "web" || f.vm("DC0_C0_RP0_VM1").Owner != "" {
		t.Errorf("owners %q and %q", f.vm(first).Owner, f.vm("DC0_C0_RP0_VM1").Owner)
	}
	// A VM that changes keeps its tags.
	s.rename(f, first, "web-01")
	if got := f.vm("web-01"); got.Owner != "web" || len(got.Tags) != 1 {
		t.Errorf("after a change: %+v", got)
	}
}

func TestTagsThatCannotBeRead(t *testing.T) {
	s := newSim(t, small(), false)
	p := newProxy(t, s, false)
	p.breaks(func(method string) int {
		if strings.HasPrefix(method, "/rest/") || strings.HasPrefix(method, "/api/") {
			return 404
		}
		return 0
	})
	cfg := p.config(s)
	cfg.Tags = 1e9 * 60
	f := feed(t, cfg)
	f.until("the tags to be missed", func() bool { return f.lacks("tags") != nil })
}

func TestAttributesAndOwners(t *testing.T) {
	s := newSim(t, small(), false)
	cfg := s.config()
	cfg.OwnerFrom = "attribute:Owner"
	fields, err := object.GetCustomFieldsManager(s.client.Client)
	if err != nil {
		t.Fatal(err)
	}
	def, err := fields.Add(t.Context(), "Owner", "VirtualMachine", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	vm := s.vms()[first]
	if err := fields.Set(t.Context(), vm.Self, def.Key, "alice"); err != nil {
		t.Fatal(err)
	}
	f := feed(t, cfg)
	if got := f.vm(first); got.Owner != "alice" || len(got.Attributes) != 1 || got.Attributes[0].Name != "Owner" {
		t.Errorf("VM %+v", got)
	}
	s.update(vm.Self, types.PropertyChange{Name: "customValue", Val: []types.BaseCustomFieldValue{
		&types.CustomFieldStringValue{CustomFieldValue: types.CustomFieldValue{Key: def.Key}, Value: "bob"},
	}})
	f.until("the new owner", func() bool { return f.vm(first).Owner == "bob" })
}
