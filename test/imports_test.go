// Package test holds what is said about the program as a whole: the rules of its house, and tests
// that build it, run it, kill it and count what it delivered. loadgen and judge are programs of
// their own in the folders beside.
package test

import (
	"bytes"
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// module is the path every package of ours begins with.
const module = "vswarden"

// arrows says which packages of ours a package may import, by the longest entry that is the
// package or a folder above it. This is docs/ARCHITECTURE.md, "Layout": arrows point down, never
// sideways, never up. A package that stands nowhere here has no place yet: give it one there first.
var arrows = map[string][]string{
	"event":             {},
	"setting":           {},
	"replace":           {},
	"retry":             {},
	"receiver":          {"retry", "setting"},
	"spool":             {"retry", "setting"},
	"decode":            {"event"},
	"group":             {"decode", "event", "setting"},
	"detect":            {"event", "setting"},
	"enrich":            {"event", "inventory", "inventory/facts", "inventory/resolve", "setting"},
	"kafka":             {"setting"},
	"linkwatch":         {"retry", "setting"},
	"linkwatch/netns":   {},
	"inventory":         {"replace", "setting"},
	"inventory/...":     {"inventory", "setting"},
	"inventory/facts":   {"event", "inventory"},
	"inventory/vcenter": {"inventory", "inventory/vcenter/...", "retry", "setting"},
	"posture":           {"event", "inventory", "inventory/facts", "replace", "setting"},
	"sink":              {"event", "setting"},
	"sink/...":          {"event", "setting", "sink", "sink/lines"},
	"sink/kafka":        {"event", "setting", "sink", "kafka"},
	"sink/lines":        {"event", "setting", "sink"},
	"sink/sinktest":     {"event", "setting", "sink", "sink/lines"},
	"pipeline":          {"receiver", "spool", "decode", "group", "detect", "enrich", "sink", "sink/deadletter", "event", "retry", "setting"},
	"topic":             {"event", "kafka", "pipeline", "receiver", "retry", "setting", "sink/kafka", "spool"},
	"web":               {"setting"},
	"configs":           {"receiver", "spool", "sink/...", "sink", "pipeline", "group", "detect", "enrich", "inventory", "inventory/vcenter/access", "kafka", "posture", "topic", "web", "event", "setting"},
	"app":               {"configs", "pipeline", "receiver", "spool", "decode", "group", "detect", "enrich", "inventory", "inventory/...", "kafka", "linkwatch", "posture", "replace", "sink", "sink/...", "topic", "web", "event", "setting"},
	"cmd/...":           {"app", "configs", "event", "setting"},
	"test":              {"app", "configs", "pipeline", "receiver", "spool", "decode", "group", "enrich", "inventory", "inventory/...", "kafka", "sink", "sink/...", "topic", "web", "event", "setting"},
	"test/...":          {},
	"test/jumpy":        {"app", "configs"},
	"test/profiled":     {"app", "configs"},
}

// libraries says which packages may import a module that is not ours. Tests may import any.
var libraries = map[string][]string{
	"github.com/goccy/go-yaml":            {"configs"},
	"github.com/mdlayher/netlink":         {"linkwatch"},
	"github.com/pierrec/lz4/v4":           {"kafka"},
	"github.com/prometheus/client_golang": {"web"},
	"github.com/rs/zerolog":               {"app", "cmd/vswarden", "pipeline", "receiver"},
	"github.com/segmentio/kafka-go":       {"kafka"},
	"github.com/spf13/cobra":              {"cmd/vswarden"},
	"github.com/vmware/govmomi":           {"inventory/vcenter"},
	"golang.org/x/sys":                    {"receiver"},
	"gopkg.in/mcuadros/go-syslog.v2":      {"decode"},
}

// sayNothing are names that tell a reader nothing about a package.
var sayNothing = []string{"base", "common", "core", "helper", "helpers", "lib", "misc", "shared", "types", "util", "utils"}

// maxLines is how long a file may be and still hold one idea.
const maxLines = 500

// pkg is a package with its files for every platform, without tests.
type pkg struct {
	path  string // below module
	name  string
	files map[string]*ast.File // by path below the module's folder
	fset  *token.FileSet
}

// packages parses the module. Since it opens every file, `go test` runs the tests of this package
// anew when any of them has changed, although they run the program as a process of its own.
func packages(t *testing.T) []pkg {
	t.Helper()
	list := exec.CommandContext(t.Context(), "go", "list", "-e", "-json=ImportPath,Name,Dir,GoFiles,IgnoredGoFiles,CgoFiles", "./...")
	list.Dir = ".."
	var stderr bytes.Buffer
	list.Stderr = &stderr
	out, err := list.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, stderr.String())
	}
	var all []pkg
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var l struct {
			ImportPath, Name, Dir             string
			GoFiles, IgnoredGoFiles, CgoFiles []string
		}
		if err := dec.Decode(&l); err == io.EOF {
			return all
		} else if err != nil {
			t.Fatalf("go list: %v", err)
		}
		p := pkg{path: strings.TrimPrefix(l.ImportPath, module+"/"), name: l.Name, files: map[string]*ast.File{}, fset: token.NewFileSet()}
		for _, name := range slices.Concat(l.GoFiles, l.IgnoredGoFiles, l.CgoFiles) {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			f, err := parser.ParseFile(p.fset, filepath.Join(l.Dir, name), nil, parser.ParseComments|parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			p.files[p.path+"/"+name] = f
		}
		all = append(all, p)
	}
}

