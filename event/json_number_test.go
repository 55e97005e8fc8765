package event

import (
	"math"
	"strconv"
	"testing"
)

func TestAppendNumber(t *testing.T) {
	for power, bit := uint64(1), uint64(1); bit != 0; power, bit = power*10, bit<<1 {
		for _, v := range []uint64{power - 1, power, power + 1, bit - 1, bit, bit + 1, power * 7, math.MaxUint64 - bit, math.MaxUint64} {
			if got, want := string(appendNumber([]byte("x"), v)), "x"+strconv.FormatUint(v, 10)+","; got != want {
				t.Errorf("%s, want %s", got, want)
			}
		}
	}
}
