package vcenter

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log"
	"maps"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/vmware/govmomi/vim25/types"

	"vswarden/inventory/vcenter/access"
)

// proxy stands between a feeder and its server and breaks what a test wants broken, over real sockets.
type proxy struct {
	t      testing.TB
	server *httptest.Server
	target string // scheme://host:port
	client *http.Client

	mu      sync.Mutex
	before  func(method string) int                   // HTTP status to answer with instead; 0 = pass on; -1 = cut; -2 = never answer
	rewrite func(method string, answer []byte) []byte // changes an answer
	cert    *tls.Certificate                          // what the front shows
	hanging chan struct{}                             // closed at the end: those who never get an answer
	calls   map[string]int
	serve   map[string]func(body string) string // what the proxy answers itself
}

const (
	cut     = -1
	silence = -2
)

func newProxy(t testing.TB, s *sim, secure bool) *proxy {
	t.Helper()
	p := &proxy{t: t, hanging: make(chan struct{}), calls: map[string]int{}}
	p.aim(s)
	p.client = &http.Client{
		Transport:     &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	p.server = httptest.NewUnstartedServer(p)
	if secure {
		p.renew()
		p.server.TLS = &tls.Config{GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
			p.mu.Lock()
			defer p.mu.Unlock()
			return &tls.Config{Certificates: []tls.Certificate{*p.cert}}, nil
		}}
		p.server.Config.ErrorLog = log.New(io.Discard, "", 0)
		p.server.StartTLS()
	} else {
		p.server.Start()
	}
	t.Cleanup(func() {
		close(p.hanging)
		p.server.CloseClientConnections()
		p.server.Close()
	})
	return p
}

// aim has the proxy talk to another server.
func (p *proxy) aim(s *sim) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.target = s.server.URL.Scheme + "://" + s.server.URL.Host
}

// config is how to reach the server through the proxy.
func (p *proxy) config(s *sim) access.Config {
	cfg := through(s.config(), p.server.Listener.Addr().String())
	if p.server.TLS != nil {
		cfg.URL = "https" + cfg.URL[len("http"):]
	}
	return cfg
}

// breaks sets what is broken from now on; nil breaks nothing.
func (p *proxy) breaks(before func(method string) int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.before = before
}

// rewrites sets how answers are changed from now on.
func (p *proxy) rewrites(rewrite func(method string, answer []byte) []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rewrite = rewrite
}

// called returns how often a method was called.
func (p *proxy) called(method string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.calls[method]
}

// disconnect cuts all connections.
func (p *proxy) disconnect() { p.server.CloseClientConnections() }

var bodyMethod = regexp.MustCompile(`Body[^>]*>\s*<([A-Za-z_]+)`)

func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	method := r.URL.Path
	if m := bodyMethod.FindSubmatch(body); m != nil {
		method = string(m[1])
	}
	p.mu.Lock()
	before, target := p.before, p.target
	p.calls[method]++
	p.mu.Unlock()
	if before != nil {
		switch code := before(method); code {
		case 0:
		case cut:
			panic(http.ErrAbortHandler)
		case silence:
			select {
			case <-p.hanging:
			case <-r.Context().Done():
			}
			panic(http.ErrAbortHandler)
		case noPermission:
			refuse(w, "NoPermission", `<privilegeId>System.Read</privilegeId>`)
			return
		case notAuthenticated:
			refuse(w, "NotAuthenticated", `<privilegeId>System.View</privilegeId>`)
			return
		case invalidVersion:
			refuse(w, "InvalidCollectorVersion", "")
			return
		default:
			http.Error(w, "broken on purpose", code)
			return
		}
	}
	p.mu.Lock()
	own := p.serve[method]
	p.mu.Unlock()
	if own != nil {
		_, _ = io.WriteString(w, `<?xml version="1.0"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soapenv:Body><`+
			method+`Response xmlns="urn:vim25">`+own(string(body))+`</`+method+`Response></soapenv:Body></soapenv:Envelope>`)
		return
	}
	req, err := http.NewRequestWithContext(r.Context(), r.Method, target+r.URL.RequestURI(), bytes.NewReader(body))
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	req.Header = r.Header.Clone()
	req.Header.Del("Accept-Encoding")
	res, err := p.client.Do(req)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	defer func() { _ = res.Body.Close() }()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	p.mu.Lock()
	rewrite := p.rewrite
	p.mu.Unlock()
	if rewrite != nil {
		answer = rewrite(method, answer)
	}
	maps.Copy(w.Header(), res.Header)
	w.Header().Set("Content-Length", strconv.Itoa(len(answer)))
	w.WriteHeader(res.StatusCode)
	_, _ = w.Write(answer)
}

