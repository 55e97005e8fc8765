// Package importer reads who holds which port from files and from the output of tools, for hosts
// that no API can be asked about: air-gapped ones, and those of yesterday.
//
// Each format has a parser of its own that returns what the text says, and nothing else: it asks no
// clock and no inventory. What it cannot read it counts. docs/inventory-import.md lists the formats.
package importer

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"vswarden/inventory"
)

// Kind names a format.
type Kind string

// The formats.
const (
	Auto          Kind = "auto"
	Esxtop        Kind = "esxtop"         // resxtop or esxtop -b: one CSV, ports in its first line
	EsxtopGrep    Kind = "esxtop-grep"    // Network Port(…) cut out of it, as KB 304453 does
	GetEsxTop     Kind = "get-esxtop"     // PowerCLI's Get-EsxTop -CounterName NetPort: table, list or CSV
	EsxcfgInfo    Kind = "esxcfg-info"    // esxcfg-info --network, or what grep -A 3 leaves of it
	NetStats      Kind = "net-stats"      // net-stats -l
	VMList        Kind = "vm-list"        // esxcli network vm list: text, XML or CSV
	VMPortList    Kind = "vm-port-list"   // esxcli network vm port list -w …: text, XML or CSV
	ProcessList   Kind = "process-list"   // esxcli vm process list: text, XML or CSV
	InterfaceList Kind = "interface-list" // esxcli network ip interface list: text, XML or CSV
	NICList       Kind = "nic-list"       // esxcli network nic list: text, XML or CSV
	PortgroupList Kind = "portgroup-list" // esxcli network vswitch standard portgroup list
	Vsish         Kind = "vsish"          // clientName of each port, in a loop over /net/portSets
	NetDVS        Kind = "net-dvs"        // net-dvs -l
	Domiflist     Kind = "domiflist"      // virsh domiflist
	Table         Kind = "csv"            // rows in the manner of RVTools
	JSON          Kind = "json"           // our own schema, or rows as objects
)

// Kinds are the formats a user can name, in the order of the documentation.
var Kinds = []Kind{
	Auto, Esxtop, EsxtopGrep, GetEsxTop, EsxcfgInfo, NetStats, VMList, VMPortList, ProcessList, InterfaceList, NICList,
	PortgroupList, Vsish, NetDVS, Domiflist, Table, JSON,
}

// The limits of one text.
const (
	MaxSize  = 256 << 20 // bytes; esxtop of a large host for an hour
	maxRows  = 1_000_000
	maxDepth = 32   // of XML and JSON
	maxText  = 1024 // bytes of a name
)

// Part is what one piece of text says of one host. At is not set; Host.Name is empty where the text
// does not name the host.
type Part struct {
	Kind    Kind
	Skipped int // rows that could not be read
	inventory.Statement
}

// ErrSize says that a text is larger than MaxSize.
var ErrSize = errors.New("larger than 256 MiB")

var (
	errKind  = errors.New("no format that is known: name one with --kind")
	errEmpty = errors.New("no row in it that could be read")
	errRows  = errors.New("more than a million rows")
	errDepth = errors.New("nested too deep")
)

// ParseKind reads the name of a format; empty is Auto.
func ParseKind(s string) (Kind, error) {
	if s == "" {
		return Auto, nil
	}
	if k := Kind(s); slices.Contains(Kinds, k) {
		return k, nil
	}
	names := make([]string, len(Kinds))
	for i, k := range Kinds {
		names[i] = string(k)
	}
	return "", fmt.Errorf("%q is no format: write one of %s", s, strings.Join(names, ", "))
}

// Parse reads a text. With Auto it may hold the output of several commands, each after the
// prompt it was typed at.
func Parse(kind Kind, text []byte) ([]Part, error) {
	if len(text) > MaxSize {
		return nil, ErrSize
	}
	s := toUTF8(text)
	if kind != Auto {
		return parseOne(kind, section{text: s})
	}
	var parts []Part
	for _, sec := range sections(s) {
		kind := detect(&sec)
		if kind == "" {
			continue
		}
		found, err := parseOne(kind, sec)
		if errors.Is(err, errEmpty) {
			continue // a command that printed nothing
		}
		if err != nil {
			return nil, err
		}
		parts = append(parts, found...)
	}
	if len(parts) == 0 {
		return nil, errKind
	}
	return parts, nil
}

