package event

import (
	"errors"
	"fmt"
)

// Detail says how much of an event is written. A SIEM bills by the byte, so each sink chooses.
type Detail uint8

// The levels of detail, each holding the one before it.
const (
	DetailAuto     Detail = iota // full for security datasets, compact for the rest
	DetailCompact                // what the line says, and who sent it
	DetailStandard               // and versions, the rest of the header, how it reached us
	DetailFull                   // and rule, threat and everything joined
)

var errDetail = errors.New("not one of auto, compact, standard, full")

// String returns the word a configuration uses for d.
func (d Detail) String() string {
	switch d {
	case DetailAuto:
		return "auto"
	case DetailCompact:
		return "compact"
	case DetailStandard:
		return "standard"
	case DetailFull:
		return "full"
	}
	return fmt.Sprintf("Detail(%d)", uint8(d))
}

// ParseDetail reads what String writes; the empty word is DetailAuto.
func ParseDetail(s string) (Detail, error) {
	switch s {
	case "", "auto":
		return DetailAuto, nil
	case "compact":
		return DetailCompact, nil
	case "standard":
		return DetailStandard, nil
	case "full":
		return DetailFull, nil
	}
	return DetailAuto, errDetail
}

// UnmarshalText reads a Detail from a configuration.
func (d *Detail) UnmarshalText(text []byte) (err error) {
	*d, err = ParseDetail(string(text))
	return err
}

// MarshalText writes a Detail as a configuration does.
func (d Detail) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// Original says when the frame itself is kept in the event: event.original, or
// vmware.receiver.original_b64 where the frame is not UTF-8.
type Original uint8

// When the frame is kept.
const (
	OriginalSecurity Original = iota // for security datasets and for what was not fully parsed
	OriginalAll                      // always: the exact frame can be recovered from every event
	OriginalNone                     // never
)

var errOriginal = errors.New("not one of security, all, none")

// String returns the word a configuration uses for o.
func (o Original) String() string {
	switch o {
	case OriginalSecurity:
		return "security"
	case OriginalAll:
		return "all"
	case OriginalNone:
		return "none"
	}
	return fmt.Sprintf("Original(%d)", uint8(o))
}

// ParseOriginal reads what String writes; the empty word is OriginalSecurity.
func ParseOriginal(s string) (Original, error) {
	switch s {
	case "", "security":
		return OriginalSecurity, nil
	case "all":
		return OriginalAll, nil
	case "none":
		return OriginalNone, nil
	}
	return OriginalSecurity, errOriginal
}

// UnmarshalText reads an Original from a configuration.
func (o *Original) UnmarshalText(text []byte) (err error) {
	*o, err = ParseOriginal(string(text))
	return err
}

// MarshalText writes an Original as a configuration does.
func (o Original) MarshalText() ([]byte, error) { return []byte(o.String()), nil }
