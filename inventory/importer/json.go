package importer

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"vswarden/inventory"
)

var (
	errFormat  = errors.New(`neither a list of rows nor an object with "format": "` + inventory.ExportFormat + `"`)
	errVersion = errors.New("written by a newer version")
)

// parseJSON reads what inventory export writes, or a list of objects with the columns of the table.
func parseJSON(text string) ([]Part, error) {
	if tooDeep(text) {
		return nil, fmt.Errorf("%s: %w", JSON, errDepth)
	}
	if strings.HasPrefix(strings.TrimLeft(text, " \r\n\t"), "[") {
		records, err := jsonRows(text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", JSON, err)
		}
		return rowParts(JSON, records)
	}
	var x inventory.Export
	if err := json.Unmarshal([]byte(text), &x); err != nil {
		return nil, fmt.Errorf("%s: %w", JSON, err)
	}
	switch {
	case x.Format != inventory.ExportFormat:
		return nil, fmt.Errorf("%s: %w", JSON, errFormat)
	case x.Version > inventory.ExportVersion:
		return nil, fmt.Errorf("%s: %w", JSON, errVersion)
	}
	var parts []Part
	for i := range x.Hosts {
		p := Part{Kind: JSON, Statement: x.Hosts[i].Statement()}
		p.At = cmp.Or(x.Hosts[i].At, x.At)
		if p.count() > maxRows {
			return nil, fmt.Errorf("%s: %w", JSON, errRows)
		}
		p.dropLong()
		parts = append(parts, p)
	}
	if len(parts) == 0 {
		return nil, fmt.Errorf("%s: %w", JSON, errEmpty)
	}
	return parts, nil
}

// dropLong skips what is too long to be true.
func (p *Part) dropLong() {
	list := p.Rows
	p.Rows = nil
	for _, r := range list {
		p.add(r)
	}
	vms := p.VMs
	p.VMs = nil
	for _, vm := range vms {
		p.addVM(vm)
	}
}

// jsonRows reads a list of flat objects; numbers and booleans become words.
func jsonRows(text string) (records []record, err error) {
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	var list []map[string]any
	if err := dec.Decode(&list); err != nil {
		return nil, err
	}
	if len(list) > maxRows {
		return nil, errRows
	}
	for _, object := range list {
		rec := record{}
		for name, v := range object {
			switch v := v.(type) {
			case string:
				rec[squash(name)] = v
			case json.Number:
				rec[squash(name)] = v.String()
			case bool:
				rec[squash(name)] = strconv.FormatBool(v)
			case []any: // addresses
				for _, item := range v {
					if s, ok := item.(string); ok {
						rec[squash(name)] += s + " "
					}
				}
			}
		}
		records = append(records, rec)
	}
	return records, nil
}

// tooDeep reports whether objects and lists are nested deeper than maxDepth.
func tooDeep(text string) bool {
	depth, quoted := 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			if depth++; depth > maxDepth {
				return true
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return false
}
