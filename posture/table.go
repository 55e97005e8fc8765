package posture

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// named are how many members a table names; JSON and CSV name all.
const named = 4

// Table returns the report for people, one row of cells a line.
func (r *Report) Table() [][]string {
	rows := [][]string{{"PERMITS", "SET ON", "WHERE", "VLAN", "WHO MAY", "WHO IS EXPOSED"}}
	for i := range r.Findings {
		f := &r.Findings[i]
		words, where := f.columns()
		users := f.MaySniff
		if !f.Promiscuous.Permits() {
			users = f.MayForge
		}
		rows = append(rows, []string{words, where, f.Place(), f.VLAN, names(users), f.exposure()})
	}
	if len(r.Findings) == 0 {
		rows = [][]string{{"nothing is permitted that is known of"}}
	}
	if len(r.NotKnown) > 0 {
		rows = append(rows, nil, []string{"NOT KNOWN", "", "WHERE", "", "WHY"})
		for i := range r.NotKnown {
			n := &r.NotKnown[i]
			rows = append(rows, []string{"", "", n.Place(), "", n.Why})
		}
	}
	advice := map[string]bool{}
	for i := range r.Findings {
		for _, a := range r.Findings[i].Advice {
			if !advice[a] {
				if len(advice) == 0 {
					rows = append(rows, nil)
				}
				advice[a] = true
				rows = append(rows, []string{"instead: " + a})
			}
		}
	}
	return rows
}

// columns are what is permitted and where that is set.
func (f *Finding) columns() (words, where string) {
	var w, at []string
	for _, s := range [...]struct {
		Setting
		name string
	}{{f.Promiscuous, "promiscuous"}, {f.MACChanges, "mac-changes"}, {f.Forged, "forged-transmits"}} {
		if s.Permits() {
			w = append(w, s.name)
			if n := len(at); n == 0 || at[n-1] != s.SetAt {
				at = append(at, s.SetAt)
			}
		}
	}
	return strings.Join(w, " "), strings.Join(at, " ")
}

// Place says which portgroup or port of which switch it is.
func (f *Finding) Place() string {
	place := f.Portgroup
	if f.Level == "port" {
		place = "port " + f.Port
		if f.Portgroup != "" {
			place += " of " + f.Portgroup
		}
	}
	return place + onPlace(f.Switch) + onPlace(f.Host) + atPlace(f.VCenter)
}

// Place says which portgroup of which switch it is.
func (n *NotKnown) Place() string {
	return n.Portgroup + onPlace(n.Switch) + onPlace(n.Host) + atPlace(n.VCenter)
}

func onPlace(name string) string {
	if name == "" {
		return ""
	}
	return " on " + name
}

func atPlace(name string) string {
	if name == "" {
		return ""
	}
	return " at " + name
}

// names lists who is there, the first of them by name.
func names(list []Member) string {
	if len(list) == 0 {
		return "nobody now"
	}
	var words []string
	seen := map[string]bool{}
	more := 0
	for i := range list {
		m := &list[i]
		if seen[m.id] {
			continue
		}
		seen[m.id] = true
		switch {
		case len(words) == named:
			more++
		case m.Kind == "vmk":
			words = append(words, m.Name+" of "+m.Host)
		default:
			words = append(words, m.Name)
		}
	}
	text := strings.Join(words, ", ")
	if more > 0 {
		text += " and " + strconv.Itoa(more) + " more"
	}
	return text
}

// exposure says who is exposed now, and how many could be.
func (f *Finding) exposure() string {
	switch {
	case !f.Promiscuous.Permits():
		return "-"
	case !f.ReachKnown:
		return "not known: the VLANs are not"
	case len(f.Exposed) == 0:
		return fmt.Sprintf("nobody now, %d in reach", f.Reach)
	}
	return fmt.Sprintf("%s (%d now, %d in reach)", names(f.Exposed), distinct(f.Exposed), f.Reach)
}

func distinct(list []Member) int {
	seen := map[string]bool{}
	for i := range list {
		seen[list[i].id] = true
	}
	return len(seen)
}

// WriteCSV writes the findings, one a line, safe to open in a spreadsheet.
func (r *Report) WriteCSV(w io.Writer) error {
	rows := [][]string{{
		"level", "vcenter", "datacenter", "cluster", "host", "switch_type", "switch", "portgroup", "moid", "port", "vlan",
		"allow_promiscuous", "allow_promiscuous_set_at", "mac_changes", "mac_changes_set_at", "forged_transmits", "forged_transmits_set_at",
		"mac_learning", "override_allowed", "may_sniff", "may_forge", "exposed", "exposed_count", "reach", "version", "advice", "notes",
	}}
	for i := range r.Findings {
		f := &r.Findings[i]
		reach := ""
		if f.ReachKnown {
			reach = strconv.Itoa(f.Reach)
		}
		rows = append(rows, []string{
			f.Level, f.VCenter, f.Datacenter, f.Cluster, f.Host, f.SwitchType, f.Switch, f.Portgroup, f.MOID, f.Port, f.VLAN,
			f.Promiscuous.Value, f.Promiscuous.SetAt, f.MACChanges.Value, f.MACChanges.SetAt, f.Forged.Value, f.Forged.SetAt,
			f.MACLearning.Value, f.Override, all(f.MaySniff), all(f.MayForge), all(f.Exposed), strconv.Itoa(distinct(f.Exposed)), reach,
			f.Version, strings.Join(f.Advice, "; "), strings.Join(f.Notes, "; "),
		})
	}
	return writeCSV(w, rows)
}

// all lists every member, each once.
func all(list []Member) string {
	var words []string
	seen := map[string]bool{}
	for i := range list {
		if m := &list[i]; !seen[m.id] {
			seen[m.id] = true
			words = append(words, m.Name+" ("+m.Host+")")
		}
	}
	return strings.Join(words, "; ")
}

// writeCSV writes rows in which no cell is a formula: names are chosen by tenants.
func writeCSV(w io.Writer, rows [][]string) error {
	out := csv.NewWriter(w)
	for _, row := range rows {
		for i := range row {
			row[i] = cell(row[i])
		}
		if err := out.Write(row); err != nil {
			return fmt.Errorf("write CSV: %w", err)
		}
	}
	out.Flush()
	if err := out.Error(); err != nil {
		return fmt.Errorf("write CSV: %w", err)
	}
	return nil
}

// cell makes text of what a spreadsheet could take for a formula, and blanks of what could break the line.
func cell(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r >= 0x80 && r <= 0x9f {
			return ' '
		}
		return r
	}, s)
	if t := strings.TrimLeft(s, " \u00a0\ufeff\""); t != "" && strings.ContainsRune("=+-@＝＋－＠", []rune(t)[0]) {
		return "'" + s
	}
	return s
}
