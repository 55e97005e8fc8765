package receiver

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"syscall"
	"time"

	"vswarden/setting"
)

// TLSConfig is for listeners at tls://.
type TLSConfig struct {
	// Cert and Key are PEM files: our certificate, with what lies between it and the CA, and its
	// private key. They are read again when they change.
	Cert string `yaml:"cert"`
	Key  string `yaml:"key"`
	// ClientCA is a PEM file of the CAs whose client certificates are believed.
	ClientCA string `yaml:"client_ca"`
	// ClientAuth says, where there is a ClientCA, whether senders without a certificate are
	// served (optional) or not (required). A certificate that is given must be good either way.
	// ESXi gives none.
	ClientAuth ClientAuth `yaml:"client_auth"`
	// Plain also takes senders that do not speak TLS. The first byte tells.
	Plain bool `yaml:"plain"`
	// HandshakeTimeout ends a handshake that takes longer, and a PROXY header too.
	HandshakeTimeout time.Duration `yaml:"handshake_timeout"`
	// MaxHandshakes is how many may be going on at once. Further ones wait; one that has stalled
	// gives way.
	MaxHandshakes int `yaml:"max_handshakes"`
}

// ClientAuth is optional or required.
type ClientAuth string

// What ClientAuth may be.
const (
	ClientAuthOptional ClientAuth = "optional"
	ClientAuthRequired ClientAuth = "required"
)

func defaultTLSConfig() TLSConfig {
	return TLSConfig{ClientAuth: ClientAuthOptional, HandshakeTimeout: 10 * time.Second, MaxHandshakes: 256}
}

// Validate returns all faults. It opens no file.
func (c TLSConfig) Validate() (faults []setting.Fault) {
	fault := func(path string, value any, problem string) {
		faults = append(faults, setting.Fault{Path: path, Value: fmt.Sprint(value), Problem: problem})
	}
	if c.Cert == "" {
		fault("cert", `""`, "write the path of a PEM file with the certificate")
	}
	if c.Key == "" {
		fault("key", `""`, "write the path of a PEM file with the private key")
	}
	if c.ClientAuth != ClientAuthOptional && c.ClientAuth != ClientAuthRequired {
		fault("client_auth", c.ClientAuth, "write optional or required")
	}
	if c.ClientAuth == ClientAuthRequired && c.ClientCA == "" {
		fault("client_auth", c.ClientAuth, "no certificate can be checked: set client_ca too, or write optional")
	}
	if c.HandshakeTimeout <= 0 {
		fault("handshake_timeout", c.HandshakeTimeout, "write a duration such as 10s")
	}
	if c.MaxHandshakes < 1 {
		fault("max_handshakes", c.MaxHandshakes, "write a number above 0")
	}
	return faults
}

var (
	errOldVersion   = errors.New("the client knows no TLS newer than 1.1")
	errNoClientCert = errors.New("the client gave no certificate, and client_auth is required")
)

// load reads the files. The result has session ticket keys of its own, which crypto/tls replaces
// every day: tickets given out before a reload are worth nothing after it.
func (c TLSConfig) load() (*tls.Config, fileStamps, error) {
	files := stampFiles(c.Cert, c.Key, c.ClientCA) // before reading: what changes meanwhile is read again
	pair, err := tls.LoadX509KeyPair(c.Cert, c.Key)
	if err != nil {
		return nil, files, fmt.Errorf("load certificate %s and key %s: %w", c.Cert, c.Key, err)
	}
	t := &tls.Config{
		Certificates: []tls.Certificate{pair},
		MinVersion:   tls.VersionTLS12,
		GetConfigForClient: func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
			if slices.Max(append(hello.SupportedVersions, 0)) < tls.VersionTLS12 {
				return nil, errOldVersion
			}
			return nil, nil
		},
	}
	if c.ClientCA == "" {
		return t, files, nil
	}
	pem, err := os.ReadFile(c.ClientCA)
	if err != nil {
		return nil, files, fmt.Errorf("load client CA: %w", err)
	}
	t.ClientCAs = x509.NewCertPool()
	if !t.ClientCAs.AppendCertsFromPEM(pem) {
		return nil, files, fmt.Errorf("load client CA %s: no certificate in it; PEM is wanted", c.ClientCA)
	}
	t.ClientAuth = tls.VerifyClientCertIfGiven
	if c.ClientAuth == ClientAuthRequired {
		t.VerifyConnection = func(s tls.ConnectionState) error {
			if len(s.VerifiedChains) == 0 {
				return errNoClientCert
			}
			return nil
		}
	}
	return t, files, nil
}