// parseOne reads the output of one command.
func parseOne(kind Kind, sec section) ([]Part, error) {
	p := Part{Kind: kind}
	p.Host.Name = sec.host
	var err error
	switch kind {
	case Table:
		return rows(sec.text)
	case JSON:
		return parseJSON(sec.text)
	case Esxtop, EsxtopGrep:
		p.esxtop(sec.text)
	case GetEsxTop:
		err = p.getEsxTop(sec.text)
	case EsxcfgInfo:
		p.esxcfgInfo(sec.text)
	case NetStats:
		p.netStats(sec.text)
	case VMList, VMPortList, ProcessList, InterfaceList, NICList:
		err = p.esxcli(&sec)
	case PortgroupList:
		p.portgroupList(sec.text)
	case Vsish:
		p.vsish(sec.text)
	case NetDVS:
		p.netDVS(sec.text)
	case Domiflist:
		p.domiflist(&sec)
	default:
		_, err = ParseKind(string(kind))
	}
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: %w", kind, err)
	case p.count() == 0:
		return nil, fmt.Errorf("%s: %w", kind, errEmpty)
	case p.count() > maxRows:
		return nil, fmt.Errorf("%s: %w", kind, errRows)
	}
	return []Part{p}, nil
}

// count returns how much the part says.
func (p *Part) count() int {
	return len(p.Rows) + len(p.VMs) + len(p.Host.Kernel) + len(p.Host.Uplinks) + len(p.Host.Portgroups)
}

// add appends a row that names a port; what is too long to be true is skipped.
func (p *Part) add(r inventory.Row) {
	if r.Port == 0 || len(r.Client) > maxText || len(r.VM) > maxText || len(r.Net.Switch) > maxText || len(r.Net.Portgroup) > maxText || len(r.Net.DVPort) > maxText {
		p.Skipped++
		return
	}
	p.Rows = append(p.Rows, r)
}

// section is the output of one command.
type section struct {
	host    string // from the prompt
	command string // as typed, where the text shows it
	text    string
}

// divider begins a line with which people part outputs that they keep in one file.
const divider = "#####"

// sections cuts a transcript at its prompts and dividers. A text without prompts is one section.
func sections(text string) (list []section) {
	cur := section{}
	begin := 0
	for at := 0; at < len(text); {
		end := strings.IndexByte(text[at:], '\n')
		next := len(text)
		if end >= 0 {
			next = at + end + 1
		}
		line := strings.TrimRight(text[at:next], "\r\n")
		host, command, ok := prompt(line)
		if ok || strings.HasPrefix(line, divider) {
			cur.text = text[begin:at]
			if strings.TrimSpace(cur.text) != "" {
				list = append(list, cur)
			}
			cur, begin = section{host: cmp.Or(host, cur.host), command: command}, next
		}
		at = next
	}
	cur.text = text[begin:]
	if strings.TrimSpace(cur.text) != "" {
		list = append(list, cur)
	}
	return list
}

// prompt reads a line that begins with a shell's prompt: "[root@esx01:~] cmd", and before a command
// that is known "~ # cmd", "root@kvm01:~# cmd", "commands$ cmd".
func prompt(line string) (host, command string, ok bool) {
	if len(line) > 4*maxText {
		return "", "", false
	}
	if rest, found := strings.CutPrefix(line, "["); found {
		user, rest, found := strings.Cut(rest, "] ")
		_, at, hasHost := strings.Cut(user, "@")
		host, _, hasPath := strings.Cut(at, ":")
		if found && hasHost && hasPath && host != "" && !strings.ContainsAny(user, "\" {,") {
			return host, rest, true
		}
	}
	for _, mark := range [...]string{"# ", "$ ", "> "} {
		before, command, found := strings.Cut(line, mark)
		if !found || !known(command) || strings.ContainsAny(before, "|=\"") || len(before) > 100 {
			continue
		}
		if _, at, hasHost := strings.Cut(before, "@"); hasHost {
			host, _, _ = strings.Cut(at, ":")
		}
		return host, command, true
	}
	return "", "", false
}

// known reports whether a command is one of those whose output is read here, or one that often
// stands beside them in a transcript and ends their output.
func known(command string) bool {
	command = strings.TrimLeft(command, " ")
	for _, name := range [...]string{
		"esxcli ", "esxtop ", "resxtop ", "net-stats ", "net-dvs", "esxcfg-", "vsish ", "virsh ", "Get-EsxTop", "Get-ESXTOP", "cat ", "for ",
	} {
		if strings.HasPrefix(command, name) {
			return true
		}
	}
	return false
}

// toUTF8 returns text without a byte order mark, from UTF-16 where it begins with that one's mark:
// PowerShell writes its files so.
func toUTF8(text []byte) string {
	switch {
	case bytes.HasPrefix(text, []byte{0xef, 0xbb, 0xbf}):
		text = text[3:]
	case bytes.HasPrefix(text, []byte{0xff, 0xfe}), bytes.HasPrefix(text, []byte{0xfe, 0xff}):
		little := text[0] == 0xff
		units := make([]uint16, 0, len(text)/2)
		for i := 2; i+1 < len(text); i += 2 {
			u := uint16(text[i])<<8 | uint16(text[i+1])
			if little {
				u = uint16(text[i+1])<<8 | uint16(text[i])
			}
			units = append(units, u)
		}
		return string(utf16.Decode(units))
	}
	if utf8.Valid(text) {
		return string(text)
	}
	return strings.ToValidUTF8(string(text), "\uFFFD")
}
