//go:build !linux

package linkwatch

func open(Config, *Stats) (kernel, error) { return nil, ErrUnsupported }
