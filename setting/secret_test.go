package setting

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/rs/zerolog"
)

func TestSecretNeverPrints(t *testing.T) {
	type open struct {
		User     string
		Password Secret
	}
	type closed struct{ password Secret }
	const text = "hunter2"
	s := NewSecret(text)
	var printed []string
	for _, verb := range []string{"v", "+v", "#v", "s", "q", "x", "X", "d", "t", "c", "U", "p", "T", "e"} {
		for _, v := range []any{s, &s, open{"root", s}, &open{"root", s}, closed{s}, &closed{s}, []Secret{s}, map[string]Secret{"a": s}} {
			printed = append(printed, fmt.Sprintf("%"+verb, v))
		}
	}
	for _, v := range []any{s, &s, open{"root", s}, []Secret{s}, map[string]Secret{"a": s}} {
		j, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		y, err := yaml.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		logger := zerolog.New(&b)
		logger.Info().Interface("v", v).Any("w", v).Msgf("%v", v)
		slog.New(slog.NewTextHandler(&b, nil)).Info("x", "v", v)
		printed = append(printed, string(j), string(y), b.String())
	}
	hex := fmt.Sprintf("%x", text)
	for _, p := range printed {
		if strings.Contains(p, text) || strings.Contains(strings.ToLower(p), hex) {
			t.Errorf("the secret is printed: %s", p)
		}
	}
	if got := fmt.Sprintf("%+v", open{"root", s}); got != "{User:root Password:<secret>}" {
		t.Errorf("got %s", got)
	}
	if got := fmt.Sprintf("%+v", open{User: "root"}); got != "{User:root Password:}" {
		t.Errorf("no secret prints as %s", got)
	}
	if s.Reveal() != text || s.IsZero() || !(Secret{}).IsZero() {
		t.Errorf("Reveal %q, IsZero %v", s.Reveal(), s.IsZero())
	}
}

func TestSecretUnmarshalText(t *testing.T) {
	var v struct{ Password Secret }
	if err := json.Unmarshal([]byte(`{"Password":" a b "}`), &v); err != nil {
		t.Fatal(err)
	}
	if v.Password.Reveal() != " a b " {
		t.Errorf("got %q", v.Password.Reveal())
	}
}

func TestReadSecret(t *testing.T) {
	f := func(content, want, wantErr string) {
		t.Helper()
		path := filepath.Join(t.TempDir(), "password")
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := ReadSecret(path)
		switch {
		case wantErr != "" && (err == nil || !strings.Contains(err.Error(), wantErr)):
			t.Errorf("error %v, want %q", err, wantErr)
		case wantErr == "" && (err != nil || got.Reveal() != want):
			t.Errorf("got %q, %v, want %q", got.Reveal(), err, want)
		}
	}
	f("hunter2", "hunter2", "")
	f("hunter2\n", "hunter2", "")
	f("hunter2\r\n", "hunter2", "")
	f("two\nlines\n", "two\nlines", "")
	f(" spaces \n", " spaces ", "")
	f("", "", "is empty")
	f("\n", "", "is empty")
	f(strings.Repeat("x", int(maxSecretFile)), strings.Repeat("x", int(maxSecretFile)), "")
	f(strings.Repeat("x", int(maxSecretFile)+1), "", "more than 64KiB")
	if _, err := ReadSecret(filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("no error for a missing file")
	}
}
