package configs

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

	"vswarden/setting"
)

// The bounds of a file. They are far above what a person writes and low enough that a hostile
// file costs a moment, not the process.
const (
	maxFile  = 256 * setting.KiB
	maxDepth = 32 // of lists and maps in each other
)

// kind tells what stands at a place of the file.
type kind uint8

const (
	scalar kind = iota + 1
	mapping
	sequence
)

// node is one value of the file with its line. This is all that the rest of the package sees of
// YAML; the library stays in this file.
type node struct {
	kind   kind
	line   int
	text   string  // scalar: without quotes and escapes, otherwise as written
	quoted bool    // scalar: written in quotes or as a block; "null" in quotes is text
	fields []field // mapping: in the order of the file, repeated keys included
	items  []*node // sequence
}

// field is one key of a mapping.
type field struct {
	key   string
	line  int
	value *node
}

// null reports a value that was left out, or the words YAML has for that.
func (n *node) null() bool {
	if n.kind != scalar || n.quoted {
		return false
	}
	switch n.text {
	case "", "~", "null", "Null", "NULL":
		return true
	}
	return false
}

// parseTree reads one YAML document. An empty one gives nil. Anchors, aliases, merge keys, tags and
// directives are refused: nothing here needs them, and without them a small file is a small tree.
func parseTree(name string, data []byte) (root *node, faults []setting.Fault) {
	data = normalize(data)
	if fault, ok := plainText(name, data); !ok {
		return nil, []setting.Fault{fault}
	}
	defer func() {
		// The library is not ours and the file may be read while the process runs (SIGHUP).
		if r := recover(); r != nil {
			root, faults = nil, []setting.Fault{{Path: name, Value: "", Problem: fmt.Sprintf("the YAML reader gave up (%v), write it more simply", r)}}
		}
	}()
	tokens := lexer.Tokenize(string(data))
	if faults := refuse(name, tokens); len(faults) > 0 {
		return nil, faults
	}
	file, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey()) // repeated keys are reported with the other faults
	if err != nil {
		return nil, []setting.Fault{syntaxFault(name, data, err)}
	}
	var body ast.Node
	for _, doc := range file.Docs {
		switch {
		case doc.Body == nil:
		case body != nil:
			return nil, []setting.Fault{{Path: at(name, lineOf(doc.Start, 0)), Value: "---", Problem: "a second document, keep one in the file"}}
		default:
			body = doc.Body
		}
	}
	if body == nil {
		return nil, nil
	}
	c := converter{name: name}
	root = c.node(body, 1, 0)
	return root, c.faults
}

// normalize takes away what editors add (a byte order mark, carriage returns) and makes the last
// line end. The library counts a comment that ends in CRLF as two lines and drops a tag at the very
// end of its input; both are in the tests.
func normalize(data []byte) []byte {
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	data = bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n"))
	if len(data) > 0 && data[len(data)-1] != '\n' {
		data = append(bytes.Clone(data), '\n')
	}
	return data
}

// plainText says why data cannot be a configuration before any parser sees it.
func plainText(name string, data []byte) (setting.Fault, bool) {
	if len(data) > int(maxFile) {
		return setting.Fault{Path: name, Value: setting.Bytes(len(data)).String(), Problem: fmt.Sprintf("longer than %v, is this the configuration?", maxFile)}, false
	}
	line := 1
	for i := 0; i < len(data); {
		r, size := utf8.DecodeRune(data[i:])
		switch {
		case r == '\n':
			line++
		case r == utf8.RuneError && size == 1:
			return setting.Fault{Path: at(name, line), Value: fmt.Sprintf("byte 0x%02x", data[i]), Problem: "not UTF-8, save the file as UTF-8"}, false
		case r < ' ' && r != '\t', r == 0x7f:
			return setting.Fault{Path: at(name, line), Value: fmt.Sprintf("byte 0x%02x", data[i]), Problem: "a control character, delete it"}, false
		}
		i += size
	}
	return setting.Fault{}, true
}

// refuse looks for what is not read here and for nesting that would exhaust the parser.
func refuse(name string, tokens token.Tokens) (faults []setting.Fault) {
	flow, nested, line, key := 0, 0, 0, ""
	for i, t := range tokens {
		if t.Position.Line != line {
			nested, line = 0, t.Position.Line
		}
		problem := ""
		switch t.Type {
		case token.AnchorType, token.AliasType:
			problem = "anchors (&) and aliases (*) are not read here, write the value out or, if it is text, put it in quotes"
		case token.MergeKeyType:
			problem = "merge keys are not read here, write the keys out"
		case token.TagType:
			problem = "tags (!) are not read here, delete it or, if it is text, put it in quotes"
		case token.DirectiveType:
			problem = "directives (%) are not read here, delete the line"
		case token.MappingKeyType:
			problem = "? keys are not read here, write key: value"
			nested++
		case token.SequenceEntryType:
			nested++
			if next := following(tokens[i+1:]); next != nil && next.Type != token.SequenceEntryType && next.Position.Line > line && next.Position.Column <= t.Position.Column {
				problem = "nothing behind the dash, write a value or delete the line" // the library would take the next key for it
			}
		case token.StringType:
			block := i > 0 && (tokens[i-1].Type == token.LiteralType || tokens[i-1].Type == token.FoldedType)
			if !block && strings.Contains(strings.TrimSpace(t.Origin), "\n") {
				// The library takes a comment on such lines for text, so it must not be guessed at;
				// and it is mostly an element or key with the wrong indent.
				problem = "text on more than one line, put it in quotes or mend the indent"
			}
		case token.MappingValueType:
			if i > 0 {
				key = tokens[i-1].Value
			}
		case token.SequenceStartType, token.MappingStartType:
			flow++
		case token.SequenceEndType, token.MappingEndType:
			flow--
		}
		if problem != "" {
			value := show(strings.TrimSpace(t.Origin))
			if namesSecret(key) {
				value = "<secret>"
			}
			faults = append(faults, setting.Fault{Path: at(name, line), Value: value, Problem: problem})
		}
		if flow > maxDepth || nested > maxDepth {
			return []setting.Fault{{Path: at(name, line), Value: show(t.Value), Problem: fmt.Sprintf("nested deeper than %d levels, nothing here is", maxDepth)}}
		}
		if len(faults) >= maxFaults {
			break
		}
	}
	return faults
}

