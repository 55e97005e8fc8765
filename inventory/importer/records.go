package importer

import (
	"encoding/csv"
	"encoding/xml"
	"errors"
	"io"
	"strings"
)

// record is one object of a text: its fields by squashed name.
type record = map[string]string

// blocks reads "Key: value" lines. A record begins at each line of its first key; the line before it that is no
// key and value is its head.
func blocks(text, first string) (records []record) {
	head := ""
	var rec record
	for line := range strings.SplitSeq(text, "\n") {
		line = strings.TrimSpace(line)
		key, val, ok := strings.Cut(line, ":")
		switch k := squash(key); {
		case line == "":
		case ok && k == first:
			rec = record{first: strings.TrimSpace(val), "head": head}
			records = append(records, rec)
			head = ""
		case ok && rec != nil && head == "":
			rec[k] = strings.TrimSpace(val)
		case !ok || rec == nil:
			head = line
		default: // a key after a head that began no record: the head was part of a value
			rec[k] = strings.TrimSpace(val)
			head = ""
		}
	}
	return records
}

// xmlRecords reads what esxcli prints with --formatter=xml (structure, field) and what hosts answer over SOAP
// (DataObject with elements). Fields that occur more than once are joined with commas.
func xmlRecords(text string) (records []record, err error) {
	dec := xml.NewDecoder(strings.NewReader(text))
	dec.CharsetReader = func(_ string, in io.Reader) (io.Reader, error) { return in, nil } // it is UTF-8 by now
	depth, inRecord, field := 0, 0, ""
	var rec record
	for {
		token, err := dec.Token()
		if errors.Is(err, io.EOF) {
			return records, nil
		}
		if err != nil {
			return nil, err
		}
		switch t := token.(type) {
		case xml.StartElement:
			depth++
			if depth > maxDepth {
				return nil, errDepth
			}
			switch {
			case rec == nil && (t.Name.Local == "DataObject" || t.Name.Local == "structure"):
				rec, inRecord = record{}, depth
			case rec != nil && depth == inRecord+1:
				field = squash(t.Name.Local)
				for _, a := range t.Attr {
					if t.Name.Local == "field" && a.Name.Local == "name" {
						field = squash(a.Value)
					}
				}
			}
		case xml.CharData:
			if s := strings.TrimSpace(string(t)); rec != nil && field != "" && s != "" && len(rec[field]) < 64*maxText {
				if rec[field] != "" {
					s = rec[field] + ", " + s
				}
				rec[field] = s
			}
		case xml.EndElement:
			if rec != nil && depth == inRecord {
				records = append(records, rec)
				rec, field = nil, ""
				if len(records) > maxRows {
					return nil, errRows
				}
			}
			depth--
		}
	}
}

// csvRecords reads a table whose first line names the columns, one of them required. Commas, semicolons and
// tabs separate; PowerShell's #TYPE line is passed over.
func csvRecords(text, required string) (records []record, err error) {
	for strings.HasPrefix(text, "#") || strings.HasPrefix(text, "\n") || strings.HasPrefix(text, "\r") {
		_, rest, found := strings.Cut(text, "\n")
		if !found {
			return nil, errHeader
		}
		text = rest
	}
	first, _, _ := strings.Cut(text, "\n")
	r := csv.NewReader(strings.NewReader(text))
	r.FieldsPerRecord, r.LazyQuotes, r.ReuseRecord = -1, true, true
	r.Comma = ','
	for _, sep := range [...]rune{';', '\t'} {
		if strings.Count(first, string(sep)) > strings.Count(first, string(r.Comma)) {
			r.Comma = sep
		}
	}
	header, err := r.Read()
	if err != nil {
		return nil, errHeader
	}
	columns := make([]string, len(header))
	found := false
	for i, name := range header {
		columns[i] = squash(name)
		found = found || columns[i] == required
	}
	if !found {
		return nil, errHeader
	}
	for {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			return records, nil
		}
		if err != nil {
			return nil, err
		}
		rec := record{}
		for i, val := range row {
			if i < len(columns) && columns[i] != "" && val != "" {
				rec[columns[i]] = strings.Clone(strings.TrimSpace(val))
			}
		}
		records = append(records, rec)
		if len(records) > maxRows {
			return nil, errRows
		}
	}
}

// pick returns the first of the named fields that says something.
func pick(rec record, names ...string) string {
	for _, name := range names {
		if s := value(rec[name]); s != "" {
			return s
		}
	}
	return ""
}
