package spool

import "fmt"

func (w *world) dump() string {
	s := ""
	for _, g := range w.log.segs {
		s += fmt.Sprintf("[%s base %d end %d size %d synced %d dead %v]", g.name, g.base, g.end, g.size, g.synced, g.dead)
	}
	return s
}
