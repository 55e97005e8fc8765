package receiver

import (
	"crypto/tls"
	"net/netip"
)

// policy is what may change while the listener runs. It is replaced whole and never changed.
type policy struct {
	cfg    Config
	allow  networks // empty allows all
	relays networks
	tls    *tls.Config // nil without TLS
	files  fileStamps  // of what tls was read from
}

// newPolicy reads what cfg names; cfg itself has been validated.
func newPolicy(cfg Config) (p *policy, err error) {
	p = &policy{cfg: cfg}
	p.allow, _ = parseNetworks(cfg.Allow)
	p.relays, _ = parseNetworks(cfg.Relays)
	if cfg.usesTLS() {
		p.tls, p.files, err = cfg.TLS.load()
	}
	return p, err
}

// allows says whether an address may send. A relay need not be allowed itself.
func (p *policy) allows(a netip.Addr) bool {
	return len(p.allow) == 0 || p.allow.contain(a) || p.relays.contain(a)
}

// allowsOrigin says whether what a relay's PROXY header names may send.
func (p *policy) allowsOrigin(a netip.Addr) bool {
	return len(p.allow) == 0 || p.allow.contain(a)
}
