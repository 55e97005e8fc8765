package resolve

// Note is a set of reasons why an answer is no surer than it is.
type Note uint32

// The reasons.
const (
	NoteSeveral Note = 1 << iota
	NotePerhaps
	NoteChanged
	NoteBackdated
	NoteUnsettled
	NoteClock
	NoteUntrusted
	NoteImportOld
	NoteTableBehind
	NoteNameConflict
	NoteTwoNames
	NoteFormerName
	NoteWhichNIC
	NoteNICConflict
	NoteLeft
	NoteBeforeKnowledge
	NoteElsewhere
)

// noteTexts are the reasons in words, in the order of their bits.
var noteTexts = [...]string{
	"more than one may have held the port in that time",
	"the holder may have had the port then; when it changed hands is not known exactly",
	"the port or the machine changed hands shortly before or after",
	"known since the machine was started, which was before the first report of this host",
	"the source has not yet told everything about that time",
	"the clock of the sender is not yet known well enough",
	"the port table of this host has often disagreed with its log lines",
	"the import is more than a day older",
	"the port table names another machine than the line; the line was believed, the table may be behind",
	"the line names a client that the port table does not know there; the table was believed",
	"more than one machine of that name ran on this host",
	"the line uses a former name of the machine",
	"the machine has several adapters and the line does not say which",
	"line and port table name different adapters of the machine",
	"the holder had left the port or the host; nobody is known to have come after it",
	"before the first report of this host",
	"the only machine of that name is not known to have run on this host; it may have come just now",
}

// Texts returns the reasons in words.
func (n Note) Texts() (texts []string) {
	for i, text := range noteTexts {
		if n&(1<<i) != 0 {
			texts = append(texts, text)
		}
	}
	return texts
}
