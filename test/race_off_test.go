//go:build !race

package test

// raceDetector says that this test has it; then the program under test has it too.
const raceDetector = false
