package test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// certificates are paths of PEM files. The server's file holds key and certificate, as Kafka likes it.
type certificates struct {
	ca, server, client, clientKey string
	authority                     *x509.Certificate
	key                           *ecdsa.PrivateKey
}

func makeCertificates(t *testing.T) certificates {
	t.Helper()
	dir := t.TempDir()
	c := certificates{
		ca: filepath.Join(dir, "ca.pem"), server: filepath.Join(dir, "server.pem"),
		client: filepath.Join(dir, "client.pem"), clientKey: filepath.Join(dir, "client.key"),
	}
	var err error
	if c.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test CA"}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(24 * time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &c.key.PublicKey, c.key)
	if err != nil {
		t.Fatal(err)
	}
	if c.authority, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	keepPEM(t, c.ca, block("CERTIFICATE", der))
	key, cert := c.issue(t, "broker", time.Now().Add(24*time.Hour))
	keepPEM(t, c.server, key, cert)
	c.renewClient(t, time.Now().Add(24*time.Hour))
	return c
}

// renewClient writes a client's certificate anew.
func (c certificates) renewClient(t *testing.T, until time.Time) {
	t.Helper()
	key, cert := c.issue(t, "vswarden", until)
	keepPEM(t, c.client, cert)
	keepPEM(t, c.clientKey, key)
}

func (c certificates) issue(t *testing.T, name string, until time.Time) (key, cert []byte) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: until,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, c.authority, &private.PublicKey, c.key)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return block("PRIVATE KEY", pkcs8), block("CERTIFICATE", der)
}

func block(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

func keepPEM(t *testing.T, path string, blocks ...[]byte) {
	t.Helper()
	if err := os.WriteFile(path, bytes.Join(blocks, nil), 0o600); err != nil {
		t.Fatal(err)
	}
}
