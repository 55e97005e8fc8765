package kafka

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"vswarden/setting"
)

// authority signs certificates for the tests.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pool *x509.CertPool
	file string // PEM
	dir  string
}

func newAuthority(t *testing.T, name string) *authority {
	t.Helper()
	a := &authority{pool: x509.NewCertPool(), dir: t.TempDir()}
	a.file = filepath.Join(a.dir, "ca.pem")
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	a.key = key
	a.pool.AddCert(a.cert)
	writePEM(t, a.file, "CERTIFICATE", der)
	return a
}

// issue writes a certificate and its key, good for 127.0.0.1 from begin to end, and returns their paths.
func (a *authority) issue(t *testing.T, name string, begin, end time.Time) (certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, NotBefore: begin, NotAfter: end,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	certFile, keyFile = filepath.Join(a.dir, name+".pem"), filepath.Join(a.dir, name+".key")
	writePEM(t, certFile, "CERTIFICATE", der)
	writePEM(t, keyFile, "PRIVATE KEY", pkcs8)
	return certFile, keyFile
}

func writePEM(t *testing.T, path, kind string, der []byte) {
	t.Helper()
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
}

// serverTLS is the TLS of a broker; clients may be wanted to show a certificate of a.
func (a *authority) serverTLS(t *testing.T, wantClients bool, end time.Time) *tls.Config {
	t.Helper()
	pair, err := tls.LoadX509KeyPair(a.issue(t, "server", time.Now().Add(-time.Hour), end))
	if err != nil {
		t.Fatal(err)
	}
	cfg := &tls.Config{Certificates: []tls.Certificate{pair}}
	if wantClients {
		cfg.ClientCAs, cfg.ClientAuth = a.pool, tls.RequireAndVerifyClientCert
	}
	return cfg
}

// refused returns the error of a Produce that must fail.
func refused(t *testing.T, p *Producer) error {
	t.Helper()
	verdicts, err := p.Produce(t.Context(), numbered("esx1", 0, 1))
	if err == nil && verdicts != nil {
		err = verdicts[0]
	}
	if err == nil {
		t.Fatal("no error")
	}
	return err
}

func wantText(t *testing.T, err error, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("error %q does not say %q", err, text)
		}
	}
}

func TestTLS(t *testing.T) {
	a := newAuthority(t, "one")
	c := fake(t, 1, kfake.TLS(a.serverTLS(t, false, time.Now().Add(time.Hour))))
	mustProduce(t, producer(t, c, func(cfg *ProducerConfig) { cfg.Cluster.TLS = TLS{Enabled: true, CAFile: a.file} }), numbered("esx1", 0, 1))
	mustProduce(t, producer(t, c, func(cfg *ProducerConfig) { cfg.Cluster.TLS = TLS{Enabled: true, Insecure: true} }), numbered("esx1", 1, 1))

	for _, test := range []struct {
		name string
		tls  TLS
		says string
	}{
		{"off", TLS{}, "does this port want TLS (tls.enabled)?"},
		{"unknown signer", TLS{Enabled: true}, "signed by none of this system's authorities; set tls.ca_file: "},
		{"other signer", TLS{Enabled: true, CAFile: newAuthority(t, "two").file}, "signed by nobody in tls.ca_file"},
		{"other name", TLS{Enabled: true, CAFile: a.file, ServerName: "kafka9"}, "for another name; see tls.server_name"},
		{"no such file", TLS{Enabled: true, CAFile: "/nowhere/ca.pem"}, "read ca_file: open /nowhere/ca.pem"},
		{"no certificate in it", TLS{Enabled: true, CAFile: os.DevNull}, "no PEM certificate in /dev/null"},
		{"key without a file", TLS{Enabled: true, CAFile: a.file, CertFile: "/nowhere/c", KeyFile: "/nowhere/k"}, "read cert_file and key_file"},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := refused(t, producer(t, c, func(cfg *ProducerConfig) { cfg.Cluster.TLS = test.tls }))
			wantText(t, err, test.says, "broker 127.0.0.1:")
		})
	}
}

func TestTLSWhereThereIsNone(t *testing.T) {
	c := fake(t, 1)
	err := refused(t, producer(t, c, func(cfg *ProducerConfig) {
		cfg.Cluster.TLS = TLS{Enabled: true, Insecure: true}
		cfg.Cluster.DialTimeout = 100 * time.Millisecond // a broker reads a length and waits
	}))
	wantText(t, err, "no TLS at this address")
}

func TestClientCertificate(t *testing.T) {
	a := newAuthority(t, "one")
	c := fake(t, 1, kfake.TLS(a.serverTLS(t, true, time.Now().Add(time.Hour))))
	cert, key := a.issue(t, "vswarden", time.Now().Add(-2*time.Hour), time.Now().Add(-time.Hour))
	p := producer(t, c, func(cfg *ProducerConfig) {
		cfg.Cluster.TLS = TLS{Enabled: true, CAFile: a.file, CertFile: cert, KeyFile: key}
	})
	wantText(t, refused(t, p), "the broker does not take our TLS or our certificate")
	a.issue(t, "vswarden", time.Now().Add(-time.Hour), time.Now().Add(time.Hour)) // renewed under the same name
	mustProduce(t, p, numbered("esx1", 0, 1))

	none := producer(t, c, func(cfg *ProducerConfig) { cfg.Cluster.TLS = TLS{Enabled: true, CAFile: a.file} })
	wantText(t, refused(t, none), "does it want a certificate (tls.cert_file)?")
}

