package event

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"
)

// TestAttackFollowsECS holds every technique against ECS and against the form of ATT&CK's ids.
func TestAttackFollowsECS(t *testing.T) {
	fields := ecsFields(t)
	tactic, technique := regexp.MustCompile(`^TA\d{4}$`), regexp.MustCompile(`^T\d{4}$`)
	for id, threat := range threats {
		var o object
		if err := json.Unmarshal([]byte("{"+strings.TrimSuffix(threat, ",")+"}"), &o); err != nil {
			t.Fatalf("%s: %v", id, err)
		}
		if err := checkECS(fields, "", o); err != nil {
			t.Errorf("%s: %v", id, err)
		}
		of := o["threat"].(object)["tactic"].(object)["id"].([]any)
		for _, ta := range of {
			if !tactic.MatchString(ta.(string)) {
				t.Errorf("%s: tactic %v", id, ta)
			}
		}
		if !technique.MatchString(id) || len(of) == 0 {
			t.Errorf("technique %s of %v", id, of)
		}
	}
	used := map[string]bool{}
	for _, r := range allMeanings {
		used[r.technique] = true
	}
	for id := range threats {
		if !used[id] {
			t.Errorf("no row of meanings.txt has technique %s", id)
		}
	}
}

func TestReadAttackFaults(t *testing.T) {
	const good = "tactic TA1 One\n"
	for file, want := range map[string]string{
		good + good:                       "line 2: neither",
		"tactic TA1":                      "line 1: neither",
		"technique T1 TA1 Name":           "line 1: technique T1 has a tactic TA1 that has no name",
		good + "technique T1 TA1":         "line 2: neither",
		good + "technique T1 TA1,TA2 Two": "has a tactic TA2",
	} {
		if _, err := readAttack(file); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", file, err)
		}
	}
}
