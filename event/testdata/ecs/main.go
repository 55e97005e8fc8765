// Command ecs makes fields.txt, the list that TestECS holds our output against, from the field list
// of the Elastic Common Schema (https://github.com/elastic/ecs, generated/csv/fields.csv; Apache
// License 2.0):
//
//	go run ./event/testdata/ecs < fields.csv > event/testdata/ecs/fields.txt
//
// It keeps the field sets that a syslog line of a hypervisor can fill, without multi-fields.
package main

import (
	"bufio"
	"encoding/csv"
	"fmt"
	"log"
	"os"
	"slices"
	"strings"
)

var sets = []string{
	"base", "agent", "client", "destination", "ecs", "error", "event", "file", "group", "host", "http", "log", "network",
	"observer", "organization", "process", "related", "rule", "server", "service", "session", "source", "threat", "url", "user", "user_agent",
}

// leftOut are branches that repeat other sets or belong to another kind of source.
var leftOut = []string{
	".geo.", ".risk.", ".entity.", ".enrichments", ".indicator.", ".feed.", ".entry_leader.", ".parent.", ".group_leader.",
	".session_leader.", ".previous.", ".elf.", ".macho.", ".pe.", ".code_signature.", ".x509.", ".changes.", "service.target.", "host.target.",
}

func main() {
	rows, err := csv.NewReader(bufio.NewReader(os.Stdin)).ReadAll()
	if err != nil {
		log.Fatal(err)
	}
	out := bufio.NewWriter(os.Stdout)
	fmt.Fprintf(out, "# Elastic Common Schema %s: field, type, array. Made by main.go.\n", rows[1][0])
	for _, row := range rows[1:] {
		set, field, kind, normal := row[2], row[3], row[4], row[6]
		if !slices.Contains(sets, set) || strings.HasSuffix(field, ".text") ||
			slices.ContainsFunc(leftOut, func(branch string) bool { return strings.Contains(field+".", branch) }) {
			continue
		}
		fmt.Fprintln(out, strings.TrimSpace(field+" "+kind+" "+normal))
	}
	if err := out.Flush(); err != nil {
		log.Fatal(err)
	}
}
