package spool

// DamageKind says what is wrong with a place in the log.
type DamageKind uint8

// The kinds of damage (label kind of vswarden_log_damage_total, field damage).
const (
	// Torn is what a crash left half written: it was never synced.
	Torn DamageKind = iota
	// Corrupt is what was synced and is not what was written any more.
	Corrupt
	// Missing is what was synced and is not there at all.
	Missing
	damageKinds
)

// String returns the word used in metrics and logs.
func (k DamageKind) String() string {
	return [...]string{Torn: "torn", Corrupt: "corrupt", Missing: "missing", damageKinds: "unknown"}[min(k, damageKinds)]
}

// Damage is one damaged place.
type Damage struct {
	Kind    DamageKind
	File    string
	Offset  int64  // in File
	Bytes   int64  // damaged; 0 for Missing
	Records uint64 // lost
	Note    string // more, for people; may be empty
}

// maxDamage bounds the reports kept for TakeDamage and the places remembered as reported.
const maxDamage = 1 << 12

type damagePlace struct {
	file   string
	offset int64
}

// reportLocked notes a damage once per place, though every cursor meets it. mu is held.
func (l *Log) reportLocked(d Damage) {
	at := damagePlace{d.File, d.Offset}
	if l.damageSeen[at] {
		return
	}
	if len(l.damageSeen) < maxDamage {
		l.damageSeen[at] = true
	}
	l.damageCount[d.Kind]++
	if len(l.damage) < maxDamage {
		l.damage = append(l.damage, d)
	}
}

// TakeDamage returns the damage found since the last call. Each place is reported once per Open.
func (l *Log) TakeDamage() []Damage {
	l.mu.Lock()
	defer l.mu.Unlock()
	d := l.damage
	l.damage = nil
	return d
}
