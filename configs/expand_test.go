package configs

import (
	"strings"
	"testing"
)

// FuzzExpand: text comes back as it was when it holds no variable or is escaped, and what a variable
// holds goes in untouched.
func FuzzExpand(f *testing.F) {
	for _, s := range []string{"", "a", "$", "${", "}", "$${", "$$${X}", "${X}", "a${X}b${X:-c}d", "${NONE:-}", "${NONE}", "${1X}", "${X:-${X}}", "é${X}"} {
		f.Add(s, "v")
		f.Add(s, "${X}")
	}
	f.Fuzz(func(t *testing.T, s, value string) {
		env := environ("X", value)
		got, err := expand(s, env)
		if !strings.Contains(s, "${") && (err != nil || got != s) {
			t.Errorf("%q gives %q, %v", s, got, err)
		}
		if err == nil && len(got) > len(s)+strings.Count(s, "${X")*len(value) {
			t.Errorf("%q gives more than its variables hold: %q", s, got)
		}
		escaped := strings.ReplaceAll(s, "${", "$${")
		if got, err := expand(escaped, env); err != nil || got != s {
			t.Errorf("%q escaped gives %q, %v", s, got, err)
		}
		if got, err := expand("${X}"+escaped, env); err != nil || got != value+s {
			t.Errorf("behind a variable %q escaped gives %q, %v", s, got, err)
		}
	})
}
