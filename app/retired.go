package app

import (
	"strings"

	"vswarden/inventory"
)

// follows reports whether a source of the inventory is one of the feeders, or asks hosts for one.
func follows(feeders []feeder, source string) bool {
	for _, f := range feeders {
		if source == f.Name() || strings.HasPrefix(source, f.Name()+" ") {
			return true
		}
	}
	return false
}

// retire looks at what is known of vCenters that are no longer configured. It answers for lines of the past as
// long as ended intervals are kept, and of now as stale; then it is dropped, since nobody would ever end it.
func (m *memory) retire(feeders []feeder) error {
	now := inventory.StampOf(m.now())
	for _, s := range m.inv.Sources() {
		if s.Kind != inventory.SourcePushed || s.Reported == 0 || follows(feeders, s.Name) {
			continue
		}
		gone := m.inv.ObjectsOf(s.VC, s.Reported)
		if len(gone) == 0 {
			continue
		}
		until := s.Reported.Add(m.inv.Config().Keep)
		if now < until {
			m.log.Warn().Str("source", s.Name).Int("objects", len(gone)).Time("told", s.Reported.Time()).Time("kept_until", until.Time()).
				Msg("this vCenter is not configured any more; what it told is answered as stale until inventory.keep has passed, and dropped at the start after that")
			continue
		}
		if err := m.inv.Apply(&inventory.Update{Source: s.ID, At: s.Reported, Gone: gone}); err != nil {
			return err
		}
		m.inv.Maintain(now)
		m.log.Warn().Str("source", s.Name).Int("objects", len(gone)).Time("told", s.Reported.Time()).
			Msg("this vCenter is not configured any more, and told nothing for longer than inventory.keep: what was known of it is dropped")
	}
	return nil
}
