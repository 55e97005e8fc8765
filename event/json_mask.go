package event

import (
	"encoding/base64"
	"strings"
	"unsafe"
)

// masked stands where a password or token stood.
const masked = "***"

// appendMasked is appendField for text that may hold one of e.Secrets.
func (e *Event) appendMasked(dst []byte, key, value string) []byte {
	if e.Secrets.Count == 0 {
		return e.appendPartField(dst, key, value)
	}
	if value == "" {
		return dst
	}
	dst = append(dst, key...)
	dst = e.appendMaskedText(dst, value)
	return append(dst, '"', ',')
}

// appendMaskedText is appendText with e.Secrets left out.
func (e *Event) appendMaskedText(dst []byte, s string) []byte {
	if e.Secrets.Count == 0 {
		return e.appendPart(dst, s)
	}
	offset, ok := within(e.Raw, s)
	at := uint32(offset) // read only where ok
	for s != "" {
		start, end := e.nextSecret(s, at, ok)
		dst = appendText(dst, s[:start])
		if end > start {
			dst = append(dst, masked...)
		}
		s, at = s[end:], at+uint32(end)
	}
	return dst
}

// nextSecret finds the first secret in s, which begins at e.Raw[at] or, where it is no part of Raw,
// is searched for the secrets' texts. Without one, start and end are len(s).
func (e *Event) nextSecret(s string, at uint32, part bool) (start, end int) {
	start, end = len(s), len(s)
	for _, span := range e.Secrets.Spans[:min(int(e.Secrets.Count), MaxSecrets)] {
		i, j := int(span.Start)-int(at), int(span.End)-int(at)
		if !part {
			secret := e.Raw[min(int(span.Start), len(e.Raw)):min(int(span.End), len(e.Raw))]
			if i = strings.Index(s, secret); i < 0 || secret == "" {
				continue
			}
			j = i + len(secret)
		}
		i, j = max(i, 0), min(j, len(s))
		if i < j && i < start {
			start, end = i, j
		}
	}
	return start, end
}

// within reports whether s is a part of whole by where it stands in memory: equal text may also stand elsewhere. It begins
// at that offset, which is below len(whole) also where only its beginning is a part.
func within(whole, s string) (at uintptr, ok bool) {
	w, p := uintptr(unsafe.Pointer(unsafe.StringData(whole))), uintptr(unsafe.Pointer(unsafe.StringData(s)))
	at = p - w // where s begins before whole, this is beyond everything
	return at, at <= uintptr(len(whole)) && at+uintptr(len(s)) <= uintptr(len(whole))
}

// appendMaskedBase64 appends frame in base64, or e.Raw with e.Secrets left out.
func (e *Event) appendMaskedBase64(dst []byte, frame string) []byte {
	if e.Secrets.Count == 0 {
		return appendBase64(dst, frame)
	}
	var w base64Writer
	for s := e.Raw; s != ""; {
		start, end := e.nextSecret(s, uint32(len(e.Raw)-len(s)), true)
		dst = w.add(dst, s[:start])
		if end > start {
			dst = w.add(dst, masked)
		}
		s = s[end:]
	}
	return w.end(dst)
}

// appendBase64 appends s in standard base64.
func appendBase64(dst []byte, s string) []byte {
	var w base64Writer
	return w.end(w.add(dst, s))
}

// base64Writer encodes what is added piece by piece, since the encoder takes bytes only.
type base64Writer struct {
	piece [3 * 256]byte
	n     int
}

func (w *base64Writer) add(dst []byte, s string) []byte {
	for s != "" {
		n := copy(w.piece[w.n:], s)
		w.n += n
		s = s[n:]
		if w.n == len(w.piece) {
			dst = w.end(dst)
		}
	}
	return dst
}

func (w *base64Writer) end(dst []byte) []byte {
	dst = base64.StdEncoding.AppendEncode(dst, w.piece[:w.n])
	w.n = 0
	return dst
}
