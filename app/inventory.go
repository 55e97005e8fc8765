package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"vswarden/configs"
	"vswarden/enrich"
	"vswarden/inventory"
	"vswarden/replace"
	"vswarden/spool"
)

// feeder keeps the inventory in step with one source until ctx ends. What it cannot reach it tries again by
// itself; an error of Run means that it can never go on, and ends the program.
type feeder interface {
	// Name is the source's, as in messages and metrics.
	Name() string
	Run(ctx context.Context) error
	// Synced reports whether its first complete report is in the inventory.
	Synced() bool
	// Trouble says why the source does not tell anything at the moment; empty while it does.
	Trouble() string
}

// awaitFeeders holds deliveries back until every feeder has told all it knows once, at most for so long; the
// log holds the lines. Without feeders it returns at once.
func awaitFeeders(ctx context.Context, feeders []feeder, most time.Duration) (late []string) {
	end := time.NewTimer(most)
	defer end.Stop()
	look := time.NewTicker(100 * time.Millisecond)
	defer look.Stop()
	for {
		late = late[:0]
		for _, f := range feeders {
			if !f.Synced() {
				late = append(late, f.Name())
			}
		}
		if len(late) == 0 {
			return nil
		}
		select {
		case <-look.C:
		case <-end.C:
			return late
		case <-ctx.Done():
			return nil
		}
	}
}

// awaitInventory holds deliveries back at start, as enrich.start_wait says.
func (p *parts) awaitInventory(ctx context.Context) {
	for _, name := range awaitFeeders(ctx, p.feeders, p.cfg.Enrich.StartWait) {
		p.log.Warn().Str("source", name).Dur("waited_ms", p.cfg.Enrich.StartWait).Msg("the inventory's source has not told all yet; events go out with what is known, marked so")
	}
}

// staleSources names the feeders whose source does not tell anything now. Events go on without it, so it is no failure.
func (p *parts) staleSources() (stale []string) {
	for _, f := range p.feeders {
		if why := f.Trouble(); why != "" {
			stale = append(stale, "inventory "+f.Name()+": "+why)
		}
	}
	return stale
}

// inventoryDir is where the snapshot lies, and the lock of the process that writes it.
func inventoryDir(dataDir string) string { return filepath.Join(dataDir, "inventory") }

func snapshotPath(dataDir string) string { return filepath.Join(inventoryDir(dataDir), "snapshot") }

// inventoryConfig is the inventory's part of a configuration.
func inventoryConfig(cfg configs.Config) inventory.Config {
	c := cfg.Inventory
	c.Guard = cfg.Enrich.Guard
	return c
}

// memory is the inventory with the snapshot in which it outlives the process.
type memory struct {
	inv   *inventory.Inventory
	names *enrich.Names // of senders, which outlive the process too
	path  string
	// namesPath is where the names lie.
	namesPath string
	interval  time.Duration
	now       func() time.Time
	log       zerolog.Logger
	lock      io.Closer

	saved    atomic.Int64 // Stamp of the last snapshot, of this process or of the one before; 0 = none
	failures atomic.Uint64
}

// lockInventory makes dir and takes its lock: *spool.InUseError when another process has it.
func lockInventory(dataDir string) (io.Closer, error) {
	if err := os.MkdirAll(inventoryDir(dataDir), 0o700); err != nil {
		return nil, fmt.Errorf("make the directory of the inventory: %w", err)
	}
	return spool.OSFS{}.Lock(filepath.Join(inventoryDir(dataDir), "lock"))
}

// openMemory takes the lock and reads the snapshot, if there is one. One that cannot be read is set aside and the
// inventory begins empty; one of a newer program is *inventory.NewerError.
func openMemory(cfg configs.Config, now func() time.Time, log zerolog.Logger) (*memory, error) {
	lock, err := lockInventory(cfg.DataDir)
	if err != nil {
		return nil, err
	}
	m := &memory{path: snapshotPath(cfg.DataDir), namesPath: namesPath(cfg.DataDir), interval: cfg.Inventory.SnapshotInterval, now: now, log: log, lock: lock}
	err = m.load(inventoryConfig(cfg))
	if err == nil {
		err = m.loadNames()
	}
	if err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return m, nil
}

func (m *memory) load(cfg inventory.Config) error {
	inv, written, err := inventory.LoadFile(m.path, cfg)
	var damaged *inventory.DamagedError
	switch {
	case err == nil:
		m.inv = inv
		m.saved.Store(int64(written))
		return nil
	case errors.Is(err, os.ErrNotExist):
	case errors.As(err, &damaged):
		if err := m.setAside(m.path, err, "the snapshot of the inventory is damaged and was set aside; the inventory begins empty"); err != nil {
			return err
		}
	default:
		return err
	}
	m.inv = inventory.New(cfg)
	return nil
}

// setAside renames a file that cannot be read and says so.
func (m *memory) setAside(path string, why error, message string) error {
	return setAside(path, why, message, m.now(), m.log)
}

func setAside(path string, why error, message string, now time.Time, log zerolog.Logger) error {
	aside := path + ".damaged-" + now.UTC().Format("20060102T150405Z")
	if err := os.Rename(path, aside); err != nil {
		return fmt.Errorf("set a damaged file aside: %w", err)
	}
	log.Error().Str("file", aside).Str("error", why.Error()).Msg(message)
	return nil
}

func namesPath(dataDir string) string { return filepath.Join(inventoryDir(dataDir), "names") }

// readNames reads the names under which senders went; none where there is no file.
func readNames(path string) (*enrich.Names, error) {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return enrich.NewNames(), nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the names of senders: %w", err)
	}
	defer func() { _ = f.Close() }() // opened for reading: nothing can be lost
	return enrich.ReadNames(f)
}

// loadNames reads the names under which senders went. A file that cannot be read is set aside.
func (m *memory) loadNames() (err error) {
	if m.names, err = readNames(m.namesPath); err == nil {
		return nil
	}
	m.names = enrich.NewNames()
	return m.setAside(m.namesPath, err, "the names of senders cannot be read and were set aside; hosts that no inventory knows may get another name")
}

// Run keeps the inventory in order and writes its snapshot every now and then, until ctx ends.
func (m *memory) Run(ctx context.Context) {
	var order sync.WaitGroup
	order.Go(func() { m.inv.Run(ctx) })
	defer order.Wait()
	if m.interval == 0 {
		return
	}
	tick := time.NewTicker(m.interval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if err := m.save(); err != nil {
				m.log.Error().Err(err).Msg("the inventory was not saved; it is tried again after inventory.snapshot_interval")
			}
		}
	}
}

// save writes what is to outlive the process.
func (m *memory) save() error {
	return errors.Join(m.saveSnapshot(), m.names.Write(func(write func(io.Writer) error) error { return replace.File(m.namesPath, write) }))
}

// saveSnapshot writes the snapshot. An inventory that nobody told of anything leaves no file.
func (m *memory) saveSnapshot() error {
	if m.inv.Stats().Hosts == 0 && m.saved.Load() == 0 {
		return nil
	}
	now := inventory.StampOf(m.now())
	if err := m.inv.SaveFile(m.path, now); err != nil {
		m.failures.Add(1)
		return err
	}
	m.saved.Store(int64(now))
	return nil
}

// close gives the lock back.
func (m *memory) close() error { return m.lock.Close() }
