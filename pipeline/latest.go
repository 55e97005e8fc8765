package pipeline

// latest is what belongs to the sender of the record that was looked at last: a record that follows it has the same, and nobody
// need look for it (BenchmarkLane/runs).
type latest[T any] struct {
	pos uint64 // of that record, in the log
	of  *T     // nil: none yet
}

// get returns what the record before r had, where that was looked at last and r follows it, and notes that r is looked at now;
// else it returns nil.
func (l *latest[T]) get(r *Record, pos uint64) *T {
	if !r.follows || l.pos+1 != pos {
		return nil
	}
	l.pos = pos
	return l.of
}

func (l *latest[T]) put(pos uint64, of *T) { l.pos, l.of = pos, of }
