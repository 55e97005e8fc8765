//go:build race

package decode

// underRace: the race detector allocates by itself.
const underRace = true
