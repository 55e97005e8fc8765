package inventory

import "strconv"

// VLANKind is how a portgroup tags.
type VLANKind uint8

// The ways to tag.
const (
	VLANUnknown VLANKind = iota
	VLANAccess           // one VLAN; 0 is untagged
	VLANTrunk            // the guest tags
	VLANPrivate          // a secondary VLAN of a primary one
)

// PrivateKind is the kind of a private VLAN.
type PrivateKind uint8

// The kinds of private VLANs.
const (
	PrivateUnknown PrivateKind = iota
	Promiscuous
	Isolated
	Community
)

// VLANRange is the VLANs from First to Last, both included.
type VLANRange struct {
	First uint16 `json:"first"`
	Last  uint16 `json:"last"`
}

// AllVLANs is what a standard portgroup passes with VLAN 4095.
var allVLANs = []VLANRange{{0, 4094}}

// VLAN is what a portgroup passes.
type VLAN struct {
	Kind    VLANKind    `json:"kind,omitzero"`
	ID      uint16      `json:"id,omitzero"`      // access: the VLAN; private: the secondary
	Primary uint16      `json:"primary,omitzero"` // private: the primary
	Private PrivateKind `json:"private,omitzero"`
	Ranges  []VLANRange `json:"ranges,omitempty"` // trunk
}

// StandardVLAN returns what the number in a standard portgroup means: 4095 passes all.
func StandardVLAN(id int32) VLAN {
	switch {
	case id == 4095:
		return VLAN{Kind: VLANTrunk, Ranges: allVLANs}
	case id >= 0 && id < 4095:
		return VLAN{Kind: VLANAccess, ID: uint16(id)}
	}
	return VLAN{}
}

// All reports whether v is a trunk of every VLAN.
func (v VLAN) All() bool {
	return v.Kind == VLANTrunk && v.passes(1) && v.passes(4094) && len(v.Ranges) == 1
}

// passes reports whether a frame of VLAN id passes a port of v.
func (v VLAN) passes(id uint16) bool {
	switch v.Kind {
	case VLANAccess:
		return v.ID == id
	case VLANPrivate:
		return v.ID == id || v.Primary == id
	case VLANTrunk:
		for _, r := range v.Ranges {
			if id >= r.First && id <= r.Last {
				return true
			}
		}
	}
	return false
}

// Sees reports whether a promiscuous port of v sees frames of a port of w on the same switch.
func (v VLAN) Sees(w VLAN) bool {
	switch {
	case v.Kind == VLANPrivate && w.Kind == VLANPrivate:
		if v.Primary != w.Primary {
			return false
		}
		return v.Private == Promiscuous || w.Private == Promiscuous || v.Private == Community && v.ID == w.ID
	case v.Kind == VLANTrunk && w.Kind == VLANTrunk:
		for _, a := range v.Ranges {
			for _, b := range w.Ranges {
				if a.First <= b.Last && b.First <= a.Last {
					return true
				}
			}
		}
		return false
	case v.Kind == VLANTrunk:
		return w.Kind != VLANUnknown && v.passes(w.ID)
	case w.Kind == VLANTrunk:
		return v.Kind != VLANUnknown && w.passes(v.ID)
	}
	return v.Kind != VLANUnknown && w.Kind != VLANUnknown && v.passes(w.ID)
}

// String returns v in words: "vlan 120", "trunk 0-4094", "private vlan 201 of 200".
func (v VLAN) String() string {
	switch v.Kind {
	case VLANAccess:
		if v.ID == 0 {
			return "untagged"
		}
		return "vlan " + strconv.Itoa(int(v.ID))
	case VLANPrivate:
		return "private vlan " + strconv.Itoa(int(v.ID)) + " of " + strconv.Itoa(int(v.Primary))
	case VLANTrunk:
		s := []byte("trunk ")
		for i, r := range v.Ranges {
			if i > 0 {
				s = append(s, ',')
			}
			s = strconv.AppendUint(s, uint64(r.First), 10)
			if r.Last != r.First {
				s = strconv.AppendUint(append(s, '-'), uint64(r.Last), 10)
			}
		}
		return string(s)
	}
	return ""
}
