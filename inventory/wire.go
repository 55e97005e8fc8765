package inventory

import "net/netip"

// These are the objects of a snapshot: the facts under the names of the export, and their past
// under short ones. VMs are numbered in the order in which they stand in the file, from 1.

type wireHead struct {
	Written  Stamp        `json:"written"`
	Horizon  Stamp        `json:"horizon,omitzero"`
	VCenters []VCenter    `json:"vcenters,omitempty"` // from index 1
	Sources  []wireSource `json:"sources,omitempty"`
}

type wireSource struct {
	Name     string     `json:"name"`
	Kind     SourceKind `json:"kind"`
	VC       uint16     `json:"vc,omitzero"`
	Reported Stamp      `json:"reported,omitzero"`
}

type wireEnd struct {
	Records int `json:"records"` // lines before this one
}

type wireSpan struct {
	From    Stamp    `json:"f,omitzero"`
	To      Stamp    `json:"t,omitzero"`
	Late    Stamp    `json:"l,omitzero"`
	Name    string   `json:"n,omitempty"`
	Key     int32    `json:"k,omitzero"`
	Backing *Backing `json:"b,omitempty"`
	Addr    string   `json:"a,omitempty"`
	Rules   *Rules   `json:"r,omitempty"`
}

type wireVM struct {
	VM
	NameFrom Stamp      `json:"name_from,omitzero"`
	AddrFrom Stamp      `json:"addr_from,omitzero"`
	Gone     Stamp      `json:"gone,omitzero"`
	NICFrom  []Stamp    `json:"nic_from,omitempty"`
	Names    []wireSpan `json:"names,omitempty"`
	Nets     []wireSpan `json:"nets,omitempty"`
	Addrs    []wireSpan `json:"addrs,omitempty"`
}

type wireSwitch struct {
	Switch
	Since Stamp      `json:"since,omitzero"`
	Past  []wireSpan `json:"past,omitempty"`
}

type wirePortgroup struct {
	Portgroup
	Since Stamp      `json:"since,omitzero"`
	Past  []wireSpan `json:"past,omitempty"`
}

type wireDVPort struct {
	DVPort
	Since Stamp      `json:"since,omitzero"`
	Past  []wireSpan `json:"past,omitempty"`
}

type wireHost struct {
	Host
	Gone       Stamp           `json:"gone,omitzero"`
	Marks      []wireMark      `json:"marks,omitempty"`
	Imports    []Stamp         `json:"imports,omitempty"`
	Switches   []wireSwitch    `json:"switches,omitempty"` // in place of Host's
	Portgroups []wirePortgroup `json:"portgroups,omitempty"`
	Ports      []wirePort      `json:"ports,omitempty"`
	Residents  []wireBinding   `json:"residents,omitempty"`
	Former     []wireBinding   `json:"former,omitempty"`
}

type wireMark struct {
	Source SourceID `json:"s"`
	Since  Stamp    `json:"f"`
	Until  Stamp    `json:"t,omitzero"`
}

type wirePort struct {
	ID     uint32        `json:"id"`
	Open   []wireBinding `json:"open,omitempty"`
	Closed []wireBinding `json:"closed,omitempty"`
	Stated []wireBinding `json:"stated,omitempty"`
}

// wireBinding is a binding, or a residence (with its name in Client).
type wireBinding struct {
	Early     Stamp    `json:"e,omitzero"`
	From      Stamp    `json:"f,omitzero"`
	To        Stamp    `json:"t,omitzero"` // absent: it goes on
	Late      Stamp    `json:"l,omitzero"`
	At        Stamp    `json:"at,omitzero"`
	VM        int      `json:"vm,omitzero"`
	Net       *Net     `json:"net,omitempty"`
	Client    string   `json:"c,omitempty"`
	NIC       int32    `json:"nic,omitzero"`
	MAC       MAC      `json:"mac,omitzero"`
	Kind      Kind     `json:"k,omitzero"`
	Source    SourceID `json:"s"`
	Backdated bool     `json:"b,omitzero"`
}

