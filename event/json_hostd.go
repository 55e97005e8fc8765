package event

// appendHostd appends what joins the lines of one request, and the task it runs as.
func (e *Event) appendHostd(dst []byte) []byte {
	h := &e.Hostd
	dst = e.appendPartField(dst, `"op_id":"`, h.OpID)
	dst = e.appendPartField(dst, `"session_id":"`, h.SessionID)
	mark := len(dst)
	dst = append(dst, `"task":{`...)
	dst = e.appendPartField(dst, `"id":"`, h.Task)
	dst = e.appendPartField(dst, `"method":"`, h.Method)
	return endObject(dst, mark)
}

// appendThread appends process.thread. ECS has a number for its id: the hexadecimal ones of hostd up
// to 6.5 are written as one, and what is no number is a name.
func (e *Event) appendThread(dst []byte) []byte {
	h := &e.Hostd
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
		dst = e.appendPartField(dst, `"name":"`, h.Thread)
	}
	return closeObject(dst)
}

// decimal reads a number that fits the type long.
func decimal(s string) (n uint64, ok bool) {
	if s == "" || len(s) > 15 {
		return 0, false
	}
	for i := range len(s) {
		digit := s[i] - '0'
		if digit > 9 {
			return 0, false
		}
		n = n*10 + uint64(digit)
	}
	return n, true
}

// hexadecimal reads the form that hostd's threads had: eight digits or more.
func hexadecimal(s string) (n uint64, ok bool) {
	if len(s) < 8 || len(s) > 15 {
		return 0, false
	}
	for i := range len(s) {
		digit := s[i] - '0'
		if digit > 9 {
			if digit = s[i] | 0x20 - 'a' + 10; digit < 10 || digit > 15 {
				return 0, false
			}
		}
		n = n<<4 | uint64(digit)
	}
	return n, true
}
