package inventory

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"vswarden/replace"
)

// A snapshot is all an inventory knows, so that history outlives the process and a start without
// vCenter is not blind:
//
//	vswarden-inventory 1\n       plain text: which version wrote it
//	gzip of lines of JSON:
//	  {"head":…}                 who told, and up to when
//	  {"vm":…} {"switch":…} {"portgroup":…} {"dvport":…} {"host":…}
//	  {"end":{"records":n}}      the number of lines before it

// SnapshotVersion is the version of the format that this program writes, and the newest it reads.
const SnapshotVersion = 1

const (
	snapshotMagic = "vswarden-inventory "
	// maxSnapshot bounds what is read from a snapshot once it is unpacked, maxRecord one line of it.
	maxSnapshot = 4 << 30
	maxRecord   = 256 << 20
)

var (
	errMagic     = errors.New("not a snapshot of the inventory")
	errEnd       = errors.New("the end is missing")
	errCount     = errors.New("lines are missing")
	errRecord    = errors.New("a line that is none of the known ones")
	errReference = errors.New("a reference to something that is not there")
	errOrder     = errors.New("ports out of order")
)

// NewerError says that a snapshot was written by a newer program.
type NewerError struct{ Version int }

// Error names the version.
func (e *NewerError) Error() string {
	return fmt.Sprintf("the snapshot has version %d, this program reads up to %d", e.Version, SnapshotVersion)
}

// DamagedError says that a snapshot cannot be read. Nothing of it was taken.
type DamagedError struct{ Cause error }

// Error says what was found.
func (e *DamagedError) Error() string { return "the snapshot is damaged: " + e.Cause.Error() }

// Unwrap returns what was found.
func (e *DamagedError) Unwrap() error { return e.Cause }

type record struct {
	Head      *wireHead      `json:"head,omitempty"`
	VM        *wireVM        `json:"vm,omitempty"`
	Switch    *wireSwitch    `json:"switch,omitempty"`
	Portgroup *wirePortgroup `json:"portgroup,omitempty"`
	DVPort    *wireDVPort    `json:"dvport,omitempty"`
	Host      *wireHost      `json:"host,omitempty"`
	End       *wireEnd       `json:"end,omitempty"`
}

// moment is an inventory as of one moment: versions that are never changed.
type moment struct {
	head    wireHead
	network *network
	entries []*vmEntry
	vms     []*VM
	views   []*hostView
}

// moment takes the inventory as it is. Writers wait only for this, not for the file.
func (inv *Inventory) moment(now Stamp) *moment {
	inv.mu.Lock()
	defer inv.mu.Unlock()
	m := &moment{
		head:    wireHead{Written: now, Horizon: inv.Horizon(), VCenters: (*inv.vcenters.Load())[1:]},
		network: inv.nets.Load(),
	}
	for _, s := range *inv.sources.Load() {
		m.head.Sources = append(m.head.Sources, wireSource{s.name, s.kind, s.vc, Stamp(s.reported.Load())})
	}
	number := make(map[*vmEntry]bool, len(inv.vms))
	add := func(e *vmEntry) {
		if e != nil && !number[e] {
			number[e] = true
			m.entries, m.vms = append(m.entries, e), append(m.vms, e.cur.Load())
		}
	}
	for _, e := range inv.vms {
		add(e)
	}
	for _, h := range inv.hosts {
		v := h.cur.Load()
		m.views = append(m.views, v)
		for i := range v.ports { // an import may speak of a VM that is long gone
			for j := range v.ports[i].stated {
				add(v.ports[i].stated[j].vm)
			}
		}
	}
	return m
}

// WriteSnapshot writes all the inventory knows.
func (inv *Inventory) WriteSnapshot(w io.Writer, now Stamp) error {
	if _, err := fmt.Fprintf(w, "%s%d\n", snapshotMagic, SnapshotVersion); err != nil {
		return err
	}
	zip, _ := gzip.NewWriterLevel(w, gzip.BestSpeed) // the level is valid
	buf := bufio.NewWriterSize(zip, 64<<10)
	if err := inv.moment(now).write(json.NewEncoder(buf)); err != nil {
		return err
	}
	if err := buf.Flush(); err != nil {
		return err
	}
	return zip.Close()
}

func (m *moment) write(enc *json.Encoder) error {
	n := 0
	put := func(r record) error {
		n++
		return enc.Encode(&r)
	}
	if err := put(record{Head: &m.head}); err != nil {
		return err
	}
	number := make(map[*vmEntry]int, len(m.entries))
	for i, e := range m.entries {
		number[e] = i + 1
		if err := put(record{VM: wireVMOf(m.vms[i])}); err != nil {
			return err
		}
	}
	for _, s := range m.network.switches {
		if err := put(record{Switch: &wireSwitch{*s, s.since, wireRules(s.past)}}); err != nil {
			return err
		}
	}
	for _, p := range m.network.portgroups {
		if err := put(record{Portgroup: &wirePortgroup{*p, p.since, wireRules(p.past)}}); err != nil {
			return err
		}
	}
	for _, table := range m.network.ports {
		for _, p := range table {
			if err := put(record{DVPort: &wireDVPort{*p, p.since, wireRules(p.past)}}); err != nil {
				return err
			}
		}
	}
	for _, v := range m.views {
		if err := put(record{Host: wireHostOf(v, number)}); err != nil {
			return err
		}
	}
	return enc.Encode(&record{End: &wireEnd{Records: n}})
}