// open returns the end of what was read: an absent one is Forever.
func wireEndOf(t Stamp) Stamp {
	if t == 0 {
		return Forever
	}
	return t
}

// wireEndFor returns the end to write: Forever is absent.
func wireEndFor(t Stamp) Stamp {
	if t == Forever {
		return 0
	}
	return t
}

func wireVMOf(vm *VM) *wireVM {
	w := &wireVM{VM: *vm, NameFrom: vm.nameFrom, AddrFrom: vm.addrFrom, Gone: vm.gone}
	w.NICFrom = make([]Stamp, len(vm.NICs))
	moved := false
	for i := range vm.NICs {
		w.NICFrom[i] = vm.NICs[i].from
		moved = moved || vm.NICs[i].from != 0
	}
	if !moved {
		w.NICFrom = nil
	}
	if p := vm.past; p != nil {
		for _, s := range p.names {
			w.Names = append(w.Names, wireSpan{From: s.from, To: s.to, Late: s.late, Name: s.name})
		}
		for i := range p.nets {
			s := &p.nets[i]
			w.Nets = append(w.Nets, wireSpan{From: s.from, To: s.to, Late: s.late, Key: s.key, Backing: &s.backing})
		}
		for _, s := range p.addrs {
			w.Addrs = append(w.Addrs, wireSpan{From: s.from, To: s.to, Late: s.late, Addr: netip.AddrFrom16(s.addr).Unmap().String()})
		}
	}
	return w
}

// vm returns the VM that w was written from.
func (w *wireVM) vm() *VM {
	vm := w.VM
	vm.nameFrom, vm.addrFrom, vm.gone = w.NameFrom, w.AddrFrom, w.Gone
	for i := range vm.NICs {
		if i < len(w.NICFrom) {
			vm.NICs[i].from = w.NICFrom[i]
		}
	}
	if len(w.Names)+len(w.Nets)+len(w.Addrs) == 0 {
		return &vm
	}
	p := &vmPast{}
	for _, s := range w.Names {
		p.names = append(p.names, nameSpan{s.From, s.To, s.Late, s.Name})
	}
	for _, s := range w.Nets {
		span := netSpan{from: s.From, to: s.To, late: s.Late, key: s.Key}
		if s.Backing != nil {
			span.backing = *s.Backing
		}
		p.nets = append(p.nets, span)
	}
	for _, s := range w.Addrs {
		if a, err := netip.ParseAddr(s.Addr); err == nil {
			p.addrs = append(p.addrs, addrSpan{s.From, s.To, s.Late, a.As16()})
		}
	}
	vm.past = p
	return &vm
}

func wireRules(past []rulesSpan) (spans []wireSpan) {
	for i := range past {
		s := &past[i]
		spans = append(spans, wireSpan{From: s.from, To: s.to, Late: s.late, Rules: &s.rules})
	}
	return spans
}

func rulesOf(spans []wireSpan) (past []rulesSpan) {
	for _, s := range spans {
		if s.Rules != nil {
			past = append(past, rulesSpan{s.From, s.To, s.Late, *s.Rules})
		}
	}
	return past
}

