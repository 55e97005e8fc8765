package enrich

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strings"
	"sync"
)

// Names remembers the names under which senders went, so that one host keeps one name: the first answer sticks, across
// restarts too, until the inventory corrects it once. All enrichers of a process share one. It holds maxSenders names; those
// that were not used for long go first.
type Names struct {
	mu    sync.Mutex
	of    map[nameKey]*sentName
	dirty bool
}

// nameKey is a sender and the first label of the name in its headers, in lower case: one address may send for many, as a
// relay does that nobody listed.
type nameKey struct{ sender, label string }

// sentName is the name that sticks.
type sentName struct {
	name string
	was  string // the name before the inventory corrected it, in this process
	used int64  // receive time
}

// NewNames returns an empty memory.
func NewNames() *Names { return &Names{of: map[nameKey]*sentName{}} }

func keyOfName(sender senderKey, header string) nameKey {
	k := nameKey{sender: strings.ToLower(sender.name), label: strings.ToLower(firstLabel(header))}
	if sender.addr.IsValid() {
		k.sender = sender.addr.String()
	}
	return k
}

// firstLabel returns the host's part of a name; an address has none but itself.
func firstLabel(name string) string {
	if _, err := netip.ParseAddr(name); err == nil {
		return name
	}
	label, _, _ := strings.Cut(name, ".")
	return label
}

// alias reports whether two names are one: the same whatever the case, or one with its domain and one without.
func alias(a, b string) bool {
	return strings.EqualFold(a, b) || strings.EqualFold(firstLabel(a), b) || strings.EqualFold(a, firstLabel(b))
}

// settle returns the name of a sender that the inventory does not know, for the name in its header.
func (n *Names) settle(k nameKey, header string, received int64) string {
	n.mu.Lock()
	defer n.mu.Unlock()
	e := n.of[k]
	switch {
	case e == nil:
		e = n.add(k, strings.Clone(header))
	case e.was == "" && !alias(e.name, header): // another host of that first label, or one the inventory knew
		return header
	}
	e.used = received
	return e.name
}

// correct takes in the name that the inventory has for a sender and reports whether it went by another one before, in this
// process or the one that kept it.
func (n *Names) correct(k nameKey, name string, received int64) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	e := n.of[k]
	if e == nil {
		e = n.add(k, name)
	}
	e.used = received
	if e.name != name {
		e.was, e.name, n.dirty = e.name, name, true
	}
	return e.was != "" && !strings.EqualFold(e.was, e.name)
}

// told are the senders whose correction an enricher has told.
type told struct {
	mu sync.Mutex
	of map[nameKey]struct{}
}

// first reports whether k was not told yet, and notes that it is now.
func (t *told) first(k nameKey) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, ok := t.of[k]; ok {
		return false
	}
	if len(t.of) >= maxSenders {
		clear(t.of)
	}
	t.of[nameKey{strings.Clone(k.sender), strings.Clone(k.label)}] = struct{}{} // likewise
	return true
}

// add makes room for a name and keeps it. Of a few drawn by chance the one that was used longest ago goes.
func (n *Names) add(k nameKey, name string) *sentName {
	if len(n.of) >= maxSenders {
		var oldest nameKey
		used, looked := int64(0), 0
		for key, e := range n.of {
			if looked == 0 || e.used < used {
				oldest, used = key, e.used
			}
			if looked++; looked == 16 {
				break
			}
		}
		delete(n.of, oldest)
	}
	e := &sentName{name: name}
	n.of[nameKey{strings.Clone(k.sender), strings.Clone(k.label)}] = e // they may be pieces of the line
	n.dirty = true
	return e
}

// namesVersion is the version of the file that Write writes.
const namesVersion = 1

// namesFile is what outlives the process.
type namesFile struct {
	Version int         `json:"version"`
	Names   []namedSent `json:"names"`
}

type namedSent struct {
	Sender string `json:"sender"`
	Label  string `json:"label"`
	Name   string `json:"name"`
	Used   int64  `json:"used"`
}

var errNames = errors.New("not the names of senders, or of a newer version")

// Write writes all names to what w opens, if there is anything new since the last time.
func (n *Names) Write(w func(func(io.Writer) error) error) error {
	n.mu.Lock()
	if !n.dirty {
		n.mu.Unlock()
		return nil
	}
	f := namesFile{Version: namesVersion, Names: make([]namedSent, 0, len(n.of))}
	for k, e := range n.of {
		f.Names = append(f.Names, namedSent{k.sender, k.label, e.name, e.used})
	}
	n.dirty = false
	n.mu.Unlock()
	err := w(func(out io.Writer) error { return json.NewEncoder(out).Encode(f) })
	if err != nil {
		n.mu.Lock()
		n.dirty = true
		n.mu.Unlock()
	}
	return err
}

// ReadNames returns what Write wrote.
func ReadNames(r io.Reader) (*Names, error) {
	var f namesFile
	if err := json.NewDecoder(io.LimitReader(r, 64<<20)).Decode(&f); err != nil {
		return nil, fmt.Errorf("read the names of senders: %w", err)
	}
	if f.Version != namesVersion {
		return nil, fmt.Errorf("read the names of senders: version %d: %w", f.Version, errNames)
	}
	n := NewNames()
	for _, s := range f.Names {
		if len(n.of) < maxSenders && s.Name != "" {
			n.of[nameKey{s.Sender, s.Label}] = &sentName{name: s.Name, used: s.Used}
		}
	}
	return n, nil
}