// covers reports whether a pattern such as sink/... means the package at path.
func covers(pattern, path string) bool {
	if folder, ok := strings.CutSuffix(pattern, "/..."); ok {
		return strings.HasPrefix(path, folder+"/")
	}
	return pattern == path
}

// place returns the entry of arrows that stands for path.
func place(path string) (pattern string, ok bool) {
	for p := range arrows {
		if covers(p, path) && (!ok || !strings.HasSuffix(p, "/...")) {
			pattern, ok = p, true
		}
	}
	return pattern, ok
}

func imports(f *ast.File) []string {
	var paths []string
	for _, spec := range f.Imports {
		path, _ := strconv.Unquote(spec.Path.Value) // The parser has read it.
		paths = append(paths, path)
	}
	return paths
}

func TestArrowsPointDown(t *testing.T) {
	for _, p := range packages(t) {
		at, ok := place(p.path)
		if !ok && len(p.files) > 0 {
			t.Errorf("%s has no place in the layout", p.path)
		}
		for name, f := range p.files {
			for _, path := range imports(f) {
				own, ok := strings.CutPrefix(path, module+"/")
				if ok && !slices.ContainsFunc(arrows[at], func(pattern string) bool { return covers(pattern, own) }) {
					t.Errorf("%s imports %s; %s may import %v", name, path, p.path, arrows[at])
				}
			}
		}
	}
}

func TestEachLibraryHasOnePackageThatKnowsIt(t *testing.T) {
	for library, known := range libraries {
		if len(known) > 1 && library != "github.com/rs/zerolog" {
			t.Errorf("%s: %d packages import it; let one of them do so for the others", library, len(known))
		}
	}
	for _, p := range packages(t) {
		if strings.HasPrefix(p.path, "test") {
			continue
		}
		for name, f := range p.files {
			for _, path := range imports(f) {
				if path == "C" {
					t.Errorf("%s uses cgo; the program builds without a C compiler", name)
				}
				if first, _, _ := strings.Cut(path, "/"); !strings.Contains(first, ".") {
					continue // The standard library, or ours.
				}
				library := ""
				for l := range libraries {
					if path == l || strings.HasPrefix(path, l+"/") {
						library = l
					}
				}
				if !slices.Contains(libraries[library], p.path) {
					t.Errorf("%s imports %s; %v may (argue a new library in docs/dependencies.md)", name, path, libraries[library])
				}
			}
		}
	}
}

func TestPackageNamesSaySomething(t *testing.T) {
	for _, p := range packages(t) {
		if slices.Contains(sayNothing, p.name) {
			t.Errorf("%s: name it after what it holds", p.path)
		}
	}
}

func TestFilesHoldOneIdea(t *testing.T) {
	for _, p := range packages(t) {
		for name, f := range p.files {
			if n := p.fset.Position(f.FileEnd).Line; n >= maxLines && !ast.IsGenerated(f) {
				t.Errorf("%s has %d lines, a file holds one idea in fewer than %d", name, n, maxLines)
			}
		}
	}
}

// Nothing happens at start-up, and there is no state that two tests could share: package-level
// variables are sentinel errors, tables that nothing writes to, embedded files and proofs that a
// type implements an interface.
func TestNoInitAndNoPackageState(t *testing.T) {
	for _, p := range packages(t) {
		written := writtenNames(p)
		for name, f := range p.files {
			for _, decl := range f.Decls {
				switch d := decl.(type) {
				case *ast.FuncDecl:
					if d.Name.Name == "init" && d.Recv == nil {
						t.Errorf("%s has an init function", name)
					}
				case *ast.GenDecl:
					for _, fault := range stateOf(d, written, p.name) {
						t.Errorf("%s: %s", name, fault)
					}
				}
			}
		}
	}
}