// peerName is the name of a verified client certificate: its first DNS name, else its common name,
// else an IP address or the certificate's own SHA-256.
func peerName(s tls.ConnectionState) string {
	if len(s.VerifiedChains) == 0 {
		return ""
	}
	c := s.PeerCertificates[0]
	switch {
	case len(c.DNSNames) > 0:
		return c.DNSNames[0]
	case c.Subject.CommonName != "":
		return c.Subject.CommonName
	case len(c.IPAddresses) > 0:
		return c.IPAddresses[0].String()
	}
	sum := sha256.Sum256(c.Raw)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// HandshakeFault is why a TLS handshake came to nothing.
type HandshakeFault uint8

// The reasons.
const (
	HandshakeTimeout  HandshakeFault = iota
	HandshakeClosed                  // by the other end
	NotTLS                           // plain text
	OldVersion                       // nothing newer than TLS 1.1
	NoClientCert                     // and client_auth is required
	BadClientCert                    // not from client_ca, or out of date
	PeerRefused                      // the other end does not like our certificate, or TLS version
	HandshakeStalled                 // gave way to another one at max_handshakes
	HandshakeOverload                // no place among max_handshakes before its time was up
	HandshakeOther

	handshakeFaults = iota
)

// String returns the metric label.
func (f HandshakeFault) String() string {
	return [handshakeFaults]string{
		"timeout", "closed", "not_tls", "old_version", "no_client_certificate", "bad_client_certificate",
		"refused_by_peer", "stalled", "overload", "other",
	}[f]
}

// handshakeFault finds the reason in what crypto/tls said.
func handshakeFault(err error) HandshakeFault {
	_, notTLS := errors.AsType[tls.RecordHeaderError](err)
	_, badCert := errors.AsType[*tls.CertificateVerificationError](err)
	op, isOp := errors.AsType[*net.OpError](err)
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return HandshakeTimeout
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return HandshakeClosed
	case notTLS:
		return NotTLS
	case errors.Is(err, errOldVersion):
		return OldVersion
	case errors.Is(err, errNoClientCert):
		return NoClientCert
	case badCert:
		return BadClientCert
	case isOp && op.Op == "remote error": // an alert, whose type crypto/tls keeps to itself
		return PeerRefused
	}
	return HandshakeOther
}

// alertSize is the length of an alert as a record in plain text.
const alertSize = 7

// plainAlert is the alert that the other end sent, where err says that what it sent could not be decrypted. OpenSSL, and so
// ESXi, tells what it thinks of a certificate in plain text, also in TLS 1.3, where crypto/tls expects it encrypted
// and finds a bad record MAC.
func plainAlert(tail [alertSize]byte, err error) error {
	op, ok := errors.AsType[*net.OpError](err)
	const alert, warning, fatal = 21, 1, 2
	if !ok || op.Op != "local error" || tail[0] != alert || tail[1] != 3 || tail[3] != 0 || tail[4] != 2 || tail[5] != warning && tail[5] != fatal {
		return err
	}
	return &net.OpError{Op: "remote error", Err: tls.AlertError(tail[6])}
}

// cure says what to do about it, in the program's log.
func (f HandshakeFault) cure() string {
	switch f {
	case NotTLS:
		return "set the sender to TLS (ESXi: ssl://), or plain: true here"
	case OldVersion:
		return "let the sender use TLS 1.2 or newer"
	case NoClientCert, BadClientCert:
		return "give the sender a certificate from client_ca"
	case PeerRefused:
		return "the sender must trust the CA of our certificate, and the certificate must bear the name it dials; " +
			"ESXi: add the CA with esxcli system security certificatestore add, then esxcli system syslog reload"
	}
	return ""
}

// fileStamps tell whether files changed. A missing file has the zero stamp.
type fileStamps [3]fileStamp

type fileStamp struct {
	modified time.Time
	size     int64
}

func stampFiles(names ...string) (s fileStamps) {
	for i, name := range names {
		if info, err := os.Stat(name); name != "" && err == nil {
			s[i] = fileStamp{info.ModTime(), info.Size()}
		}
	}
	return s
}
