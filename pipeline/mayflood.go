package pipeline

import "bytes"

// Most lines are the host agents' and the kernel's, and most of those are of no sort that is counted:
// they have none of these words, and need not be decoded.
var (
	agentWords = [...][]byte{
		[]byte("Rejected"), []byte("Cannot"), []byte("Failed"), []byte("Invalid"), []byte("[module:"), []byte("Authenti"), []byte("pam_"), []byte("Event "),
	}
	kernelWords = [...][]byte{[]byte("NetPort"), []byte("Net: "), []byte("Uplink"), []byte("L2Sec_")}
	agents      = [...][]byte{[]byte("Hostd"), []byte("Vpxa"), []byte("hostd["), []byte("vpxa[")}
	kernel      = []byte("vmkernel: cpu")
	enterprise  = []byte("@6876") // VMware's, in the element of an audit record, or after Originator in that of any line
	originator  = []byte("Originator")
	header      = []byte("[Originator@6876 ")
)

// mayFlood reports whether a line can be one that is counted.
func mayFlood(line []byte) bool {
	tag := programTag(line)
	switch {
	case bytes.HasPrefix(tag, kernel):
		return hasAny(tag, kernelWords[:])
	case hasPrefix(tag, agents[:]):
		if text := agentText(tag); text != nil {
			return hasPrefix(text, agentWords[:])
		}
		return hasAny(tag, agentWords[:]) || hasAudit(tag)
	}
	return true
}

// programTag is what follows priority, stamp and host in the usual header, "<166>2026-…Z esx01 Hostd: …";
// nil of a line that is shorter.
func programTag(line []byte) []byte {
	for range 2 {
		i := bytes.IndexByte(line, ' ')
		if i < 0 {
			return nil
		}
		line = line[i+1:]
	}
	return line
}

// agentText is what an agent says behind the header that nearly all of its lines have, "Hostd: info hostd[209]
// [Originator@6876 sub=Libs opID=1] text" or the same without level and process: there the words that matter
// come first. nil where it is another.
func agentText(tag []byte) []byte {
	colon := bytes.IndexByte(tag, ':')
	open := bytes.IndexByte(tag[max(colon, 0):], '[') + max(colon, 0)
	if colon < 0 || colon+2 > open {
		return nil
	}
	if before := tag[colon+2 : open]; len(before) > 0 { // a level, and process or thread in brackets
		end := bytes.IndexByte(tag[open:], ']')
		if end < 0 || before[0] < 'a' || before[0] == 'p' || len(tag) < open+end+3 {
			return nil
		}
		open += end + 2
	}
	if !bytes.HasPrefix(tag[open:], header) {
		return nil
	}
	in := tag[open+1:]
	end := bytes.IndexByte(in, ']')
	if end < 0 || bytes.IndexByte(in[:end], '[') >= 0 {
		return nil
	}
	return bytes.TrimLeft(in[end+1:], " ")
}

// hasAudit reports an element such as [shell.cmd@6876 …].
func hasAudit(s []byte) bool {
	for {
		i := bytes.Index(s, enterprise)
		if i < 0 {
			return false
		}
		if !bytes.HasSuffix(s[:i], originator) {
			return true
		}
		s = s[i+len(enterprise):]
	}
}

func hasPrefix(s []byte, words [][]byte) bool {
	for _, w := range words {
		if bytes.HasPrefix(s, w) {
			return true
		}
	}
	return false
}

func hasAny(s []byte, words [][]byte) bool {
	for _, w := range words {
		if bytes.Contains(s, w) {
			return true
		}
	}
	return false
}
