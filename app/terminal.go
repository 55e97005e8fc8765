package app

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"unicode"
)

// IsTerminal reports whether f is a terminal, and so read by a person.
func IsTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0 && f.Name() != os.DevNull
}

// jsonIndent writes src for people to read.
func jsonIndent(b *bytes.Buffer, src []byte) error {
	if err := json.Indent(b, src, "", "  "); err != nil {
		return fmt.Errorf("indent: %w", err) // a bug of ours: src is our own JSON
	}
	return nil
}

// escapeControl replaces what a terminal could obey by its JSON escape: DEL and the C1 controls.
// The C0 controls are escaped in all JSON; LF stays, it is our own.
func escapeControl(b []byte) []byte {
	if !bytes.ContainsAny(b, "\x7f") && !bytes.Contains(b, []byte{0xc2}) {
		return b
	}
	out := make([]byte, 0, len(b)+16)
	for i := 0; i < len(b); i++ {
		switch {
		case b[i] == 0x7f:
			out = append(out, `\u007f`...)
		case b[i] == 0xc2 && i+1 < len(b) && b[i+1] >= 0x80 && b[i+1] <= 0x9f:
			i++
			out = fmt.Appendf(out, `\u%04x`, b[i])
		default:
			out = append(out, b[i])
		}
	}
	return out
}

// EscapeLines replaces every control character in text of several lines: names of files and what others answered
// stand in errors.
func EscapeLines(s string) string {
	lines := strings.Split(s, "\n")
	for i := range lines {
		lines[i] = escapeCell(lines[i])
	}
	return strings.Join(lines, "\n")
}

// escapeCell replaces every control character, also what ends a line or a cell: names of VMs are a tenant's words.
func escapeCell(s string) string {
	if strings.IndexFunc(s, unicode.IsControl) < 0 {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if unicode.IsControl(r) {
			fmt.Fprintf(&b, `\u%04x`, r)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// writeTable writes rows in columns for people to read.
func writeTable(w io.Writer, rows [][]string) error {
	tw := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	for _, row := range rows {
		cells := make([]string, len(row))
		for i, c := range row {
			cells[i] = escapeCell(c)
		}
		if _, err := io.WriteString(tw, strings.TrimRight(strings.Join(cells, "\t"), "\t")+"\n"); err != nil {
			return fmt.Errorf("write a table: %w", err)
		}
	}
	if err := tw.Flush(); err != nil {
		return fmt.Errorf("write a table: %w", err)
	}
	return nil
}