// stateOf lists what is wrong with a declaration of package-level variables.
func stateOf(d *ast.GenDecl, written map[string]bool, pkgName string) (faults []string) {
	if d.Tok != token.VAR {
		return nil
	}
	for _, spec := range d.Specs {
		v := spec.(*ast.ValueSpec) // By its token.
		comment := strings.ToLower(d.Doc.Text() + v.Doc.Text() + v.Comment.Text())
		embedded := embeds(d.Doc) || embeds(v.Doc)
		for i, ident := range v.Names {
			switch {
			case ident.Name == "_" || embedded:
			case written[ident.Name]:
				faults = append(faults, "package variable "+ident.Name+" is written to")
			case i >= len(v.Values):
				faults = append(faults, "package variable "+ident.Name+" has no value, so something must set it")
			case isTable(v.Values[i]) || isSentinel(ident.Name, v.Values[i]):
			case isLiteral(v.Values[i]) && pkgName == "main": // The linker may set it: version.
			case strings.Contains(comment, "read-only"):
			default:
				faults = append(faults, "package variable "+ident.Name+" is no sentinel error, no table and no embedded file (a computed table says \"read-only\" in its comment)")
			}
		}
	}
	return faults
}

func embeds(doc *ast.CommentGroup) bool {
	return doc != nil && slices.ContainsFunc(doc.List, func(c *ast.Comment) bool { return strings.HasPrefix(c.Text, "//go:embed ") })
}

// isTable reports a composite literal, a string turned into bytes, a table of the standard
// library or a short name for one of its byte orders.
func isTable(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.CompositeLit:
		return true
	case *ast.CallExpr:
		_, bytes := e.Fun.(*ast.ArrayType)
		return bytes || isSelector(e.Fun, "crc32", "MakeTable")
	}
	return isSelector(e, "binary", "LittleEndian") || isSelector(e, "binary", "BigEndian")
}

func isSelector(e ast.Expr, pkg, name string) bool {
	s, ok := e.(*ast.SelectorExpr)
	if !ok || s.Sel.Name != name {
		return false
	}
	x, ok := s.X.(*ast.Ident)
	return ok && x.Name == pkg
}

func isLiteral(e ast.Expr) bool { _, ok := e.(*ast.BasicLit); return ok }

// isSentinel reports an error made once: var ErrFull = errors.New("…").
func isSentinel(name string, e ast.Expr) bool {
	call, ok := e.(*ast.CallExpr)
	if !ok || !strings.HasPrefix(strings.ToLower(name), "err") {
		return false
	}
	return isSelector(call.Fun, "errors", "New") || isSelector(call.Fun, "fmt", "Errorf")
}

// writtenNames are the names a package assigns to (or to a part of), counts up or takes the
// address of, other than where it declares them. A local variable of the same name counts too: that is confusing enough.
func writtenNames(p pkg) map[string]bool {
	names := map[string]bool{}
	note := func(e ast.Expr) {
		for {
			switch x := e.(type) {
			case *ast.IndexExpr:
				e = x.X
			case *ast.SelectorExpr:
				e = x.X
			case *ast.StarExpr:
				e = x.X
			case *ast.ParenExpr:
				e = x.X
			case *ast.Ident:
				names[x.Name] = true
				return
			default:
				return
			}
		}
	}
	for _, f := range p.files {
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.AssignStmt:
				if n.Tok != token.DEFINE {
					for _, e := range n.Lhs {
						note(e)
					}
				}
			case *ast.IncDecStmt:
				note(n.X)
			case *ast.UnaryExpr:
				if ident, ok := n.X.(*ast.Ident); ok && n.Op == token.AND { // &table[i] spares a copy.
					names[ident.Name] = true
				}
			}
			return true
		})
	}
	return names
}

// The rules would be of no use if they never fired.
func TestStateIsFound(t *testing.T) {
	const source = `package p
import "errors"
var ErrFull = errors.New("full")
var table = []int{1, 2}
var prefix = []byte("x")
var counted int
var cache = map[string]int{}
var now = time.Now
// zones is read-only.
var zones = load("zones")
var crcTable = crc32.MakeTable(1)
var le = binary.LittleEndian
var _ I = (*T)(nil)
//go:embed x.yaml
var file string
func f() { cache["x"]++ }
`
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, "p.go", source, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	p := pkg{files: map[string]*ast.File{"p.go": f}}
	var got []string
	for _, decl := range f.Decls {
		if d, ok := decl.(*ast.GenDecl); ok {
			for _, fault := range stateOf(d, writtenNames(p), "p") {
				got = append(got, strings.Fields(fault)[2])
			}
		}
	}
	if want := []string{"counted", "cache", "now"}; !slices.Equal(got, want) {
		t.Errorf("found %v, want %v", got, want)
	}
}
