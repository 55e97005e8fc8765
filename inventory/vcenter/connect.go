package vcenter

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/vmware/govmomi/fault"
	"github.com/vmware/govmomi/vim25"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
	"github.com/vmware/govmomi/vim25/xml"

	"vswarden/inventory/vcenter/access"
)

// maxAnswer bounds what one answer may hold: a page is 100 objects.
const maxAnswer = 256 * 1024 * 1024

var (
	errTooLarge    = errors.New("the answer is larger than any honest one")
	errLogin       = errors.New("login refused: the user name or the password is wrong")
	errNoRoot      = errors.New("the server names no inventory: it is no vCenter and no ESXi host")
	errNotAccepted = errors.New("the session is no longer accepted")
)

// link is one session with a server.
type link struct {
	*vim25.Client
	sessionKey string
	user       string
	// offset is by how much the server's clock is ahead of ours.
	offset time.Duration
	// leftover is what we made at the server and could not free when the line was cut.
	leftover []func(ctx context.Context) error
}

// dial connects and logs in. Every step ends with ctx.
func dial(ctx context.Context, cfg *access.Config, now func() time.Time) (*link, error) {
	u, err := cfg.Address()
	if err != nil {
		return nil, err
	}
	trust, err := cfg.Trust()
	if err != nil {
		return nil, err
	}
	sc := soap.NewClient(u, cfg.Insecure)
	sc.UserAgent = "vswarden"
	// govmomi's own way of dialling takes any certificate that a known authority signed, thumbprint or not.
	t := sc.DefaultTransport()
	t.DialTLSContext, t.TLSClientConfig = nil, trust
	t.DialContext = (&net.Dialer{Timeout: cfg.Timeout, KeepAlive: 15 * time.Second}).DialContext
	sc.Transport = bounded{t}
	c, err := vim25.NewClient(ctx, sc)
	if err != nil {
		t.CloseIdleConnections()
		return nil, fmt.Errorf("connect: %w", plain(err))
	}
	l := &link{Client: c}
	if c.ServiceContent.SessionManager == nil || c.ServiceContent.PropertyCollector.Value == "" || c.ServiceContent.RootFolder.Value == "" {
		t.CloseIdleConnections()
		return nil, errNoRoot
	}
	// An old server does not know the version govmomi speaks by itself.
	if v := serviceVersion(ctx, sc); v != "" {
		sc.Version = v
	}
	secret, err := cfg.Secret()
	if err != nil {
		t.CloseIdleConnections()
		return nil, err
	}
	res, err := methods.Login(ctx, c, &types.Login{This: *c.ServiceContent.SessionManager, UserName: cfg.Username, Password: secret.Reveal()})
	if err != nil {
		t.CloseIdleConnections()
		if fault.Is(err, &types.InvalidLogin{}) || fault.Is(err, &types.NoPermission{}) {
			return nil, fmt.Errorf("%w (%s)", errLogin, cfg.Username)
		}
		return nil, fmt.Errorf("log in: %w", plain(err))
	}
	l.sessionKey, l.user = res.Returnval.Key, res.Returnval.UserName
	asked := now()
	if server, err := methods.GetCurrentTime(ctx, c); err == nil {
		l.offset = server.Sub(asked.Add(now().Sub(asked) / 2))
	}
	return l, nil
}

// close logs out: servers bound the number of sessions. It waits no longer than a moment for a server that is away.
func (l *link) close() {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	_, _ = methods.Logout(ctx, l, &types.Logout{This: *l.ServiceContent.SessionManager}) // the session ends by itself otherwise
	l.CloseIdleConnections()
}

// alive asks whether the server still knows the session, after the line was cut, and frees what is left over from before.
// An error says that the server cannot be asked.
func (l *link) alive(ctx context.Context) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	manager := *l.ServiceContent.SessionManager
	res, err := methods.RetrieveProperties(ctx, l, &types.RetrieveProperties{This: l.ServiceContent.PropertyCollector, SpecSet: []types.PropertyFilterSpec{{
		ObjectSet: []types.ObjectSpec{{Obj: manager}}, PropSet: []types.PropertySpec{{Type: manager.Type, PathSet: []string{"currentSession"}}},
	}}})
	if err != nil {
		if soap.IsSoapFault(err) {
			return false, nil
		}
		return false, err
	}
	known := false
	for _, o := range res.Returnval {
		for _, p := range o.PropSet {
			_, ok := p.Val.(types.UserSession)
			known = known || ok
		}
	}
	for _, free := range l.leftover {
		_ = free(ctx) // once more; the session's end frees it otherwise
	}
	l.leftover = nil
	return known, nil
}

// ours returns what a stamp of the server is by our clock.
func (l *link) ours(t time.Time) time.Time {
	if l.offset.Abs() < time.Second {
		return t
	}
	return t.Add(-l.offset)
}

// bounded cuts off answers that never end.
type bounded struct{ http.RoundTripper }

// RoundTrip does a request whose answer's body is bounded.
func (b bounded) RoundTrip(req *http.Request) (*http.Response, error) {
	res, err := b.RoundTripper.RoundTrip(req)
	if err == nil {
		res.Body = &boundedBody{res.Body, maxAnswer}
	}
	return res, err
}

// CloseIdleConnections is asked for by http.Client.
func (b bounded) CloseIdleConnections() {
	if c, ok := b.RoundTripper.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

type boundedBody struct {
	io.ReadCloser
	left int64
}

func (b *boundedBody) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errTooLarge
	}
	n, err := b.ReadCloser.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	return n, err
}

// serviceVersion returns the API version the server speaks, or nothing. It is soap.Client.UseServiceVersion with an
// end.
func serviceVersion(ctx context.Context, c *soap.Client) string {
	u := c.URL()
	u.Path = strings.TrimSuffix(u.Path, "/") + "/vimServiceVersions.xml"
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return ""
	}
	res, err := c.Client.Do(req)
	if err != nil {
		return ""
	}
	defer func() { _ = res.Body.Close() }()
	var v struct {
		Version string `xml:"namespace>version"`
	}
	if res.StatusCode != http.StatusOK || xml.NewDecoder(io.LimitReader(res.Body, 64*1024)).Decode(&v) != nil {
		return ""
	}
	return v.Version
}

// answerError is a fault in words a person can use; the fault itself is behind it.
type answerError struct {
	text string
	err  error
}

func (e *answerError) Error() string { return e.text }
func (e *answerError) Unwrap() error { return e.err }

// plain makes a fault's error say what a person can use.
func plain(err error) error {
	if err == nil || !soap.IsSoapFault(err) {
		return err
	}
	f := soap.ToSoapFault(err)
	text := strings.TrimSpace(f.String)
	if v := f.VimFault(); v != nil {
		kind := fmt.Sprintf("%T", v)
		kind = kind[strings.LastIndexByte(kind, '.')+1:]
		if text == "" {
			text = kind
		} else if !strings.Contains(text, kind) {
			text += " (" + kind + ")"
		}
	}
	return &answerError{text, err}
}

// dead reports whether an error means that the session is worth nothing any more.
func dead(err error) bool { return fault.Is(err, &types.NotAuthenticated{}) }
