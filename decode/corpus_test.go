package decode

import (
	"bufio"
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"vswarden/event"
)

// corpusDir holds real lines that are not part of this repository.
const corpusDir = "../../shared/corpus"

// TestCorpus decodes real lines where they are at hand: what is well formed must be understood.
func TestCorpus(t *testing.T) {
	files, err := filepath.Glob(corpusDir + "/*.log")
	if err != nil || len(files) == 0 {
		t.Skip("no corpus beside the repository")
	}
	formats, datasets, partial, total := map[event.Format]int{}, map[event.Dataset]int{}, 0, 0
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		sc := bufio.NewScanner(bytes.NewReader(data))
		sc.Buffer(nil, 1<<20)
		for sc.Scan() {
			raw := sc.Text()
			if raw == "" || strings.HasPrefix(raw, "#") {
				continue
			}
			e := fileLine(raw, Options{})
			checkStrings(t, &e)
			checkEvent(t, &e)
			total++
			formats[e.Format]++
			datasets[e.Dataset]++
			template := strings.Contains(raw, "nnnn") || strings.Contains(raw, "##")
			if e.Tags&event.TagParsePartial != 0 && !template {
				partial++
				t.Logf("partial: %s: %s", e.Reason, raw)
			}
			if strings.Contains(raw, ": L2Sec_") && e.Dataset != event.DatasetL2Sec {
				t.Errorf("L2Sec not seen: %s", raw)
			}
		}
	}
	t.Logf("%d lines, %d partial, formats %v, datasets %v", total, partial, formats, datasets)
	if partial*100 > total {
		t.Errorf("%d of %d lines are understood only in part", partial, total)
	}
}
