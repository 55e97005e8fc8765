package event

// appendProcess appends the object process: the command that was run, or the thread that wrote the line.
func (e *Event) appendProcess(dst []byte, enc *encoding) []byte {
	mark := len(dst)
	dst = append(dst, `"process":{`...)
	c := &e.Command
	dst = appendField(dst, `"name":"`, c.Name)
	if c.Line != "" {
		dst = e.appendCommandLine(append(dst, `"command_line":`...))
	}
	if code, ok := decimal(c.Status); ok {
		dst = appendUint(dst, `"exit_code":`, code)
	}
	if enc.standard {
		dst = e.appendThread(dst)
	}
	return endObject(dst, mark)
}

// appendCommandLine appends the command as it was typed; an audit record escapes its quotes.
func (e *Event) appendCommandLine(dst []byte) []byte {
	if e.Dataset == DatasetAudit {
		return e.appendValue(dst, e.Command.Line)
	}
	dst = e.appendMaskedText(append(dst, '"'), e.Command.Line)
	return append(dst, '"', ',')
}

// appendCommand appends vmware.command: what a command does to the network.
func (c *Command) appendCommand(dst []byte) []byte {
	mark := len(dst)
	dst = append(dst, `"command":{`...)
	dst = appendWord(dst, `"network":"`, string(c.Network))
	dst = appendField(dst, `"switch":"`, c.Switch)
	dst = appendField(dst, `"portgroup":"`, c.Portgroup)
	if c.Weakens {
		dst = append(dst, `"weakens":true,`...)
	}
	return endObject(dst, mark)
}
