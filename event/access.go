package event

// Access is a line of an access log: a request that a web service of vCenter or of a host answered
// (http.*, url.*). Who asked is Event.Source and Event.User, with what program Login.Agent.
type Access struct {
	Method  string // GET, POST
	Path    string // url.path, without the query
	Query   string // url.query, without the question mark
	Version string // of HTTP: 1.1, 2
	Status  uint16 // 0: the line has none, or the request had no answer
}

// outcome is event.outcome of a request: ECS calls refused what was attempted and did not succeed.
func (a *Access) outcome() string {
	switch {
	case a.Status >= 400:
		return "failure"
	case a.Status != 0:
		return "success"
	}
	return "unknown"
}
