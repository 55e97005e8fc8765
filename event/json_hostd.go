package event

import "strconv"

// appendHostd appends what joins the lines of one request, and the task it runs as.
func (h *Hostd) appendHostd(dst []byte) []byte {
	dst = appendField(dst, `"op_id":"`, h.OpID)
	dst = appendField(dst, `"session_id":"`, h.SessionID)
	mark := len(dst)
	dst = append(dst, `"task":{`...)
	dst = appendField(dst, `"id":"`, h.Task)
	dst = appendField(dst, `"method":"`, h.Method)
	return endObject(dst, mark)
}

// appendThread appends process.thread. ECS has a number for its id: the hexadecimal ones of hostd up
// to 6.5 are written as one, and what is no number is a name.
func (h *Hostd) appendThread(dst []byte) []byte {
	if h.Thread == "" {
		return dst
	}
	dst = append(dst, `"thread":{`...)
	id, ok := decimal(h.Thread)
	if !ok {
		id, ok = hexadecimal(h.Thread)
	}
	if ok {
		dst = appendUint(dst, `"id":`, id)
	} else {
		dst = appendField(dst, `"name":"`, h.Thread)
	}
	return closeObject(dst)
}

// decimal reads a number that fits the type long.
func decimal(s string) (uint64, bool) { return parseLong(s, 10) }

// hexadecimal reads the form that hostd's threads had: eight digits or more.
func hexadecimal(s string) (uint64, bool) {
	if len(s) < 8 {
		return 0, false
	}
	return parseLong(s, 16)
}

// parseLong reads up to 15 digits without making an error for what is none.
func parseLong(s string, base int) (uint64, bool) {
	if s == "" || len(s) > 15 {
		return 0, false
	}
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (base == 10 || c|0x20 < 'a' || c|0x20 > 'f') {
			return 0, false
		}
	}
	n, err := strconv.ParseUint(s, base, 63)
	return n, err == nil
}
