package posture

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"vswarden/inventory"
	"vswarden/replace"
)

// told is what a Reporter keeps between processes: the rules it told of last, by object, and the changes it was
// about to tell.
type told struct {
	Version  int                        `json:"version"`
	Reported inventory.Stamp            `json:"reported,omitzero"` // start of the last interval that was stated in full
	Rules    map[string]inventory.Rules `json:"rules"`
	Pending  []pending                  `json:"pending,omitempty"`

	dirty bool
}

// pending is a change that is about to be stated, with all that its event's id is made of.
type pending struct {
	Key     string                 `json:"key"`
	VCenter inventory.VCenter      `json:"vcenter"`
	MORef   string                 `json:"moref"`
	Version string                 `json:"version,omitempty"`
	Change  inventory.PolicyChange `json:"change"`
}

const toldVersion = 1

// ErrNewer says that what was told is of a newer program.
var ErrNewer = errors.New("it is of a newer vswarden; run that, or put the file aside")

var errEncode = errors.New("cannot be written as JSON")

// readTold reads what was told. A file that is no such file is set aside, and all that is there now is the
// beginning; aside is where it went.
func readTold(path string) (t *told, aside string, err error) {
	fresh := func() *told { return &told{Version: toldVersion, Rules: map[string]inventory.Rules{}} }
	t = fresh()
	b, err := os.ReadFile(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return t, "", nil
	case err != nil:
		return nil, "", fmt.Errorf("read what was told of policies: %w", err)
	}
	if err := json.Unmarshal(b, t); err == nil && t.Version > toldVersion {
		return nil, "", fmt.Errorf("read what was told of policies, %s: %w", path, ErrNewer)
	} else if err != nil {
		aside = path + ".damaged"
		if err := os.Rename(path, aside); err != nil {
			return nil, "", fmt.Errorf("set a damaged file aside: %w", err)
		}
		return fresh(), aside, nil
	}
	if t.Rules == nil {
		t.Rules = map[string]inventory.Rules{}
	}
	return t, "", nil
}

// add notes a change of an object that is to be stated; o is nil for one that is gone.
func (t *told) add(key string, vc inventory.VCenter, o *object, c inventory.PolicyChange) {
	p := pending{Key: key, VCenter: vc, MORef: key, Change: c}
	if o != nil {
		p.MORef, p.Version = o.moref, o.version
	}
	t.Rules[key] = c.New
	t.Pending = append(t.Pending, p)
	t.dirty = true
}

// write puts the file in place whole, readable by its owner only.
func (t *told) write(path string) error {
	if !t.dirty {
		return nil
	}
	b, err := json.Marshal(t)
	if err != nil {
		return fmt.Errorf("%w: %w", errEncode, err)
	}
	err = replace.File(path, func(w io.Writer) error {
		_, err := w.Write(b)
		return err
	})
	if err == nil {
		t.dirty = false
	}
	return err
}
