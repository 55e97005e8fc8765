package configs

import (
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"vswarden/setting"
)

// nearest returns the word of known that was probably meant by word, or nothing.
func nearest(word string, known []string) string {
	word = plain(word)
	best, bestDistance := "", max(1, len(word)/3)+1
	for _, k := range known {
		p := plain(k)
		d := setting.Distance(word, p)
		if len(word) >= 3 && (strings.HasPrefix(p, word) || strings.HasSuffix(p, word)) || len(p) >= 3 && strings.HasPrefix(word, p) {
			d = min(d, 1) // connections for max_connections, warning for warn
		}
		if d < bestDistance {
			best, bestDistance = k, d
		}
	}
	return best
}

// plain takes away what people write differently in keys: max-size, maxSize, MAX_SIZE.
func plain(s string) string {
	return strings.ToLower(strings.NewReplacer("_", "", "-", "", " ", "", ".", "").Replace(s))
}

// show prints a value for a fault: as written where that is clear, else in quotes; never long,
// never with control characters.
func show(s string) string {
	const most = 60
	if len(s) > most {
		cut := most
		for cut > 0 && !utf8.RuneStart(s[cut]) {
			cut--
		}
		return strconv.Quote(s[:cut]) + "…"
	}
	odd := func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) || r == '"' }
	if s == "" || strings.IndexFunc(s, odd) >= 0 || strings.Contains(s, ": ") || strings.HasSuffix(s, ":") {
		return strconv.Quote(s)
	}
	return s
}

// asList writes text as a list, each element in quotes: an address with a port needs them between { }.
func asList(text string) string {
	parts := strings.Split(text, ",")
	for i, p := range parts {
		if parts[i] = show(strings.TrimSpace(p)); !strings.HasPrefix(parts[i], `"`) {
			parts[i] = strconv.Quote(parts[i])
		}
	}
	return "[" + strings.Join(parts, ", ") + "]"
}

// list joins words as a person would read them.
func list(words []string) string {
	words = slices.Clone(words)
	slices.Sort(words)
	return strings.Join(words, ", ")
}

// namesSecret reports a path or a line of the file whose value must not be repeated in a message:
// also one with a misspelt key, which has no type yet.
func namesSecret(s string) bool {
	s = strings.ToLower(s)
	if strings.HasSuffix(s, "_file") {
		return false
	}
	for _, word := range []string{"pass", "pasw", "secret", "token", "pwd", "credential"} {
		if strings.Contains(s, word) {
			return true
		}
	}
	return false
}
