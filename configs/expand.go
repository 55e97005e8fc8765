package configs

import (
	"errors"
	"fmt"
	"strings"
)

var errExpand = errors.New("not a variable, write ${NAME} or ${NAME:-default}, or $${ for the two characters ${")

// expand replaces ${NAME} and ${NAME:-default} in one value. The default also serves a variable
// that is set and empty, as in a shell. $${ stands for ${, any other $ for itself. What a variable
// holds is not expanded again.
func expand(s string, env func(string) (string, bool)) (string, error) {
	if !strings.Contains(s, "${") {
		return s, nil
	}
	var b strings.Builder
	for {
		i := strings.Index(s, "${")
		if i < 0 {
			b.WriteString(s)
			return b.String(), nil
		}
		if i > 0 && s[i-1] == '$' {
			b.WriteString(s[:i-1] + "${")
			s = s[i+2:]
			continue
		}
		b.WriteString(s[:i])
		body, rest, ok := strings.Cut(s[i+2:], "}")
		name, def, hasDefault := strings.Cut(body, ":-")
		if !ok || !isVariable(name) || strings.Contains(def, "${") {
			return "", errExpand
		}
		v, set := env(name)
		switch {
		case hasDefault && v == "":
			v = def
		case !set:
			return "", fmt.Errorf("the variable %s is not set, set it or write ${%s:-default}", name, name)
		}
		b.WriteString(v)
		s = rest
	}
}

// isVariable reports a name as shells take it.
func isVariable(s string) bool {
	for i := range len(s) {
		c := s[i]
		if c != '_' && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return s != ""
}
