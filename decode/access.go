package decode

import (
	"strings"

	"vswarden/event"
)

// accessLine reads a line of an access log, in the forms that the web services of vCenter and of
// hosts have:
//
//	[stamp] POST /sdk HTTP/1.1 200 via_upstream - … 192.0.2.4:51002 192.0.2.8:443 …     envoy
//	[stamp] POST /sdk 200 via_upstream - … 192.0.2.4:51001 HTTP/1.1 TLSv1.2 192.0.2.8:443 …
//	[stamp] "GET /stats HTTP/1.1" 200 - 0 1000 60 - "-" "VMware-client/8.0.3" …          envoy's default
//	192.0.2.4 - bob [stamp] "GET /ui/ HTTP/1.1" 401 19 "-" "Mozilla/5.0"                tomcat, Apache
//	[stamp] tomcat-http--1 [Request] 192.0.2.4:51003 to local 7080 - HTTP/1.1 POST /sdk [Response] 200 - …
func accessLine(e *event.Event, s string) bool {
	s = trimSpaces(s)
	if s == "" || s[0] >= 'a' {
		return false
	}
	if s[0] >= 'A' && s[0] <= 'Z' { // a method, or nothing of ours
		if method, _, ok := token(s, 16); !ok || !isMethod(method) {
			return false
		}
	}
	if !strings.Contains(s, "HTTP/") {
		return false
	}
	client, user := "", ""
	if c, u, rest, ok := commonLog(s); ok {
		client, user, s = c, u, rest
	}
	stamp := ""
	stamp, s = accessStamp(s)
	ok := false
	if i := strings.Index(s[:min(len(s), 64+len("[Request]"))], "[Request] "); i >= 0 {
		ok = tomcatRequest(e, s[i+len("[Request] "):])
	} else {
		if rest, thread := strings.CutPrefix(s, "[tomcat-"); thread { // its thread stands before the request
			if _, after, found := strings.Cut(rest, "] "); found {
				s = after
			}
		}
		ok = request(e, s)
	}
	if !ok {
		return false
	}
	e.Act = event.ActAccess
	if e.TimeSource != event.TimeHeader {
		if t, n := accessTime(stamp); n > 0 {
			setTime(e, t, stamp[:n])
		}
	}
	if client != "" && client != "-" {
		e.Source = endpoint(client)
	}
	if user != "" && user != "-" {
		e.User = splitUser(user)
	}
	querySecrets(e, e.Access.Query)
	return true
}

// commonLog takes `192.0.2.4 - bob ` off the beginning of a line in the common log format: client,
// identity, user. Where the valve's pattern is %h %{X-Forwarded-For}i %l %u, there is one dash more.
func commonLog(s string) (client, user, rest string, ok bool) {
	client, rest, ok = token(s, 64)
	if !ok || client[0] == '[' || client[0] == '"' || !strings.HasPrefix(rest, "- ") {
		return "", "", s, false
	}
	rest = rest[len("- "):]
	for range 2 {
		if user, rest, ok = token(rest, 256); !ok || user[0] == '[' {
			return "", "", s, false
		}
		if strings.HasPrefix(rest, "[") {
			return client, user, rest, true
		}
	}
	return "", "", s, false
}

// accessStamp takes the stamp off s, with or without brackets.
func accessStamp(s string) (stamp, rest string) {
	if strings.HasPrefix(s, "[") {
		if inner, rest, ok := strings.Cut(s[1:], "] "); ok && len(inner) <= 40 && inner != "" && isDigit(inner[0]) {
			return inner, rest
		}
		return "", s
	}
	if _, n := isoStamp(s); n > 0 && n < len(s) && s[n] == ' ' {
		return s[:n], s[n+1:]
	}
	return "", s
}

// accessTime reads a stamp of ISO 8601 or of the common log format: 01/Mar/2026:09:00:06 +0000.
func accessTime(s string) (t stamp, n int) {
	if t, n = isoStamp(s); n > 0 {
		return t, n
	}
	if len(s) < len("01/Mar/2026:09:00:06 +0000") || s[2] != '/' || s[6] != '/' || s[11] != ':' || s[14] != ':' || s[17] != ':' {
		return t, 0
	}
	year, month, day := two(s, 7)*100+two(s, 9), monthNumber(s[3:]), two(s, 0)
	hour, minute, sec := two(s, 12), two(s, 15), two(s, 18)
	offset, zone := isoZone(s[21:])
	if zone == 0 || offset == badOffset || year > 9999 || !dateExists(year, month, day) || hour > 23 || minute > 59 || sec > 60 {
		return t, 0
	}
	t.nanos, t.bad = unixNanos(year, month, day, hour*3600+minute*60+sec-offset, 0)
	return t, 21 + zone
}

