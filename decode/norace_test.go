//go:build !race

package decode

const underRace = false
