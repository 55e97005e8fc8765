package decode

import "strings"

// maxElements bounds how much work one line can ask for.
const maxElements = 64

// takeSD splits structured data off s (RFC 5424, 6.3): "[esx@4413 sub="Libs"] text". Several
// elements may follow one another. Values without quotes, with blanks and brackets in them, and with
// doubled quotes are taken too, and reported as not strict.
func takeSD(s string) (sd, rest string, strict, ok bool) {
	end := 0
	strict = true
	for n := 0; n < maxElements && end < len(s) && s[end] == '['; n++ {
		n := strictElement(s[end:])
		if n == 0 {
			strict = false
			n = looseElement(s[end:])
		}
		if n == 0 {
			break
		}
		end += n
	}
	return s[:end], s[end:], strict, end > 0
}

// strictElement is the length of one SD-ELEMENT as RFC 5424 has it; 0 if it is not one.
func strictElement(s string) int {
	i := sdName(s, 1)
	if s == "" || s[0] != '[' || i == 1 {
		return 0
	}
	for i < len(s) && s[i] == ' ' {
		start := i + 1
		i = sdName(s, start)
		if i == start || i+1 >= len(s) || s[i] != '=' || s[i+1] != '"' {
			return 0
		}
		if i = quotedEnd(s, i+2); i == 0 {
			return 0
		}
	}
	if i < len(s) && s[i] == ']' {
		return i + 1
	}
	return 0
}

// sdName is where the SD-NAME that begins at s[i] ends: printable ASCII without =, blank, ] and ".
func sdName(s string, i int) int {
	for i < len(s) && s[i] > ' ' && s[i] < 0x7f && s[i] != '=' && s[i] != ']' && s[i] != '"' {
		i++
	}
	return i
}

// quotedEnd is the index behind the quote that closes the value beginning at s[i]; 0 if none does.
func quotedEnd(s string, i int) int {
	for ; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		case ']':
			return 0 // RFC 5424 wants it escaped
		}
	}
	return 0
}

// looseElement is the length of one element as programs really write it: unquoted values may hold
// blanks and balanced brackets, quoted ones brackets and quotes. 0 if it does not end.
func looseElement(s string) int {
	if s == "" || s[0] != '[' || sdName(s, 1) == 1 {
		return 0
	}
	depth, closes := 0, true
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '[':
			depth++
		case ']':
			depth--
			if depth == 0 {
				return i + 1
			}
		case '"':
			if s[i-1] == '=' && closes {
				end := looseQuotedEnd(s, i+1)
				if closes = end > 0; closes { // else no later quote closes either
					i = end - 1
				}
			}
		}
	}
	return 0
}

// looseQuotedEnd is the index behind the quote that closes a value: the first one that the next
// parameter or the end of the element follows. Doubled quotes stay inside.
func looseQuotedEnd(s string, i int) int {
	for ; i < len(s); i++ {
		if s[i] == '\\' {
			i++
			continue
		}
		if s[i] == '"' && (i+1 == len(s) || s[i+1] == ' ' || s[i+1] == ']') {
			return i + 1
		}
	}
	return 0
}

// sdElement finds the element of sd whose id begins with prefix, such as "esx@".
func sdElement(sd, prefix string) string {
	if len(sd) > 1 && strings.HasPrefix(sd[1:], prefix) && find(sd, "][") < 0 {
		return sd // the only one
	}
	for len(sd) > 0 && sd[0] == '[' {
		n := strictElement(sd)
		if n == 0 {
			if n = looseElement(sd); n == 0 {
				return ""
			}
		}
		if strings.HasPrefix(sd[1:], prefix) {
			return sd[:n]
		}
		sd = sd[n:]
	}
	return ""
}
