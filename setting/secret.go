package setting

import (
	"fmt"
	"io"
	"os"
	"strings"
)

// hidden is what a Secret prints.
const hidden = "<secret>"

// maxSecretFile bounds what ReadSecret reads: a private key or a token, not a log by mistake.
const maxSecretFile = 64 * KiB

// Secret is a password or a token. Whatever prints it (fmt with any verb, JSON, YAML, the
// program's log, a struct around it) prints <secret>, or nothing when it is empty; Reveal gives
// the text. The text lies behind a pointer because fmt reads unexported fields of a struct
// without asking their methods. Two Secrets are compared by Reveal, not by ==.
type Secret struct{ text *string }

// NewSecret hides s.
func NewSecret(s string) Secret {
	if s == "" {
		return Secret{}
	}
	return Secret{&s}
}

// ReadSecret reads a secret from a file (password_file and the like). One line end after it is
// not part of it: editors and echo write one.
func ReadSecret(path string) (Secret, error) {
	f, err := os.Open(path)
	if err != nil {
		return Secret{}, fmt.Errorf("read secret: %w", err)
	}
	defer func() { _ = f.Close() }() // only read
	b, err := io.ReadAll(io.LimitReader(f, int64(maxSecretFile)+1))
	if err != nil {
		return Secret{}, fmt.Errorf("read secret: %w", err)
	}
	if len(b) > int(maxSecretFile) {
		return Secret{}, fmt.Errorf("read secret: %s holds more than %v", path, maxSecretFile)
	}
	text := strings.TrimSuffix(strings.TrimSuffix(string(b), "\n"), "\r")
	if text == "" {
		return Secret{}, fmt.Errorf("read secret: %s is empty", path)
	}
	return NewSecret(text), nil
}

// Reveal returns the text itself.
func (s Secret) Reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

// IsZero reports whether there is no secret.
func (s Secret) IsZero() bool { return s.text == nil }

// String returns <secret>, or nothing for no secret.
func (s Secret) String() string {
	if s.IsZero() {
		return ""
	}
	return hidden
}

// Format prints String for every verb; without it %d would print the text in its complaint.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) } // fmt has nowhere to put the error

// MarshalText prints String: JSON and YAML.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText takes the text as it stands.
func (s *Secret) UnmarshalText(text []byte) error {
	*s = NewSecret(string(text))
	return nil
}
