// Package answer reads what hosts answer to commands, and the keys and names that vSphere writes in its own way. It needs
// no more than the text: the types of the vSphere API are package vcenter's.
package answer

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"vswarden/inventory"
)

var errTooMany = errors.New("more rows than any host has")

// maxRows bounds what one command may answer.
const maxRows = 10_000

// CommandRows reads the answer of a command: DataObject elements whose children are the fields.
func CommandRows(text string) (rows []map[string]string, err error) {
	d := xml.NewDecoder(strings.NewReader(text))
	depth, key := 0, ""
	var value strings.Builder
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return rows, nil
		}
		if err != nil {
			return rows, fmt.Errorf("read the answer of a command: %w", err)
		}
		switch e := token.(type) {
		case xml.StartElement:
			depth++
			switch {
			case depth == 2 && e.Name.Local == "DataObject":
				if len(rows) == maxRows {
					return rows, errTooMany
				}
				rows = append(rows, map[string]string{})
			case depth == 3:
				key = e.Name.Local
				value.Reset()
			}
		case xml.CharData:
			if depth == 3 {
				value.Write(e)
			}
		case xml.EndElement:
			if depth == 3 && len(rows) > 0 {
				rows[len(rows)-1][key] = value.String()
			}
			depth--
		}
	}
}

// PortRow makes our row from a row of network vm port list.
func PortRow(p map[string]string, vm string, world uint64) (r inventory.Row, ok bool) {
	id, err := strconv.ParseUint(p["PortID"], 10, 32)
	if err != nil || id == 0 {
		return r, false
	}
	r = inventory.Row{Port: uint32(id), Kind: inventory.KindVM, Client: vm, VM: vm, World: world}
	r.MAC, _ = inventory.ParseMAC(p["MACAddress"])
	r.Net = inventory.Net{Switch: p["vSwitch"], Portgroup: p["Portgroup"], DVPort: p["DVPortID"]}
	return r, true
}
