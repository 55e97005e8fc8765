package importer

import (
	"errors"
	"strings"

	"vswarden/inventory"
)

var errHeader = errors.New("no line that names the columns")

// getEsxTop reads what PowerCLI prints for Get-EsxTop -CounterName NetPort:
//
//	PortID WorldLeader ClientName        PortID      : 83886082        "PortID","WorldLeader","ClientName"
//	------ ----------- ----------        WorldLeader : 12344           "83886082","12344","web-01.eth0"
//	83886082 12344 VirtualMachineName    ClientName  : web-01.eth0
func (p *Part) getEsxTop(text string) error {
	if strings.Contains(text, `"PortID"`) || strings.Contains(text, "PortID,") || strings.Contains(text, ",PortID") {
		records, err := csvRecords(text, "portid")
		if err != nil {
			return err
		}
		for _, rec := range records {
			p.esxtopRecord(rec)
		}
		return nil
	}
	lines := strings.Split(text, "\n")
	header := -1
	for i, line := range lines {
		if words := strings.Fields(line); len(words) > 1 && hasWord(words, "PortID") && !strings.Contains(line, ":") {
			header = i
			break
		}
	}
	if header < 0 {
		return p.esxtopList(lines)
	}
	columns := strings.Fields(lines[header])
	for _, line := range lines[header+1:] {
		if strings.TrimSpace(line) == "" || strings.Trim(line, "- \r") == "" {
			continue
		}
		rec := tableRow(columns, line)
		if rec == nil {
			p.Skipped++
			continue
		}
		p.esxtopRecord(rec)
	}
	return nil
}

func hasWord(words []string, word string) bool {
	for _, w := range words {
		if strings.EqualFold(w, word) {
			return true
		}
	}
	return false
}

// tableRow gives the words of a line to the columns. ClientName may hold spaces: it gets all the words that the
// other columns leave.
func tableRow(columns []string, line string) map[string]string {
	words := strings.Fields(line)
	extra := len(words) - len(columns)
	if extra < 0 {
		return nil
	}
	rec := map[string]string{}
	for i, j := 0, 0; i < len(columns); i++ {
		n := 1
		if strings.EqualFold(columns[i], "ClientName") {
			n += extra
		}
		if j+n > len(words) {
			return nil
		}
		rec[squash(columns[i])] = strings.Join(words[j:j+n], " ")
		j += n
	}
	return rec
}

// esxtopList reads PowerShell's list form.
func (p *Part) esxtopList(lines []string) error {
	rec := map[string]string{}
	found := false
	for _, line := range append(lines, "") {
		key, val, ok := strings.Cut(line, ":")
		if key = squash(key); !ok || key == "portid" && rec["portid"] != "" {
			if rec["portid"] != "" {
				p.esxtopRecord(rec)
			}
			rec = map[string]string{}
		}
		if ok {
			rec[key] = strings.TrimSpace(val)
			found = found || key == "portid"
		}
	}
	if !found {
		return errHeader
	}
	return nil
}

func (p *Part) esxtopRecord(rec map[string]string) {
	r := inventory.Row{Port: portID(rec["portid"]), World: number(rec["worldleader"])}
	r.Net.Switch = value(rec["portsetname"])
	setClient(&r, value(rec["clientname"]))
	p.add(r)
}

// squash returns a column's name as records have it: lower case, without spaces and marks.
func squash(s string) string {
	return strings.Map(func(c rune) rune {
		switch {
		case c >= 'A' && c <= 'Z':
			return c - 'A' + 'a'
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9':
			return c
		}
		return -1
	}, s)
}
