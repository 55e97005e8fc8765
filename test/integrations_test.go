package test

import (
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// The files in configs/ for other programs are held to what can be known without these programs:
// they are well formed, name options that the programs' own documents list, and the topic and fields
// that vswarden has.
const eventsTopic = "esxi.events.v1"

func readConfig(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("../configs", path))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// known asserts that every name is one of those listed.
func known(t *testing.T, what string, names []string, list string) {
	t.Helper()
	all := strings.Fields(list)
	for _, name := range names {
		if !slices.Contains(all, name) {
			t.Errorf("%s: no option %s", what, name)
		}
	}
}

func TestSplunkConnectForKafka(t *testing.T) {
	var c struct {
		Name   string
		Config map[string]string
	}
	if err := json.Unmarshal([]byte(readConfig(t, "splunk/connect-for-kafka.json")), &c); err != nil {
		t.Fatal(err)
	}
	known(t, "Splunk Connect for Kafka", slices.Collect(maps.Keys(c.Config)), `connector.class tasks.max topics key.converter value.converter
		splunk.hec.uri splunk.hec.token splunk.hec.raw splunk.hec.ack.enabled splunk.hec.ssl.validate.certs splunk.indexes splunk.sourcetypes splunk.sources`)
	if c.Name == "" || c.Config["topics"] != eventsTopic || c.Config["splunk.hec.ack.enabled"] != "true" {
		t.Errorf("%+v", c)
	}
}

func TestKafkaConnectFileSink(t *testing.T) {
	set := map[string]string{}
	for line := range strings.Lines(readConfig(t, "kafka-connect/file-sink.properties")) {
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		name, value, ok := strings.Cut(line, "=")
		if !ok || set[name] != "" {
			t.Errorf("line %q", line)
		}
		set[name] = value
	}
	known(t, "Kafka Connect", slices.Collect(maps.Keys(set)), `name topics key.converter value.converter connector.class tasks.max file`)
	if set["topics"] != eventsTopic || set["value.converter"] != "org.apache.kafka.connect.storage.StringConverter" {
		t.Errorf("%v", set)
	}
}

// variables does what Vector does with ${NAME:-default} before it reads its YAML.
func variables(s string) string {
	return regexp.MustCompile(`\$\{[A-Z_]+(:[-?]([^}]*))?\}`).ReplaceAllString(s, "$2")
}

func TestVector(t *testing.T) {
	type section = map[string]any
	var c struct {
		DataDir                    string `yaml:"data_dir"`
		Sources, Transforms, Sinks map[string]section
	}
	if err := yaml.UnmarshalWithOptions([]byte(variables(readConfig(t, "vector/esxi-events.yaml"))), &c, yaml.Strict()); err != nil {
		t.Fatal(err)
	}
	for what, list := range map[string]string{
		"kafka":           "type bootstrap_servers group_id topics auto_offset_reset headers_key key_field decoding",
		"remap":           "type inputs source",
		"splunk_hec_logs": "type inputs endpoint default_token index source sourcetype timestamp_key encoding acknowledgements tls",
	} {
		found := 0
		for _, sections := range []map[string]section{c.Sources, c.Transforms, c.Sinks} {
			for _, s := range sections {
				if s["type"] == what {
					found++
					known(t, "Vector "+what, slices.Collect(maps.Keys(s)), list)
				}
			}
		}
		if found != 1 {
			t.Errorf("%d sections of type %s", found, what)
		}
	}
	if topics, ok := c.Sources["esxi"]["topics"].([]any); !ok || len(topics) != 1 || topics[0] != eventsTopic {
		t.Errorf("topics %v", c.Sources["esxi"]["topics"])
	}
	names := slices.Concat(slices.Collect(maps.Keys(c.Sources)), slices.Collect(maps.Keys(c.Transforms)))
	for _, sections := range []map[string]section{c.Transforms, c.Sinks} {
		for name, s := range sections {
			for _, in := range s["inputs"].([]any) {
				if !slices.Contains(names, in.(string)) {
					t.Errorf("%s has the input %v, which is none", name, in)
				}
			}
		}
	}
}

// Logstash's language is plugins in sections, options with =>, conditions: enough of it is read here
// to find a brace or an option that is wrong.
func TestLogstash(t *testing.T) {
	text := regexp.MustCompile(`(?m)^\s*#.*$`).ReplaceAllString(readConfig(t, "logstash/esxi-events.conf"), "")
	strip := regexp.MustCompile(`"[^"]*"`).ReplaceAllString(text, `""`)
	depth := 0
	for _, r := range strip {
		switch r {
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		}
		if depth < 0 {
			break
		}
	}
	if depth != 0 {
		t.Errorf("braces do not match: %d", depth)
	}
	var options []string
	for _, m := range regexp.MustCompile(`([a-z_]+)\s*=>`).FindAllStringSubmatch(strip, -1) {
		options = append(options, m[1])
	}
	known(t, "Logstash", options, `bootstrap_servers topics group_id client_id auto_offset_reset enable_auto_commit codec ecs_compatibility decorate_events
		add_field remove_field hosts index document_id action manage_template`)
	for _, want := range []string{`topics            => ["` + eventsTopic + `"]`, `document_id => "%{[event][id]}"`, "json {", "kafka {", "elasticsearch {"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s", want)
		}
	}
}

// docker-compose.yml is read by the library that docker compose reads it with.
func TestComposeFile(t *testing.T) {
	args := []string{"tool", "-modfile=tools/go.mod", "github.com/compose-spec/compose-go/v2/cmd", "-format", "json", "docker-compose.yml"}
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir = ".."
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		if os.Getenv("CI") != "true" && strings.Contains(stderr.String(), "dial tcp") {
			t.Skipf("NOT TESTED: docker-compose.yml; the library that reads it is not here: %s", stderr.String())
		}
		t.Fatalf("go %v: %v\n%s", args, err, stderr.String())
	}
	var c struct {
		Services map[string]struct {
			Image    string
			Profiles []string
			Volumes  []struct{ Type, Source string }
		}
	}
	if err := json.Unmarshal(out, &c); err != nil {
		t.Fatal(err)
	}
	for name, s := range c.Services {
		if image, tag, ok := strings.Cut(s.Image[strings.LastIndexByte(s.Image, '/')+1:], ":"); !ok || tag == "latest" || image == "" {
			t.Errorf("service %s: image %q is not pinned", name, s.Image)
		}
		for _, v := range s.Volumes {
			if v.Type == "bind" {
				if _, err := os.Stat(v.Source); err != nil {
					t.Errorf("service %s: %v", name, err)
				}
			}
		}
	}
	text, err := os.ReadFile("../docker-compose.yml")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"kafka:", "vswarden:", "profiles: [elastic]", "profiles: [splunk]"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("no %s", want)
		}
	}
	if r := vswarden(t, "", "check", "-c", "../configs/compose/vswarden.yaml", "--data", t.TempDir()); r.code != 0 {
		t.Errorf("configs/compose/vswarden.yaml: exit %d: %s", r.code, r.stderr)
	}
}
