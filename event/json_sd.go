package event

import (
	"slices"
	"strings"
)

// maxSD bounds the elements of structured data, and the parameters of an element, that are taken
// apart: finding repeated names is quadratic. ESXi writes one element with a handful.
const maxSD = 32

// sdParam is one parameter of an element; its value is as written between the quotes.
type sdParam struct{ name, value string }

// appendStructuredData appends log.syslog.structured_data as one object, for Elastic's type
// flattened: {"esx@4413":{"threadName":"vobd"}}. A parameter that is repeated, as RFC 5424 allows,
// becomes a list. What cannot be taken apart is kept whole as {"raw":"…"}: always an object, and
// never with two equal keys.
func (e *Event) appendStructuredData(dst []byte) []byte {
	sd := e.Syslog.StructuredData
	if sd == "" || sd == "-" {
		return dst
	}
	dst = append(dst, `"structured_data":{`...)
	inside := len(dst)
	dst, ok := e.appendElements(dst, sd)
	if !ok {
		dst = e.appendMasked(dst[:inside], `"raw":"`, sd)
	}
	dst[len(dst)-1] = '}'
	return append(dst, ',')
}

// appendElements appends all elements of sd, each with a comma; false: not well-formed or too many.
func (e *Event) appendElements(dst []byte, sd string) ([]byte, bool) {
	var idSpace [maxSD]string
	var paramSpace [maxSD]sdParam
	for ids := idSpace[:0]; sd != ""; {
		id, params, rest, ok := cutElement(sd, paramSpace[:0])
		if !ok || len(ids) == maxSD || slices.Contains(ids, id) {
			return dst, false
		}
		ids = append(ids, id)
		dst = append(dst, '"')
		dst = appendText(dst, id)
		dst = append(dst, '"', ':', '{')
		for i, p := range params {
			dst = e.appendParam(dst, params, i, p)
		}
		if len(params) == 0 {
			dst = append(dst, ' ')
		}
		dst[len(dst)-1] = '}'
		dst = append(dst, ',')
		sd = rest
	}
	return dst, true
}

// appendParam appends params[i] with all later ones of its name, or nothing if an earlier one did.
func (e *Event) appendParam(dst []byte, params []sdParam, i int, p sdParam) []byte {
	same := func(q sdParam) bool { return q.name == p.name }
	if slices.ContainsFunc(params[:i], same) {
		return dst
	}
	dst = append(dst, '"')
	dst = appendText(dst, p.name)
	dst = append(dst, '"', ':')
	if !slices.ContainsFunc(params[i+1:], same) {
		return e.appendValue(dst, p.value)
	}
	dst = append(dst, '[')
	for _, q := range params[i:] {
		if same(q) {
			dst = e.appendValue(dst, q.value)
		}
	}
	dst[len(dst)-1] = ']'
	return append(dst, ',')
}

// appendValue appends a value as a JSON string with a comma, without the backslashes that RFC 5424
// puts before a quote, a backslash and a closing bracket.
func (e *Event) appendValue(dst []byte, v string) []byte {
	dst = append(dst, '"')
	for {
		i := strings.IndexByte(v, '\\')
		if i < 0 || i+1 == len(v) {
			break
		}
		dst = e.appendMaskedText(dst, v[:i])
		if c := v[i+1]; c != '"' && c != '\\' && c != ']' {
			dst = append(dst, '\\', '\\')
			v = v[i+1:]
			continue
		}
		dst = e.appendMaskedText(dst, v[i+1:i+2])
		v = v[i+2:]
	}
	dst = e.appendMaskedText(dst, v)
	return append(dst, '"', ',')
}

// cutElement takes `[id a="b" c=d]` off the front of s. ESXi leaves quotes out: so may s.
func cutElement(s string, into []sdParam) (id string, params []sdParam, rest string, ok bool) {
	end := strings.IndexAny(s, " ]")
	if s[0] != '[' || end < 0 || !validName(s[1:end]) {
		return "", nil, "", false
	}
	id, rest, params = s[1:end], s[end:], into
	for rest[0] == ' ' {
		var p sdParam
		if p, rest, ok = cutParam(rest[1:]); !ok || len(params) == maxSD {
			return "", nil, "", false
		}
		params = append(params, p)
	}
	if rest[0] != ']' {
		return "", nil, "", false
	}
	return id, params, rest[1:], true
}

// cutParam takes `name="value"` or `name=value` off the front of s; something is left.
func cutParam(s string) (p sdParam, rest string, ok bool) {
	p.name, s, ok = strings.Cut(s, "=")
	if !ok || !validName(p.name) {
		return p, "", false
	}
	end := 0
	if s != "" && s[0] == '"' {
		s = s[1:]
		for end < len(s) && s[end] != '"' {
			if s[end] == '\\' {
				end++
			}
			end++
		}
		if end+1 >= len(s) {
			return p, "", false
		}
		p.value = s[:end]
		return p, s[end+1:], true
	}
	if end = strings.IndexAny(s, " ]"); end < 0 {
		return p, "", false
	}
	p.value = s[:end]
	return p, s[end:], true
}

// validName reports whether s is an SD-NAME (RFC 5424, 6.3.3) of any length: printable ASCII
// without a blank, a quote, an equals sign or a closing bracket.
func validName(s string) bool {
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c >= 0x7f || c == '"' || c == '=' || c == ']' {
			return false
		}
	}
	return s != ""
}