const (
	noPermission     = -10
	notAuthenticated = -11
	invalidVersion   = -12
)

// refuse answers with a SOAP fault.
func refuse(w http.ResponseWriter, kind, inner string) {
	w.WriteHeader(http.StatusInternalServerError)
	_, _ = io.WriteString(w, `<?xml version="1.0"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soapenv:Body><soapenv:Fault><faultcode>ServerFaultCode</faultcode><faultstring>refused on purpose</faultstring><detail><`+
		kind+`Fault xmlns="urn:vim25" xsi:type="`+kind+`">`+inner+`</`+kind+`Fault></detail></soapenv:Fault></soapenv:Body></soapenv:Envelope>`)
}

// renew gives the front a new certificate of its own.
func (p *proxy) renew() {
	p.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		p.t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: "vc01"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		p.t.Fatal(err)
	}
	p.mu.Lock()
	p.cert = &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
	p.mu.Unlock()
}

// pem is the front's certificate.
func (p *proxy) pem() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: p.cert.Certificate[0]}))
}

// print is the front's thumbprint.
func (p *proxy) print() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	sum := sha256.Sum256(p.cert.Certificate[0])
	return access.Colons(sum[:])
}

// hide makes a property of a type of objects one that we may not read.
func hide(typ, path string) func(string, []byte) []byte {
	object := regexp.MustCompile(`(?s)<objectSet>.*?</objectSet>`)
	change := regexp.MustCompile(`(?s)<changeSet><name>` + regexp.QuoteMeta(path) + `</name>.*?</changeSet>`)
	return func(method string, answer []byte) []byte {
		if method != "WaitForUpdatesEx" {
			return answer
		}
		return object.ReplaceAllFunc(answer, func(o []byte) []byte {
			if !bytes.Contains(o, []byte(`<obj type="`+typ+`"`)) {
				return o
			}
			return change.ReplaceAll(o, []byte(`<missingSet><path>`+path+`</path><fault><fault xsi:type="NoPermission"><object type="Folder">group-d1</object><privilegeId>System.Read</privilegeId></fault><localizedMessage>no</localizedMessage></fault></missingSet>`))
		})
	}
}

// without leaves objects out of what the server shows: some by reference, others by their type.
func without(refs []types.ManagedObjectReference, typ string) func(string, []byte) []byte {
	object := regexp.MustCompile(`(?s)<objectSet>.*?</objectSet>`)
	return func(method string, answer []byte) []byte {
		if method != "WaitForUpdatesEx" {
			return answer
		}
		return object.ReplaceAllFunc(answer, func(o []byte) []byte {
			if bytes.Contains(o, []byte(`<obj type="`+typ+`"`)) {
				return nil
			}
			for _, ref := range refs {
				if bytes.Contains(o, []byte(`<obj type="`+ref.Type+`">`+ref.Value+`<`)) {
					return nil
				}
			}
			return o
		})
	}
}

// failOnce breaks the next call of a method.
func failOnce(method string, code int) func(string) int {
	var done atomic.Bool
	return func(m string) int {
		if m == method && !done.Swap(true) {
			return code
		}
		return 0
	}
}
