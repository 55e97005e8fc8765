//go:build race

package pipeline

// raceDetector says that allocations are those of the detector too.
const raceDetector = true
