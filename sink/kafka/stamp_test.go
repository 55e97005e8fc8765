package kafka

import (
	"math/rand/v2"
	"testing"
	"time"
)

func TestStamps(t *testing.T) {
	var s stamper
	random := rand.New(rand.NewPCG(1, 2))
	at := int64(0)
	for i := range 10_000 {
		switch i % 3 {
		case 0:
			at = random.Int64N(1<<62) - 1<<61
		case 1:
			at += random.Int64N(1e9)
		default:
			at++
		}
		want := time.Unix(0, at).UTC().Format("2006-01-02T15:04:05.000000000Z07:00")
		if got := string(s.appendTo(nil, at)); got != want {
			t.Fatalf("%d: %s, want %s", at, got, want)
		}
	}
}
