package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"time"
)

// fact is the truth about one line. Its stamp names it: no two lines of an estate bear the same.
type fact struct {
	Stamp   string    `json:"stamp"` // as written, by the host's own clock
	At      time.Time `json:"at"`    // when it was written
	Host    string    `json:"host"`
	Grammar string    `json:"grammar"` // new, old, netport; own: a port of the host itself; noise: no port at all
	Port    uint32    `json:"port_id_dec,omitzero"`
	VM      string    `json:"vm,omitempty"`     // moid of who held the port then
	Name    string    `json:"name,omitempty"`   // what it was called then
	Kernel  string    `json:"kernel,omitempty"` // what VMkernel called it
	NIC     int32     `json:"nic,omitzero"`     // device key
	LateMS  int64     `json:"late_ms"`

	nic *nic
}

// truth writes facts as NDJSON; the first line says what the estate is.
type truth struct {
	file  *os.File
	out   *bufio.Writer
	err   error
	lines map[string]int // by grammar
}

// estateFact is the first line of a truth file.
type estateFact struct {
	Estate struct {
		Seed     uint64  `json:"seed"`
		VMs      int     `json:"vms"`
		Hosts    int     `json:"hosts"`
		Churn    float64 `json:"churn"`
		Lag      string  `json:"lag"`
		Late     string  `json:"late"`
		Skew     string  `json:"skew"`
		Reuse    bool    `json:"reuse"`
		Rights   string  `json:"rights"`
		Switches string  `json:"switches"`
	} `json:"estate"`
}

func openTruth(opt options) (*truth, error) {
	f, err := os.Create(opt.truth)
	if err != nil {
		return nil, fmt.Errorf("open the truth file: %w", err)
	}
	t := &truth{file: f, out: bufio.NewWriter(f), lines: map[string]int{}}
	var e estateFact
	e.Estate.Seed, e.Estate.VMs, e.Estate.Hosts, e.Estate.Churn = opt.seed, opt.vms, hostsFor(opt.vms), opt.churn
	e.Estate.Lag, e.Estate.Late, e.Estate.Skew, e.Estate.Reuse = opt.lag.String(), opt.late.String(), opt.skew.String(), opt.reuse
	e.Estate.Rights, e.Estate.Switches = opt.rights, opt.switches
	t.put(e)
	return t, nil
}

func (t *truth) write(f *fact) {
	t.lines[f.Grammar]++
	t.put(f)
}

func (t *truth) put(v any) {
	if t.err != nil {
		return
	}
	b, err := json.Marshal(v)
	if err == nil {
		_, err = t.out.Write(append(b, '\n'))
	}
	t.err = err
}

// close writes out what there is and returns the first thing that went wrong.
func (t *truth) close() error {
	for _, err := range []error{t.out.Flush(), t.file.Close()} {
		if t.err == nil {
			t.err = err
		}
	}
	if t.err != nil {
		return fmt.Errorf("write the truth: %w", t.err)
	}
	return nil
}
