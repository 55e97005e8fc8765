package kafka

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"

	kafkago "github.com/segmentio/kafka-go"
)

// RefusedError says that Kafka will never take a message, and why. All other errors heal.
type RefusedError struct{ Reason string }

func (e *RefusedError) Error() string { return e.Reason }

// handshakeError is a TLS handshake that failed.
type handshakeError struct{ err error }

func (e handshakeError) Error() string { return "TLS: " + e.err.Error() }
func (e handshakeError) Unwrap() error { return e.err }

// negotiateError is the first answer of a broker that did not come.
type negotiateError struct{ err error }

func (e negotiateError) Error() string { return e.err.Error() }
func (e negotiateError) Unwrap() error { return e.err }

// brokerError is an error code of a broker with what the broker says of it.
func brokerError(code int16, message string) error {
	err := kafkago.Error(code)
	if message == "" || message == err.Description() {
		return codeError{err, ""}
	}
	return codeError{err, message}
}

// codeError prints an error code without kafka-go's paragraph on it.
type codeError struct {
	code    kafkago.Error
	message string
}

func (e codeError) Error() string {
	s := fmt.Sprintf("%s (Kafka error %d)", e.code.Title(), int(e.code))
	if e.message != "" {
		s += ": " + e.message
	}
	return s
}

func (e codeError) Unwrap() error { return e.code }

// plainError takes out of a network error what differs from one try to the next (our own port), so
// that the same trouble reads the same.
func plainError(err error) error {
	var op *net.OpError
	var call *os.SyscallError
	switch {
	case isTimeout(err):
		return errors.New("no answer in time")
	case errors.Is(err, context.Canceled):
		return err
	case errors.As(err, &op) && errors.As(op.Err, &call) && call.Syscall == op.Op:
		return op.Err // it begins with the same word
	case errors.As(err, &op):
		return fmt.Errorf("%s: %w", op.Op, op.Err)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("the broker closed the connection")
	}
	return err
}

// explainDial says of an error while connecting what it most likely means.
func explainDial(cfg *Config, err error) error {
	var (
		handshake handshakeError
		negotiate negotiateError
		unknown   x509.UnknownAuthorityError
		name      x509.HostnameError
		invalid   x509.CertificateInvalidError
		record    tls.RecordHeaderError
		hint      string
	)
	switch {
	case errors.Is(err, context.Canceled):
		return err
	case errors.As(err, &unknown):
		hint = "the broker's certificate is signed by nobody in tls.ca_file"
		if cfg.TLS.CAFile == "" {
			hint = "the broker's certificate is signed by none of this system's authorities; set tls.ca_file"
		}
	case errors.As(err, &name):
		hint = "the broker's certificate is for another name; see tls.server_name"
	case errors.As(err, &invalid):
		hint = "the broker's certificate is not valid"
	case isAlert(err):
		hint = "the broker does not take our TLS or our certificate"
		if cfg.TLS.CertFile == "" {
			hint = "the broker does not take our TLS; does it want a certificate (tls.cert_file)?"
		}
	case errors.As(err, &record), errors.As(err, &handshake) && (isEnd(err) || isTimeout(err)):
		hint = "no TLS at this address; is it the port for plain connections?"
	case errors.As(err, &negotiate) && isEnd(err) && !cfg.TLS.Enabled:
		hint = "it closed the connection at once; does this port want TLS (tls.enabled)?"
	case errors.As(err, &negotiate) && isEnd(err):
		hint = "it closed the connection at once"
		if cfg.TLS.CertFile == "" {
			hint += "; does it want a certificate (tls.cert_file)?"
		}
	case errors.Is(err, kafkago.IllegalSASLState):
		hint = "this port takes no SASL, its listener is PLAINTEXT or SSL; delete sasl, or write the SASL port of the broker"
	case errors.Is(err, kafkago.SASLAuthenticationFailed):
		hint = "not let in as user " + cfg.SASL.Username
	}
	if errors.As(err, &handshake) {
		err = handshake.err
	}
	err = plainError(err)
	if hint == "" {
		return err
	}
	return fmt.Errorf("%s: %w", hint, err)
}

// isAlert reports a TLS connection that the other side ended with a reason.
func isAlert(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "remote error"
}

// isTimeout reports an answer that did not come in time.
func isTimeout(err error) bool {
	return errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded)
}

// isEnd reports a connection that was closed by the other side.
func isEnd(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET)
}
