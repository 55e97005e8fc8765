package pipeline

import "runtime"

// Reception is what fills the log.
type Reception interface {
	// Behind says that more waits to be read than is well, where nobody can be asked to send it later.
	Behind() bool
}

// SetReception tells a Delivery that does not run yet what goes before its own work.
func (d *Delivery) SetReception(r Reception) { d.cfg.Reception = r }

// giveWay lets others run before a lane does its next piece of work, while the reception is behind: the log can wait, and a
// socket whose buffer is full loses. Where lanes and readers share a processor the scheduler would give each of them
// its ten milliseconds in turn. With this a reader has them for each chunk of a lane, which is a fraction of one
// to work off; no more than that, so a flood that never ends slows delivery and does not stop it.
func (d *Delivery) giveWay() {
	if d.cfg.Reception != nil && d.cfg.Reception.Behind() {
		runtime.Gosched()
	}
}
