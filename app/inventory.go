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
	"vswarden/inventory"
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
	inv      *inventory.Inventory
	path     string
	interval time.Duration
	now      func() time.Time
	log      zerolog.Logger
	lock     io.Closer

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
	m := &memory{path: snapshotPath(cfg.DataDir), interval: cfg.Inventory.SnapshotInterval, now: now, log: log, lock: lock}
	if err := m.load(inventoryConfig(cfg)); err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return m, nil
}

func (m *memory) load(cfg inventory.Config) error {
	torn, _ := filepath.Glob(m.path + ".*.tmp") // the pattern is good
	for _, name := range torn {                 // of a process that was killed while it wrote
		if err := os.Remove(name); err != nil {
			return fmt.Errorf("remove a snapshot that was never finished: %w", err)
		}
	}
	inv, written, err := inventory.LoadFile(m.path, cfg)
	var damaged *inventory.DamagedError
	switch {
	case err == nil:
		m.inv = inv
		m.saved.Store(int64(written))
		return nil
	case errors.Is(err, os.ErrNotExist):
	case errors.As(err, &damaged):
		aside := m.path + ".damaged-" + m.now().UTC().Format("20060102T150405Z")
		if err := os.Rename(m.path, aside); err != nil {
			return fmt.Errorf("set a damaged snapshot aside: %w", err)
		}
		m.log.Error().Str("file", aside).Str("error", err.Error()).Msg("the snapshot of the inventory is damaged and was set aside; the inventory begins empty")
	default:
		return err
	}
	m.inv = inventory.New(cfg)
	return nil
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

// save writes the snapshot. An inventory that nobody told of anything leaves no file.
func (m *memory) save() error {
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
