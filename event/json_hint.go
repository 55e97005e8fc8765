package event

import (
	"strconv"
	"strings"
)

// hint is a piece of a command that is the same for every port, rendered, and what stands behind it.
type hint struct {
	text string
	hole hole
}

// hole is what a hint has of the port that it is for.
type hole uint8

const (
	holeNone   hole = iota
	holeHex         // the port's id as logs print it
	holePort        // as tools do
	holeWorld       // the world of the machine at the port
	holeClient      // the client: vmk0, vmnic2
)

// holes are the words of hints that stand for what differs from port to port.
var holes = [...]string{holeHex: "{hex}", holePort: "{port}", holeWorld: "{world}", holeClient: "{device}"}

// NewJoinedHints renders hints. In commands {port} and {hex} stand for the port's id, {world} for its machine's world and {device} for its
// client; texts and, at the end, advice stand behind them.
func NewJoinedHints(commands, texts, advice []string) *JoinedHints {
	h := &JoinedHints{}
	for _, c := range commands {
		h.commands = appendHint(h.commands, c)
	}
	for _, text := range texts {
		h.texts = appendField(h.texts, `"`, text)
	}
	for _, text := range advice {
		h.advice = appendField(h.advice, `"`, text)
	}
	return h
}

// appendHint cuts a command at its holes.
func appendHint(list []hint, command string) []hint {
	text := []byte{'"'}
	for command != "" {
		at, found := len(command), holeNone
		for i := holeHex; int(i) < len(holes); i++ {
			if j := strings.Index(command, holes[i]); j >= 0 && j < at {
				at, found = j, i
			}
		}
		text = appendText(text, command[:at])
		if found == holeNone {
			break
		}
		list = append(list, hint{string(text), found})
		text, command = nil, command[at+len(holes[found]):]
	}
	return append(list, hint{string(text) + `",`, holeNone})
}

// appendHints appends the members of hints.
func (p *JoinedPort) appendHints(dst []byte) []byte {
	dst = p.appendCommands(dst, p.Hints.commands)
	if p.Trunk {
		dst = p.appendCommands(dst, p.Place.trunk)
	}
	dst = append(dst, p.Hints.texts...)
	if p.Policy != nil {
		dst = append(dst, p.Policy.notes...)
	}
	return append(dst, p.Hints.advice...)
}

func (p *JoinedPort) appendCommands(dst []byte, list []hint) []byte {
	for i := range list {
		dst = append(dst, list[i].text...)
		switch list[i].hole {
		case holeNone:
		case holeHex:
			dst = strconv.AppendUint(append(dst, "0x"...), uint64(p.ID), 16)
		case holePort:
			dst = strconv.AppendUint(dst, uint64(p.ID), 10)
		case holeWorld:
			dst = strconv.AppendUint(dst, p.VM.world, 10)
		case holeClient:
			dst = appendDevice(dst, p.Client)
		}
	}
	return dst
}

// appendDevice appends a device as it may stand in a command: devices come from a line.
func appendDevice(dst []byte, device string) []byte {
	for i := range len(device) {
		if c := device[i]; c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' {
			dst = append(dst, c)
		}
	}
	return dst
}
