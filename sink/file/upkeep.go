package file

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

const (
	upkeepInterval = 30 * time.Second // how often Run looks when no rotation wakes it
	gzipStep       = 1 << 20          // bytes compressed between two looks at the context
)

// Run does what must not hold up a Write, until ctx ends: it rotates a file that became old while
// nothing was written, compresses older files and removes those beyond keep. It returns nil; what
// went wrong is told by Upkeep and tried again.
func (s *Sink) Run(ctx context.Context) error {
	t := time.NewTicker(upkeepInterval)
	defer t.Stop()
	for {
		err := s.tidy(ctx)
		if ctx.Err() != nil {
			return nil
		}
		s.upkeep.Store(&err)
		select {
		case <-ctx.Done():
			return nil
		case <-t.C:
		case <-s.wake:
		}
	}
}

// Upkeep returns what Run last met, nil while all is well.
func (s *Sink) Upkeep() error {
	if err := s.upkeep.Load(); err != nil {
		return *err
	}
	return nil
}

func (s *Sink) tidy(ctx context.Context) error {
	s.mu.Lock()
	if s.device != nil {
		s.mu.Unlock()
		return nil
	}
	var err error
	if s.old() {
		err = s.rotate()
	}
	s.mu.Unlock()
	if s.cfg.Rotate.Gzip {
		err = errors.Join(err, s.compressOlder(ctx))
	}
	return errors.Join(err, s.prune())
}

// compressOlder compresses every rotated file but the newest. What a crash left half done is done
// again or cleared away.
func (s *Sink) compressOlder(ctx context.Context) error {
	files, err := s.older()
	if err != nil {
		return fmt.Errorf("list older files: %w", err)
	}
	var errs []error
	for i, f := range files {
		switch {
		case f.plain && f.gz: // the compressed one got its name when it was whole and on disk
			errs = append(errs, s.remove(f.name))
		case f.plain && i < len(files)-1:
			errs = append(errs, s.compress(ctx, f.name))
		case f.unmade:
			errs = append(errs, s.remove(f.name+tempSuffix))
		}
		if ctx.Err() != nil {
			break
		}
	}
	return errors.Join(errs...)
}

// compress replaces the file by name.gz. At every moment one of the two is there, whole.
func (s *Sink) compress(ctx context.Context, name string) error {
	temp := name + tempSuffix
	if err := s.writeGzip(ctx, name, temp); err != nil {
		_ = s.remove(temp) // the cause is told; what stays is cleared away next time
		return fmt.Errorf("compress %s: %w", name, err)
	}
	if err := s.fsys.Rename(temp, name+gzSuffix); err != nil {
		return fmt.Errorf("compress: %w", err)
	}
	if err := s.fsys.SyncDir(filepath.Dir(name)); err != nil {
		return fmt.Errorf("compress %s: %w", name, err)
	}
	return s.remove(name)
}

func (s *Sink) writeGzip(ctx context.Context, name, temp string) (err error) {
	src, err := s.fsys.OpenFile(name, os.O_RDONLY, 0)
	if err != nil {
		return err
	}
	defer func() { _ = src.Close() }() // only read
	info, err := src.Stat()
	if err != nil {
		return err
	}
	dst, err := s.fsys.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, fileMode)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, dst.Close()) }()
	_ = dst.Chmod(fileMode) // some file systems have no modes
	z := gzip.NewWriter(dst)
	z.ModTime = info.ModTime()
	for left := info.Size(); left > 0; left -= gzipStep {
		if err := ctx.Err(); err != nil {
			return err
		}
		if _, err := io.Copy(z, io.NewSectionReader(src, info.Size()-left, min(left, gzipStep))); err != nil {
			return err
		}
	}
	if err := z.Close(); err != nil {
		return err
	}
	return dst.Sync()
}
