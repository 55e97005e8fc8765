package event

import "math/bits"

// TagNames holds the name of each tag (tags) at the place of its bit, for metrics that list all.
var TagNames = [...]string{
	"_parse_partial",
	"_truncated",
	"_unknown_l2sec",
	"_clock_skew",
	"_no_header",
	"_bad_priority",
	"_bad_timestamp",
	"_bad_sd",
	"_not_utf8",
	"_policy_drift",
	"_host_renamed",
	"_flood",
	"_replay",
	"_foreign",
	"_incomplete",
	"_host_conflict",
}

// tagsUnparsed are the tags of a line that was not fully parsed: OriginalSecurity keeps its frame.
const tagsUnparsed = TagParsePartial | TagUnknownL2Sec | TagNoHeader | TagBadPriority |
	TagBadTimestamp | TagBadSD | TagNotUTF8

// Names appends the names of the tags in t to dst, in the order of TagNames.
func (t Tags) Names(dst []string) []string {
	for t != 0 {
		bit := bits.TrailingZeros32(uint32(t))
		t &= t - 1
		if bit < len(TagNames) {
			dst = append(dst, TagNames[bit])
		}
	}
	return dst
}

// ParseTag returns the tag of that name.
func ParseTag(name string) (Tags, bool) {
	for bit, n := range TagNames {
		if n == name {
			return 1 << bit, true
		}
	}
	return 0, false
}