// ReadSnapshot returns the inventory that a snapshot holds, and when it was written. It is whole or not
// returned: a newer version is a *NewerError, anything that cannot be read a *DamagedError.
func ReadSnapshot(r io.Reader, cfg Config) (*Inventory, Stamp, error) {
	in := bufio.NewReader(r)
	first, err := in.ReadSlice('\n')
	if err != nil || !strings.HasPrefix(string(first), snapshotMagic) {
		return nil, 0, &DamagedError{errMagic}
	}
	version, err := strconv.Atoi(strings.TrimSpace(string(first[len(snapshotMagic):])))
	switch {
	case err != nil:
		return nil, 0, &DamagedError{errMagic}
	case version > SnapshotVersion:
		return nil, 0, &NewerError{version}
	}
	zip, err := gzip.NewReader(in)
	if err != nil {
		return nil, 0, &DamagedError{err}
	}
	l := &loading{inv: New(cfg)}
	lines := bufio.NewScanner(io.LimitReader(zip, maxSnapshot))
	lines.Buffer(make([]byte, 64<<10), maxRecord)
	for lines.Scan() {
		if err := l.record(lines.Bytes()); err != nil {
			return nil, 0, &DamagedError{fmt.Errorf("line %d: %w", l.lines+1, err)}
		}
		l.lines++
	}
	if err := lines.Err(); err != nil {
		return nil, 0, &DamagedError{err}
	}
	if !l.ended {
		return nil, 0, &DamagedError{errEnd}
	}
	return l.finish(), l.written, nil
}

// loading is a snapshot on its way into a new inventory.
type loading struct {
	inv     *Inventory
	net     network
	vms     []*vmEntry
	lines   int
	written Stamp
	ended   bool
}

func (l *loading) record(line []byte) error {
	var r record
	if err := json.Unmarshal(line, &r); err != nil {
		return err
	}
	switch {
	case l.ended:
		return errRecord
	case (l.lines == 0) != (r.Head != nil):
		return errRecord
	case r.Head != nil:
		l.head(r.Head)
	case r.VM != nil:
		l.vm(r.VM)
	case r.Switch != nil:
		s := r.Switch.Switch
		s.since, s.past = r.Switch.Since, rulesOf(r.Switch.Past)
		l.net.switches[s.Ref] = &s
	case r.Portgroup != nil:
		p := r.Portgroup.Portgroup
		p.since, p.past = r.Portgroup.Since, rulesOf(r.Portgroup.Past)
		l.net.portgroups[p.Ref] = &p
	case r.DVPort != nil:
		p := r.DVPort.DVPort
		p.since, p.past = r.DVPort.Since, rulesOf(r.DVPort.Past)
		if l.net.ports[p.Switch] == nil {
			l.net.ports[p.Switch] = map[string]*DVPort{}
		}
		l.net.ports[p.Switch][p.Key] = &p
	case r.Host != nil:
		return l.host(r.Host)
	case r.End != nil:
		if r.End.Records != l.lines {
			return errCount
		}
		l.ended = true
	default:
		return errRecord
	}
	return nil
}

func (l *loading) head(h *wireHead) {
	l.written = h.Written
	l.inv.horizon.Store(int64(h.Horizon))
	vcenters := append([]VCenter{{}}, h.VCenters...)
	l.inv.vcenters.Store(&vcenters)
	var sources []*source
	for _, s := range h.Sources {
		src := &source{name: s.Name, kind: s.Kind, vc: s.VC}
		src.reported.Store(int64(s.Reported))
		sources = append(sources, src)
	}
	l.inv.sources.Store(&sources)
	l.net = network{switches: map[Ref]*Switch{}, portgroups: map[Ref]*Portgroup{}, ports: map[Ref]map[string]*DVPort{}}
}

func (l *loading) vm(w *wireVM) {
	vm := w.vm()
	a := &applying{inv: l.inv}
	a.shareVM(vm)
	e := &vmEntry{}
	e.cur.Store(vm)
	l.vms = append(l.vms, e)
	l.inv.vms[vm.Ref] = e
}

func (l *loading) host(w *wireHost) error {
	v, err := w.view(l.inv, l.vms)
	if err != nil {
		return err
	}
	a := &applying{inv: l.inv}
	a.shareHost(v.host)
	h := &HostTable{ref: v.host.Ref, inv: l.inv}
	h.cur.Store(v)
	l.inv.hosts[h.ref] = h
	for i := range v.residents {
		if r := &v.residents[i]; r.at == 0 {
			r.vm.home = h
		}
	}
	return nil
}

func (l *loading) finish() *Inventory {
	inv := l.inv
	inv.nets.Store(&l.net)
	inv.closed = inv.countClosed()
	inv.rebuild(0)
	return inv
}

// SaveFile puts a snapshot in path's place, whole or not at all, readable by its owner only.
func (inv *Inventory) SaveFile(path string, now Stamp) error {
	return replace.File(path, func(w io.Writer) error { return inv.WriteSnapshot(w, now) })
}

// LoadFile reads a snapshot that SaveFile wrote. A file that is not there is os.ErrNotExist.
func LoadFile(path string, cfg Config) (*Inventory, Stamp, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, 0, fmt.Errorf("read snapshot: %w", err)
	}
	defer f.Close() //nolint:errcheck // opened for reading
	inv, written, err := ReadSnapshot(f, cfg)
	if err != nil {
		return nil, 0, fmt.Errorf("read snapshot %s: %w", path, err)
	}
	return inv, written, nil
}
