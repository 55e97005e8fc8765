package event

import (
	_ "embed" // for attack.txt
	"fmt"
	"strings"
)

//go:embed attack.txt
var attackFile string

// threats holds the object threat by the technique's id; read-only.
var threats = mustReadAttack(attackFile)

// mustReadAttack panics if the file that is part of the program cannot be read: no test passes then.
func mustReadAttack(file string) map[string]string {
	t, err := readAttack(file)
	if err != nil {
		panic(err)
	}
	return t
}

// readAttack reads the tactics, and the techniques that are made of them, as the object threat.
func readAttack(file string) (map[string]string, error) {
	tactics, table := map[string]string{}, map[string]string{}
	n := 0
	for line := range strings.Lines(file) {
		n++
		w := strings.Fields(line)
		switch {
		case len(w) == 0 || strings.HasPrefix(w[0], "#"):
		case w[0] == "tactic" && len(w) > 2 && tactics[w[1]] == "":
			tactics[w[1]] = strings.Join(w[2:], " ")
		case w[0] == "technique" && len(w) > 3 && table[w[1]] == "":
			threat, err := newThreat(w[1], strings.Join(w[3:], " "), strings.Split(w[2], ","), tactics)
			if err != nil {
				return nil, fmt.Errorf("read attack, line %d: %w", n, err)
			}
			table[w[1]] = threat
		default:
			return nil, fmt.Errorf("read attack, line %d: neither a tactic nor a technique, or the same again", n)
		}
	}
	return table, nil
}

// newThreat writes the object threat of one technique.
func newThreat(id, name string, of []string, tactics map[string]string) (string, error) {
	const site = "https://attack.mitre.org/"
	var ids, names, references []string
	for _, tactic := range of {
		if tactics[tactic] == "" {
			return "", fmt.Errorf("technique %s has a tactic %s that has no name", id, tactic)
		}
		ids, names = append(ids, tactic), append(names, tactics[tactic])
		references = append(references, site+"tactics/"+tactic+"/")
	}
	list := func(s []string) string { return `["` + strings.Join(s, `","`) + `"]` }
	return `"threat":{"framework":"MITRE ATT&CK","tactic":{"id":` + list(ids) + `,"name":` + list(names) +
		`,"reference":` + list(references) + `},"technique":{"id":["` + id + `"],"name":["` + name +
		`"],"reference":["` + site + "techniques/" + id + `/"]}},`, nil
}
