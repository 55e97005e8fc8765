package event

// appendAgent appends network.protocol and user_agent: by which way somebody came.
func (l *Login) appendAgent(dst []byte) []byte {
	if l.SSH {
		dst = append(dst, `"network":{"protocol":"ssh"},`...)
	}
	if l.Agent != "" {
		dst = append(dst, `"user_agent":{`...)
		dst = appendField(dst, `"original":"`, l.Agent)
		dst = closeObject(dst)
	}
	return dst
}

// appendLogin appends vmware.login.
func (l *Login) appendLogin(dst []byte) []byte {
	mark := len(dst)
	dst = append(dst, `"login":{`...)
	dst = appendField(dst, `"method":"`, l.Method)
	dst = appendField(dst, `"terminal":"`, l.Terminal)
	if l.Failures != 0 {
		dst = appendUint(dst, `"failures":`, uint64(l.Failures))
	}
	if l.LockSecs != 0 {
		dst = appendUint(dst, `"lock_seconds":`, uint64(l.LockSecs))
	}
	if l.Invalid {
		dst = append(dst, `"invalid_user":true,`...)
	}
	return endObject(dst, mark)
}
