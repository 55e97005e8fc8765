package event

// appendLoss appends vmware.logloss.
func (l *LogLoss) appendLoss(dst []byte) []byte {
	if l.Kind == LossNone {
		return dst
	}
	dst = append(dst, `"logloss":{`...)
	dst = appendWord(dst, `"kind":"`, string(l.Kind))
	if l.Count != 0 {
		dst = appendUint(dst, `"count":`, l.Count)
	}
	dst = appendField(dst, `"target":"`, l.Target)
	return closeObject(dst)
}