// request reads `POST /sdk HTTP/1.1 200 …`, with or without quotes around the request.
func request(e *event.Event, s string) bool {
	quoted := strings.HasPrefix(s, `"`)
	if quoted {
		s = s[1:]
	}
	method, rest, ok := token(s, 16)
	if !ok || !isMethod(method) {
		return false
	}
	a := event.Access{Method: method}
	if quoted {
		target, after, ok := strings.Cut(rest, " HTTP/") // a target may hold quotes
		version, after, closed := strings.Cut(after, `" `)
		if !ok || !closed || len(version) > 8 {
			return false
		}
		setTarget(&a, target, version)
		rest = after
	} else {
		target, after, ok := token(rest, 1<<13)
		if !ok {
			return false
		}
		version := ""
		if v, r, ok := token(after, 16); ok && strings.HasPrefix(v, "HTTP/") {
			version, after = v[len("HTTP/"):], r
		}
		setTarget(&a, target, version)
		rest = after
	}
	status, n := number(rest)
	if n != 3 && (n != 1 || status != 0) || n < len(rest) && rest[n] != ' ' {
		return false
	}
	a.Status = uint16(status)
	e.Rarely().Access = a
	ends(e, rest[n:])
	if quoted {
		e.Login.Agent = agent(rest[n:])
	}
	return true
}

// setTarget splits the target of a request at its query.
func setTarget(a *event.Access, target, version string) {
	a.Version = version
	a.Path, a.Query, _ = strings.Cut(target, "?")
}

// isMethod reports a word that is built as the methods of HTTP are: no list, since WebDAV has more.
func isMethod(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < 'A' || c > 'Z' {
			return false
		}
	}
	return len(s) >= 3
}

// ends reads the first two addresses with a port behind the status: client and server. A version
// of HTTP that stands between them is the client's.
func ends(e *event.Event, s string) {
	for i := 0; i < len(s) && e.Destination.Port == 0; {
		if s[i] == ' ' || s[i] == '\t' {
			i++
			continue
		}
		from := i
		if i++; i < len(s) && s[i] != ' ' { // many are one byte long
			if n := strings.IndexByte(s[i:], ' '); n >= 0 {
				i += n
			} else {
				i = len(s)
			}
		}
		word := s[from:i]
		if version, ok := strings.CutPrefix(word, "HTTP/"); ok && e.Access.Version == "" {
			e.Rarely().Access.Version = version
			continue
		}
		if !isAddressPort(word) {
			continue
		}
		if e.Source.Port == 0 {
			e.Source = endpoint(word)
		} else {
			e.Rarely().Destination = endpoint(word)
		}
	}
}

// isAddressPort reports 192.0.2.4:443 and [2001:db8::1]:443 by their form.
func isAddressPort(s string) bool {
	if len(s) < len("a::1") || !isDigit(s[len(s)-1]) || s[0] > '9' && s[0] != '[' {
		return false // most words
	}
	i := strings.LastIndexByte(s, ':')
	if i < 2 || i+1 == len(s) {
		return false
	}
	address, port := s[:i], s[i+1:]
	if trailingDigits(port) != len(port) {
		return false
	}
	if strings.HasPrefix(address, "[") {
		return strings.HasSuffix(address, "]")
	}
	return isAddress(address) && strings.IndexByte(address, ':') < 0
}

// agent is the program that asked: the second of several words in quotes (the first is who is behind
// a proxy, or from which page somebody came), or the only one.
func agent(s string) string {
	var first string
	for range 2 {
		_, rest, ok := strings.Cut(s, `"`)
		if !ok {
			break
		}
		word, after, ok := strings.Cut(rest, `"`)
		if !ok {
			break
		}
		first, s = word, after
	}
	if first == "-" {
		return ""
	}
	return first
}

// tomcatRequest reads what follows "[Request] ": "192.0.2.4:51003 to local 7080 - HTTP/1.1 POST /sdk
// [Response] 200 - 100 bytes …".
func tomcatRequest(e *event.Event, s string) bool {
	client, rest, ok := strings.Cut(s, " to local ")
	if !ok || strings.IndexByte(client, ' ') >= 0 {
		return false
	}
	_, rest, ok = strings.Cut(rest, " HTTP/")
	if !ok {
		return false
	}
	version, rest, ok := token(rest, 8)
	if !ok {
		return false
	}
	method, rest, ok := token(rest, 16)
	if !ok || !isMethod(method) {
		return false
	}
	target, rest, ok := strings.Cut(rest, " [Response] ")
	if !ok {
		return false
	}
	a := event.Access{Method: method}
	setTarget(&a, target, version)
	if status, n := number(rest); n == 3 {
		a.Status = uint16(status)
	}
	e.Rarely().Access, e.Source = a, endpoint(client)
	return true
}

// querySecrets marks the values of parameters that are called like a secret.
func querySecrets(e *event.Event, query string) {
	if !secretName(query) {
		return
	}
	for query != "" {
		var pair string
		pair, query, _ = strings.Cut(query, "&")
		if name, value, ok := strings.Cut(pair, "="); ok && secretName(name) {
			addSecret(e, value)
		}
	}
}
