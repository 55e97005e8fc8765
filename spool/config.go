package spool

import (
	"fmt"
	"time"

	"vswarden/setting"
)

// SyncMode says when appended records are synced to the disk.
type SyncMode string

// The modes of log.sync.
const (
	SyncInterval SyncMode = "interval" // every SyncInterval while there is something new
	SyncAlways   SyncMode = "always"   // as interval, and callers wait with WaitSynced
	SyncNever    SyncMode = "never"    // written every SyncInterval, synced only by CloseWrite
)

// FullMode says what intake does when the log is full. The log itself only says ErrFull.
type FullMode string

// The modes of log.full.
const (
	FullBlock      FullMode = "block"
	FullDropNewest FullMode = "drop_newest"
)

// BodyMode says where the log lies.
type BodyMode string

// The modes of log.body. The caller of Open picks the file system: OSFS or MemFS.
const (
	BodyDisk   BodyMode = "disk"
	BodyMemory BodyMode = "memory"
)

// Config is the section log: of the configuration.
type Config struct {
	// Sync says when records are synced: interval, always or never.
	Sync SyncMode `yaml:"sync"`
	// SyncInterval is the longest a record waits to be written and, but for sync: never, synced.
	SyncInterval time.Duration `yaml:"sync_interval"`
	// MaxSize bounds the bytes of the log on disk.
	MaxSize setting.Bytes `yaml:"max_size"`
	// MinFree is what the log leaves free on its file system.
	MinFree setting.Bytes `yaml:"min_free"`
	// Full says what happens to new records when the log is full: block or drop_newest.
	Full FullMode `yaml:"full"`
	// Retain is what is kept for replay once every sink has it.
	Retain Retain `yaml:"retain"`
	// Body is where the log lies: disk or memory.
	Body BodyMode `yaml:"body"`
}

// Retain bounds the delivered records that are kept; whichever bound comes first. 0 keeps nothing.
type Retain struct {
	// Age is counted in running time of the log, so that a jump of the clock deletes nothing.
	Age time.Duration `yaml:"age"`
	// Size is the bytes of delivered records.
	Size setting.Bytes `yaml:"size"`
}

// DefaultConfig returns the configuration of a log that nobody configured.
func DefaultConfig() Config {
	return Config{
		Sync:         SyncInterval,
		SyncInterval: 20 * time.Millisecond,
		MaxSize:      10 * setting.GiB,
		MinFree:      1 * setting.GiB,
		Full:         FullBlock,
		Retain:       Retain{Age: 24 * time.Hour, Size: 1 * setting.GiB},
		Body:         BodyDisk,
	}
}

// minMaxSize is the smallest log that still has room for several segments of whole batches.
const minMaxSize = 4 * setting.MiB

// Validate returns all faults of c.
func (c Config) Validate() []setting.Fault {
	var faults []setting.Fault
	fault := func(path, value, problem string) {
		faults = append(faults, setting.Fault{Path: path, Value: value, Problem: problem})
	}
	switch c.Sync {
	case SyncInterval, SyncAlways, SyncNever:
	default:
		fault("sync", string(c.Sync), "is not a mode; write interval, always or never")
	}
	if c.SyncInterval < time.Millisecond || c.SyncInterval > time.Minute {
		fault("sync_interval", c.SyncInterval.String(), "is out of range; write 1ms to 1m, such as 20ms")
	}
	if c.MaxSize < minMaxSize {
		fault("max_size", c.MaxSize.String(), fmt.Sprintf("is too small for a log; write at least %v", minMaxSize))
	}
	if c.MinFree < 0 {
		fault("min_free", c.MinFree.String(), "is negative; write 0 or a size such as 1GiB")
	}
	switch c.Full {
	case FullBlock, FullDropNewest:
	default:
		fault("full", string(c.Full), "is not a mode; write block or drop_newest")
	}
	if c.Retain.Age < 0 {
		fault("retain.age", c.Retain.Age.String(), "is negative; write 0 to keep nothing or a time such as 24h")
	}
	if c.Retain.Size < 0 {
		fault("retain.size", c.Retain.Size.String(), "is negative; write 0 to keep nothing or a size such as 1GiB")
	}
	switch c.Body {
	case BodyDisk, BodyMemory:
	default:
		fault("body", string(c.Body), "is not a place; write disk or memory")
	}
	return faults
}