// following returns the first token that is not a comment.
func following(tokens token.Tokens) *token.Token {
	for _, t := range tokens {
		if t.Type != token.CommentType {
			return t
		}
	}
	return nil
}

// syntaxFault turns the library's error into one line. Its own text would quote the whole file.
func syntaxFault(name string, data []byte, err error) setting.Fault {
	fault := setting.Fault{Path: name, Problem: "not YAML: mend the file"}
	var e interface {
		GetMessage() string
		GetToken() *token.Token
	}
	if !errors.As(err, &e) || e.GetToken() == nil || e.GetToken().Position == nil {
		return fault
	}
	p := e.GetToken().Position
	fault.Path = fmt.Sprintf("%s:%d:%d", name, p.Line, p.Column)
	line := sourceLine(data, p.Line)
	fault.Value = show(strings.TrimSpace(line))
	if namesSecret(line) {
		fault.Value = "<secret>"
	}
	cure := "mend the line or the one before it"
	switch indent := line[:len(line)-len(strings.TrimLeft(line, " \t"))]; {
	case strings.Contains(indent, "\t"):
		cure = "indent with spaces, not tabs"
	case strings.Contains(line, "${"):
		cure = `between { } and [ ] put ${…} in quotes, like "${PORT}"`
	case strings.Count(line, ": ") > 1:
		cure = "put text that holds a colon and a space in quotes"
	}
	fault.Problem = "not YAML (" + e.GetMessage() + "), " + cure
	return fault
}

// sourceLine returns the line with number n, counted from 1.
func sourceLine(data []byte, n int) string {
	lines := bytes.SplitN(data, []byte("\n"), n+1)
	if n < 1 || n > len(lines) {
		return ""
	}
	return string(lines[n-1])
}

// converter turns the library's tree into ours.
type converter struct {
	name   string
	faults []setting.Fault
}

// node converts n; line is where the value belongs when it has no token of its own.
func (c *converter) node(n ast.Node, line, depth int) *node {
	if n == nil {
		return &node{kind: scalar, line: line}
	}
	line = lineOf(n.GetToken(), line)
	if depth > maxDepth {
		c.fault(line, "", fmt.Sprintf("nested deeper than %d levels, nothing here is", maxDepth))
		return &node{kind: scalar, line: line}
	}
	switch n := n.(type) {
	case *ast.MappingNode:
		m := &node{kind: mapping, line: line}
		for _, v := range n.Values {
			m.fields = append(m.fields, c.field(v, depth))
		}
		if len(m.fields) > 0 { // its own token is the first colon or brace
			m.line = m.fields[0].line
		}
		return m
	case *ast.MappingValueNode:
		f := c.field(n, depth)
		return &node{kind: mapping, line: f.line, fields: []field{f}}
	case *ast.SequenceNode:
		s := &node{kind: sequence, line: line}
		for _, v := range n.Values {
			s.items = append(s.items, c.node(v, line, depth+1))
		}
		return s
	case *ast.StringNode:
		quoted := n.Token.Type == token.SingleQuoteType || n.Token.Type == token.DoubleQuoteType
		return &node{kind: scalar, line: line, text: n.Value, quoted: quoted}
	case *ast.LiteralNode:
		return &node{kind: scalar, line: line, text: n.Value.Value, quoted: true}
	case *ast.NullNode:
		if n.Token.Type == token.ImplicitNullType {
			return &node{kind: scalar, line: line}
		}
		return &node{kind: scalar, line: line, text: n.Token.Value}
	case *ast.BoolNode, *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		// The source text: what 010, 1e3 and yes mean is for the setting to say.
		return &node{kind: scalar, line: line, text: n.GetToken().Value}
	}
	c.fault(line, n.GetToken().Value, "not a value that is read here, put text in quotes")
	return &node{kind: scalar, line: line}
}

// field converts one key and its value.
func (c *converter) field(v *ast.MappingValueNode, depth int) field {
	key := v.Key.GetToken()
	f := field{line: lineOf(key, 0)}
	if key != nil {
		f.key = key.Value
	}
	f.value = c.node(v.Value, f.line, depth+1)
	return f
}

func (c *converter) fault(line int, value, problem string) {
	c.faults = append(c.faults, setting.Fault{Path: at(c.name, line), Value: show(value), Problem: problem})
}

// lineOf returns the line of t, or line where t has none.
func lineOf(t *token.Token, line int) int {
	if t == nil || t.Position == nil || t.Position.Line == 0 {
		return line
	}
	return t.Position.Line
}

// at names a line of the file.
func at(name string, line int) string { return name + ":" + strconv.Itoa(line) }
