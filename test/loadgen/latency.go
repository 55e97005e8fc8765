package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"math/bits"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// sendTimes holds when each line of one sender was sent, by its place in the sequence.
type sendTimes struct {
	mu    sync.Mutex
	first uint64
	unix  []int64 // nanoseconds; 0 = its appearance has been noted
}

func (t *sendTimes) add(now time.Time) {
	t.mu.Lock()
	t.unix = append(t.unix, now.UnixNano())
	t.mu.Unlock()
}

// take returns when a line was sent, once.
func (t *sendTimes) take(number uint64) (unix int64, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	i := number - t.first
	if i >= uint64(len(t.unix)) || t.unix[i] == 0 {
		return 0, false
	}
	unix, t.unix[i] = t.unix[i], 0
	return unix, true
}

// latencyReport is the part of the report that -latency adds. Times are in milliseconds from just
// before a line was handed to the kernel until a look at the file showed it.
type latencyReport struct {
	Seen   uint64  `json:"seen"`
	Unseen uint64  `json:"unseen"`
	P50    float64 `json:"p50_ms"`
	P90    float64 `json:"p90_ms"`
	P99    float64 `json:"p99_ms"`
	P999   float64 `json:"p999_ms"`
	Max    float64 `json:"max_ms"`
}

// pollEvery is how often the file is looked at when nothing new is there.
const pollEvery = 500 * time.Microsecond

// watcher follows the collector's output file, through rotations by rename and create.
type watcher struct {
	path    string
	file    *os.File // nil: not there yet
	rest    []byte   // the unfinished last line
	buf     []byte
	senders map[int]*sendTimes
	seen    atomic.Uint64
	hist    histogram
	err     error
}

// newWatcher begins at the end of the file as it is now.
func newWatcher(path string, streams []*stream) (*watcher, error) {
	w := &watcher{path: path, buf: make([]byte, 1<<20), senders: map[int]*sendTimes{}}
	for _, s := range streams {
		for i := range s.hosts {
			h := &s.hosts[i]
			h.times = &sendTimes{first: h.first}
			w.senders[h.number] = h.times
		}
	}
	if err := w.open(); err != nil {
		return nil, err
	}
	if w.file != nil {
		if _, err := w.file.Seek(0, io.SeekEnd); err != nil {
			return nil, fmt.Errorf("seek output: %w", err)
		}
	}
	return w, nil
}

func (w *watcher) open() error {
	f, err := os.Open(w.path)
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("open output: %w", err)
	}
	w.file = f
	return nil
}

func (w *watcher) close() {
	if w.file != nil {
		_ = w.file.Close() // Only read from.
	}
}

// run reads until ctx ends.
func (w *watcher) run(ctx context.Context) {
	for ctx.Err() == nil && w.err == nil {
		n, err := w.read()
		switch {
		case err != nil:
			w.err = err
		case n == 0:
			time.Sleep(pollEvery)
		}
	}
}

// read takes what is new; at the end of a file that was renamed it goes on with its successor.
func (w *watcher) read() (int, error) {
	if w.file == nil {
		return 0, w.open()
	}
	n, err := w.file.Read(w.buf)
	if n > 0 {
		w.take(w.buf[:n], time.Now().UnixNano())
		return n, nil
	}
	if !errors.Is(err, io.EOF) {
		return 0, fmt.Errorf("read output: %w", err)
	}
	mine, err := w.file.Stat()
	if err != nil {
		return 0, fmt.Errorf("stat output: %w", err)
	}
	current, err := os.Stat(w.path)
	if err != nil || os.SameFile(mine, current) {
		return 0, nil // Also between rename and create.
	}
	// Renamed. What was written between the last read and the rename is still to be read.
	if n, _ := w.file.Read(w.buf); n > 0 {
		w.take(w.buf[:n], time.Now().UnixNano())
		return n, nil
	}
	w.close()
	w.file, w.rest = nil, w.rest[:0]
	return 1, w.open()
}

func (w *watcher) take(data []byte, now int64) {
	for {
		end := bytes.IndexByte(data, '\n')
		if end < 0 {
			w.rest = append(w.rest, data...)
			return
		}
		line := data[:end]
		if len(w.rest) > 0 {
			line = append(w.rest, line...)
			w.rest = line[:0]
		}
		w.note(line, now)
		data = data[end+1:]
	}
}

func (w *watcher) note(line []byte, now int64) {
	host, number, ok := findToken(line)
	if !ok || w.senders[host] == nil {
		return
	}
	if sent, ok := w.senders[host].take(number); ok {
		w.hist.add(now - sent)
		w.seen.Add(1)
	}
}

// findToken reads seqHHHH-NNNNNNNNNN. judge has the same few lines: two programs, no package between.
func findToken(line []byte) (host int, number uint64, ok bool) {
	for {
		i := bytes.Index(line, []byte("seq"))
		if i < 0 || len(line)-i < 3+hostDigits+1+numDigits {
			return 0, 0, false
		}
		line = line[i+3:]
		h, err1 := strconv.ParseUint(string(line[:hostDigits]), 10, 32)
		n, err2 := strconv.ParseUint(string(line[hostDigits+1:hostDigits+1+numDigits]), 10, 64)
		if err1 == nil && err2 == nil && line[hostDigits] == '-' {
			return int(h), n, true
		}
	}
}

// wait returns when all lines were seen or after limit.
func (w *watcher) wait(sent uint64, limit time.Duration) {
	for end := time.Now().Add(limit); w.seen.Load() < sent && time.Now().Before(end); {
		time.Sleep(pollEvery)
	}
}

func (w *watcher) report() *latencyReport {
	rep := &latencyReport{
		Seen: w.hist.count,
		P50:  w.hist.quantile(0.5), P90: w.hist.quantile(0.9), P99: w.hist.quantile(0.99), P999: w.hist.quantile(0.999),
		Max: float64(w.hist.max) / 1e6,
	}
	for _, t := range w.senders {
		for _, unix := range t.unix {
			if unix != 0 {
				rep.Unseen++
			}
		}
	}
	return rep
}

// histogram counts nanoseconds in buckets of which 32 make a doubling: 3 % apart.
type histogram struct {
	buckets [64 * 32]uint64
	count   uint64
	max     int64
}

func (h *histogram) add(ns int64) {
	ns = max(ns, 0)
	h.buckets[bucket(uint64(ns))]++
	h.count++
	h.max = max(h.max, ns)
}

func bucket(ns uint64) int {
	if ns < 32 {
		return int(ns)
	}
	exp := bits.Len64(ns) - 6 // ns>>exp is 32 to 63
	return exp*32 + int(ns>>exp)
}

// quantile returns the upper edge of the bucket in which the q-th part lies, in milliseconds.
func (h *histogram) quantile(q float64) float64 {
	if h.count == 0 {
		return 0
	}
	left := uint64(math.Ceil(q * float64(h.count)))
	for i, n := range h.buckets {
		if n < left {
			left -= n
			continue
		}
		edge := float64(i + 1)
		if i >= 64 {
			exp := i/32 - 1
			edge = float64(i%32+33) * math.Pow(2, float64(exp))
		}
		return min(edge, float64(h.max)) / 1e6
	}
	return float64(h.max) / 1e6
}
