package receiver

import (
	"context"
	"crypto/x509"
	"fmt"
	"time"

	"vswarden/setting"
)

// fileCheck is how often the files of TLS are looked at.
const fileCheck = 5 * time.Second

// Reload takes over what can change while the listener runs: all but the settings it returns,
// which keep their value until a restart. Connections from addresses no longer allowed are closed,
// TLS files are read again. On an error everything stays as it was.
func (l *Listener) Reload(cfg Config) (needRestart []string, err error) {
	if faults := cfg.Validate(); len(faults) > 0 {
		return nil, setting.Faults(faults)
	}
	if cfg.Name == "" {
		cfg.Name = cfg.Address
	}
	l.reload.Lock()
	defer l.reload.Unlock()
	old := l.policy.Load()
	keep := func(differs bool, key string) {
		if differs {
			needRestart = append(needRestart, key)
		}
	}
	keep(cfg.Name != old.cfg.Name, "name")
	keep(cfg.Address != old.cfg.Address, "address")
	keep(cfg.ReceiveBuffer != old.cfg.ReceiveBuffer, "receive_buffer")
	cfg.Name, cfg.Address, cfg.ReceiveBuffer = old.cfg.Name, old.cfg.Address, old.cfg.ReceiveBuffer
	if faults := cfg.Validate(); len(faults) > 0 { // what suits the new address need not suit the old
		return needRestart, setting.Faults(faults)
	}
	p, err := newPolicy(cfg)
	if err != nil {
		l.stats.ReloadFaults.Add(1)
		return needRestart, fmt.Errorf("reload %s: %w", l.name, err)
	}
	if p.tls != nil {
		l.stats.Reloads.Add(1)
	}
	l.policy.Store(p)
	l.streams.dismiss(p)
	return needRestart, nil
}

// watchFiles reads the TLS files again when one of them changes, until ctx ends.
func (l *Listener) watchFiles(ctx context.Context) {
	tick := time.NewTicker(l.fileCheck)
	defer tick.Stop()
	seen := l.policy.Load().files
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			seen = l.lookAtFiles(seen)
		}
	}
}

// lookAtFiles compares the files with how they were when last looked at, and returns how they are.
func (l *Listener) lookAtFiles(seen fileStamps) fileStamps {
	l.reload.Lock()
	defer l.reload.Unlock()
	old := l.policy.Load()
	c := old.cfg.TLS
	now := stampFiles(c.Cert, c.Key, c.ClientCA)
	if now == seen || now == old.files {
		return now
	}
	t, stamps, err := c.load()
	if err != nil { // perhaps only one of two files has been written yet
		l.stats.ReloadFaults.Add(1)
		l.log.Error().Err(err).Msg("TLS files changed and cannot be used: the old ones stay")
		return stamps
	}
	p := *old
	p.tls, p.files = t, stamps
	l.policy.Store(&p)
	l.stats.Reloads.Add(1)
	e := l.log.Info()
	if cert, err := x509.ParseCertificate(t.Certificates[0].Certificate[0]); err == nil {
		e = e.Time("expires", cert.NotAfter).Stringer("subject", cert.Subject)
	}
	e.Msg("TLS files reloaded")
	return stamps
}

// dismiss closes the connections that p does not allow.
func (st *streams) dismiss(p *policy) {
	st.mu.Lock()
	defer st.mu.Unlock()
	for s := range st.open {
		if a := s.origin.Peer.Addr(); !p.allows(a) {
			s.dismiss(Dismissed)
		}
	}
}