func wireHostOf(v *hostView, number map[*vmEntry]int) *wireHost {
	w := &wireHost{Host: *v.host, Gone: v.gone, Imports: v.imports}
	for i := range v.host.Switches {
		s := &v.host.Switches[i]
		w.Switches = append(w.Switches, wireSwitch{*s, s.since, wireRules(s.past)})
	}
	for i := range v.host.Portgroups {
		p := &v.host.Portgroups[i]
		w.Portgroups = append(w.Portgroups, wirePortgroup{*p, p.since, wireRules(p.past)})
	}
	for _, m := range v.marks {
		w.Marks = append(w.Marks, wireMark{m.source, m.since, m.until})
	}
	bindings := func(list []binding) (wires []wireBinding) {
		for i := range list {
			b := &list[i]
			wires = append(wires, wireBinding{
				b.early, b.from, wireEndFor(b.to), wireEndFor(b.late), b.at, number[b.vm], b.net, b.client, b.nic, b.mac, b.kind, b.source, b.backdated,
			})
		}
		return wires
	}
	for i := range v.ports {
		p := &v.ports[i]
		w.Ports = append(w.Ports, wirePort{p.id, bindings(p.open), bindings(p.closed), bindings(p.stated)})
	}
	residences := func(list []residence) (wires []wireBinding) {
		for i := range list {
			r := &list[i]
			wires = append(wires, wireBinding{
				Early: r.early, From: r.from, To: wireEndFor(r.to), Late: wireEndFor(r.late), At: r.at,
				VM: number[r.vm], Client: r.name, Source: r.source, Backdated: r.backdated,
			})
		}
		return wires
	}
	w.Residents, w.Former = residences(v.residents), residences(v.former)
	return w
}

// view returns the host's view that w was written from. vms are by number less one.
func (w *wireHost) view(inv *Inventory, vms []*vmEntry) (*hostView, error) {
	host := w.Host
	host.Switches, host.Portgroups = nil, nil
	for i := range w.Switches {
		s := w.Switches[i].Switch
		s.since, s.past = w.Switches[i].Since, rulesOf(w.Switches[i].Past)
		host.Switches = append(host.Switches, s)
	}
	for i := range w.Portgroups {
		p := w.Portgroups[i].Portgroup
		p.since, p.past = w.Portgroups[i].Since, rulesOf(w.Portgroups[i].Past)
		host.Portgroups = append(host.Portgroups, p)
	}
	v := &hostView{host: &host, gone: w.Gone, imports: w.Imports, found: new(found)}
	sources := SourceID(len(*inv.sources.Load()))
	for _, m := range w.Marks {
		if m.Source >= sources {
			return nil, errReference
		}
		v.marks = append(v.marks, mark{m.Source, m.Since, m.Until})
	}
	entry := func(number int, source SourceID) (*vmEntry, error) {
		if number < 0 || number > len(vms) || source >= sources {
			return nil, errReference
		}
		if number == 0 {
			return nil, nil
		}
		return vms[number-1], nil
	}
	bindings := func(wires []wireBinding) (list []binding, err error) {
		for i := range wires {
			b := &wires[i]
			e, err := entry(b.VM, b.Source)
			if err != nil {
				return nil, err
			}
			var n *Net
			if b.Net != nil {
				n = inv.net(*b.Net)
			}
			list = append(list, binding{
				b.Early, b.From, wireEndOf(b.To), wireEndOf(b.Late), b.At, e, n, inv.word(b.Client), b.NIC, b.MAC, b.Kind, b.Source, b.Backdated,
			})
		}
		return list, nil
	}
	last := int64(-1)
	for _, p := range w.Ports {
		if int64(p.ID) <= last {
			return nil, errOrder
		}
		last = int64(p.ID)
		row := portRow{id: p.ID}
		var err [3]error
		row.open, err[0] = bindings(p.Open)
		row.closed, err[1] = bindings(p.Closed)
		row.stated, err[2] = bindings(p.Stated)
		for _, err := range err {
			if err != nil {
				return nil, err
			}
		}
		for i := range row.closed {
			row.late = max(row.late, row.closed[i].late)
		}
		v.ids, v.ports = append(v.ids, p.ID), append(v.ports, row)
	}
	residences := func(wires []wireBinding) (list []residence, err error) {
		for i := range wires {
			b := &wires[i]
			e, err := entry(b.VM, b.Source)
			if err != nil || e == nil {
				return nil, errReference
			}
			list = append(list, residence{e, inv.word(b.Client), b.Early, b.From, wireEndOf(b.To), wireEndOf(b.Late), b.At, b.Source, b.Backdated})
		}
		return list, nil
	}
	var err error
	if v.residents, err = residences(w.Residents); err == nil {
		v.former, err = residences(w.Former)
	}
	return v, err
}
