//go:build !linux

package lines

import (
	"os"
	"runtime"
)

// canSyncDir is false where directories cannot be opened for that.
const canSyncDir = runtime.GOOS != "windows"

func dataSync(f *os.File) error { return f.Sync() }
