package main

import (
	"cmp"
	"container/heap"
	"context"
	"sync"
	"time"
)

// clock does things when they are due, one after the other.
type clock struct {
	queue deeds
	seq   int
}

type deed struct {
	at  time.Time
	seq int // of two that are due at once the first planned comes first
	do  func(now time.Time)
}

type deeds []deed

func (d deeds) Len() int           { return len(d) }
func (d deeds) Less(i, j int) bool { return cmp.Or(d[i].at.Compare(d[j].at), d[i].seq-d[j].seq) < 0 }
func (d deeds) Swap(i, j int)      { d[i], d[j] = d[j], d[i] }
func (d *deeds) Push(x any)        { *d = append(*d, x.(deed)) }
func (d *deeds) Pop() any {
	last := len(*d) - 1
	x := (*d)[last]
	*d = (*d)[:last]
	return x
}

// at plans a deed.
func (c *clock) at(t time.Time, do func(now time.Time)) {
	c.seq++
	heap.Push(&c.queue, deed{t, c.seq, do})
}

// run does what is due until nothing is planned, until end, or until ctx ends. What is done holds mu.
func (c *clock) run(ctx context.Context, mu *sync.Mutex, end time.Time) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		mu.Lock()
		for len(c.queue) > 0 && !time.Now().Before(c.queue[0].at) {
			d := heap.Pop(&c.queue).(deed)
			d.do(time.Now())
		}
		next := end
		empty := len(c.queue) == 0
		if !empty && c.queue[0].at.Before(end) {
			next = c.queue[0].at
		}
		mu.Unlock()
		if empty || !time.Now().Before(end) {
			return
		}
		timer.Reset(time.Until(next))
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
	}
}
