package app

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"vswarden/configs"
	"vswarden/inventory"
	"vswarden/inventory/resolve"
)

// ErrNoInventory says that a data directory has no snapshot of an inventory.
var ErrNoInventory = errors.New("no inventory yet: nothing was imported, and no vswarden that ran there was told of any host")

// InventoryOptions is what the commands port and inventory are told.
type InventoryOptions struct {
	Config configs.Config // its data directory is asked
	Host   string         // name, address or UUID; empty: all, or what the text says
	At     time.Time      // zero: the last moment that is known in full; of an import: now
	JSON   bool           // else a table
	Stdout io.Writer
	Now    func() time.Time // the clock
}

// snapshot is an inventory as a process left it, or writes it now and then.
type snapshot struct {
	inv     *inventory.Inventory
	written inventory.Stamp
	now     inventory.Stamp
	guard   time.Duration
}

// readSnapshot reads beside a running process. Where there is none yet it is ErrNoInventory and an empty inventory.
func readSnapshot(o InventoryOptions) (*snapshot, error) {
	s := &snapshot{now: inventory.StampOf(o.Now()), guard: o.Config.Enrich.Guard}
	var err error
	s.inv, s.written, err = inventory.LoadFile(snapshotPath(o.Config.DataDir), inventoryConfig(o.Config))
	if errors.Is(err, os.ErrNotExist) {
		s.inv = inventory.New(inventoryConfig(o.Config))
		return s, fmt.Errorf("%s: %w", o.Config.DataDir, ErrNoInventory)
	}
	if damaged := (*inventory.DamagedError)(nil); errors.As(err, &damaged) {
		return s, fmt.Errorf("%w; the next vswarden run sets it aside and begins empty", err)
	}
	return s, err
}

// moment is the moment an answer is of where the user names none: now, or for a host whose vCenter has been silent since (as it
// always is for a snapshot) the last one of which all is known.
func (s *snapshot) moment(h *inventory.HostTable) inventory.Stamp {
	if h != nil {
		if told := h.Told(s.now); told != 0 {
			return min(s.now, told.Add(-s.guard))
		}
	}
	return s.now
}

// Port answers who had a port. sure is false where the answer is not known, or not for certain.
func Port(o InventoryOptions, id, client string) (sure bool, err error) {
	if _, err := resolve.ParsePort(id); err != nil {
		return false, &TextError{id, err}
	}
	s, err := readSnapshot(o)
	if err != nil && !errors.Is(err, ErrNoInventory) {
		return false, err
	}
	q := resolve.PortQuery{Host: o.Host, Port: id, Client: client, At: inventory.StampOf(o.At), Now: s.now, Guard: s.guard}
	if q.At == 0 {
		q.At = s.moment(s.inv.Host(o.Host))
	}
	answer, askErr := resolve.AnswerPort(s.inv, &q)
	if askErr != nil {
		answer = resolve.UnknownHost(&q, errors.Join(askErr, err))
	}
	if o.JSON {
		return answer.Sure(), writeJSON(o.Stdout, answer)
	}
	return answer.Sure(), writeTable(o.Stdout, portTable(answer, s.written))
}

// ShowInventory prints where the knowledge comes from, how old it is and how much there is; of a host all there is.
func ShowInventory(o InventoryOptions) error {
	s, err := readSnapshot(o)
	if err != nil {
		return err
	}
	if o.Host == "" && o.At.IsZero() {
		summary := resolve.Show(s.inv, s.written, s.now)
		if o.JSON {
			return writeJSON(o.Stdout, summary)
		}
		return writeTable(o.Stdout, summaryTable(summary))
	}
	x, err := s.export(o)
	if err != nil {
		return err
	}
	if o.JSON {
		return writeJSON(o.Stdout, x)
	}
	return writeTable(o.Stdout, hostTable(x, s))
}

// ExportInventory writes what is known as JSON that import reads.
func ExportInventory(o InventoryOptions) error {
	s, err := readSnapshot(o)
	if err != nil {
		return err
	}
	x, err := s.export(o)
	if err != nil {
		return err
	}
	return writeJSON(o.Stdout, x)
}

// export is what is known of a host, or of all, as of a moment.
func (s *snapshot) export(o InventoryOptions) (*inventory.Export, error) {
	var hosts []*inventory.HostTable
	at := inventory.StampOf(o.At)
	if o.Host != "" {
		h := s.inv.Host(o.Host)
		if h == nil {
			return nil, fmt.Errorf("host %q: %w", o.Host, resolve.ErrHost)
		}
		hosts = []*inventory.HostTable{h}
	}
	if at == 0 {
		at = s.now
	}
	return s.inv.Export(hosts, at, s.now), nil
}

// writeJSON writes v for people and programs: what a terminal could obey is escaped, and commands can be copied (&, not \u0026).
func writeJSON(w io.Writer, v any) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		return fmt.Errorf("write JSON: %w", err)
	}
	_, err := w.Write(escapeControl(b.Bytes()))
	return err
}