func TestSASL(t *testing.T) {
	t.Run("where there is none", func(t *testing.T) {
		c := fake(t, 1)
		c.ControlKey(int16(kmsg.SASLHandshake), func(req kmsg.Request) (kmsg.Response, error, bool) { // as Kafka's PLAINTEXT
			c.KeepControl()
			res := req.ResponseKind().(*kmsg.SASLHandshakeResponse)
			res.ErrorCode = int16(kafkago.IllegalSASLState)
			return res, nil, true
		})
		err := refused(t, producer(t, c, func(cfg *ProducerConfig) {
			cfg.Cluster.SASL = SASL{Mechanism: SASLPlain, Username: "alice", Password: setting.NewSecret("w")}
		}))
		wantText(t, err, "this port takes no SASL, its listener is PLAINTEXT or SSL; delete sasl, or write the SASL port of the broker: Illegal SASL State")
		if strings.Contains(err.Error(), "it takes") {
			t.Errorf("a list of no mechanisms: %v", err)
		}
	})
	for _, test := range []struct{ mechanism, method string }{
		{SASLPlain, "PLAIN"}, {SASLScram256, "SCRAM-SHA-256"}, {SASLScram512, "SCRAM-SHA-512"},
	} {
		t.Run(test.mechanism, func(t *testing.T) {
			c := fake(t, 1, kfake.EnableSASL(), kfake.Superuser(test.method, "alice", "p, =w"))
			file := filepath.Join(t.TempDir(), "password")
			password := func(s string) {
				if err := os.WriteFile(file, []byte(s+"\n"), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			password("wrong")
			p := producer(t, c, func(cfg *ProducerConfig) {
				cfg.Cluster.SASL = SASL{Mechanism: test.mechanism, Username: "alice", PasswordFile: file}
			})
			err := refused(t, p)
			wantText(t, err, "not let in as user alice")
			if !errors.Is(err, kafkago.SASLAuthenticationFailed) || strings.Contains(err.Error(), "wrong") {
				t.Errorf("error %v", err)
			}
			password("p, =w") // repaired without a restart
			mustProduce(t, p, numbered("esx1", 0, 1))

			other := producer(t, c, func(cfg *ProducerConfig) {
				cfg.Cluster.SASL = SASL{Mechanism: test.mechanism, Username: "alice", Password: setting.NewSecret("p, =w")}
			})
			mustProduce(t, other, numbered("esx1", 1, 1))
			gone := producer(t, c, func(cfg *ProducerConfig) {
				cfg.Cluster.SASL = SASL{Mechanism: test.mechanism, Username: "alice", PasswordFile: file + ".no"}
			})
			wantText(t, refused(t, gone), "read password_file", "no such file")
		})
	}
}

func TestSASLWhereThereIsNoneAndNoneWhereThereIs(t *testing.T) {
	c := fake(t, 1, kfake.EnableSASL(), kfake.Superuser("PLAIN", "alice", "secret"))
	wantText(t, refused(t, producer(t, c, nil)), "does this port want a user (sasl.mechanism)?")
}

func TestSASLSessionThatEndsIsRenewed(t *testing.T) {
	c := fake(t, 1)
	p := producer(t, c, nil)
	mustProduce(t, p, numbered("esx1", 0, 1))
	l := p.links[p.view.brokers[p.view.leaders[0]]]
	first := l.conn
	mustProduce(t, p, numbered("esx1", 1, 1))
	if l.conn != first {
		t.Error("each request has its own connection")
	}
	l.conn.until = time.Now()
	mustProduce(t, p, numbered("esx1", 2, 1))
	if l.conn == first {
		t.Error("a connection whose session has ended is used again")
	}
	second := l.conn
	l.conn.used = time.Now().Add(-2 * idleMax)
	mustProduce(t, p, numbered("esx1", 3, 1))
	if l.conn == second {
		t.Error("a connection that was silent for long is used again")
	}
}

func TestDeniedTopicNamesTheRights(t *testing.T) {
	acl := func(op kmsg.ACLOperation) kfake.ACL {
		return kfake.ACL{Resource: kmsg.ACLResourceTypeTopic, Name: "t", Pattern: kmsg.ACLResourcePatternTypeLiteral, Operation: op, Allow: true}
	}
	c := fake(t, 1, kfake.EnableSASL(), kfake.EnableACLs(), kfake.Superuser("PLAIN", "admin", "secret"),
		kfake.User("PLAIN", "reader", "secret", acl(kmsg.ACLOperationDescribe)), kfake.User("PLAIN", "nobody", "secret"),
		kfake.User("PLAIN", "writer", "secret", acl(kmsg.ACLOperationWrite)))
	as := func(user string) *Producer {
		return producer(t, c, func(cfg *ProducerConfig) {
			cfg.Cluster.SASL = SASL{Mechanism: SASLPlain, Username: user, Password: setting.NewSecret("secret")}
		})
	}
	for _, user := range []string{"nobody", "reader"} {
		err := refused(t, as(user))
		wantText(t, err, "topic t: user "+user+" may not write to it; it needs the ACLs Write and Describe")
		if !errors.Is(err, kafkago.TopicAuthorizationFailed) {
			t.Errorf("error %v", err)
		}
	}
	mustProduce(t, as("writer"), numbered("esx1", 0, 1))
}
