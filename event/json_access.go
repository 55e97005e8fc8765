package event

// appendAccess appends http and url.
func (e *Event) appendAccess(dst []byte) []byte {
	a := &e.Access
	if a.Method == "" {
		return dst
	}
	dst = append(dst, `"http":{"request":{`...)
	dst = appendField(dst, `"method":"`, a.Method)
	dst = closeObject(dst)
	if a.Status != 0 {
		dst = appendUint(dst, `"response":{"status_code":`, uint64(a.Status))
		dst = closeObject(dst)
	}
	dst = appendField(dst, `"version":"`, a.Version)
	dst = closeObject(dst)
	mark := len(dst)
	dst = append(dst, `"url":{`...)
	dst = e.appendMasked(dst, `"path":"`, a.Path)
	dst = e.appendMasked(dst, `"query":"`, a.Query)
	return endObject(dst, mark)
}
