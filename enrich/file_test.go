package enrich

import (
	"net/netip"
	"testing"

	"vswarden/event"
	"vswarden/inventory"
)

// kept is a denial of a file that a replay gives: nobody sent it, and its own time is all there is.
func (l *lab) ofFile(s int, header, client string) event.Event {
	e := l.denial(s, client)
	e.Receiver = event.Receiver{Transport: transportFile}
	e.Received, e.Syslog.Hostname, e.Host = e.Time, header, header
	return e
}

func TestLineOfAFileIsJoined(t *testing.T) {
	l := newLab(t)
	for name, c := range map[string]struct {
		header, client string
		status         string
		least, most    uint16
	}{
		"its client agrees":         {"esx01", "web-01.eth0", "complete", 900, 995},
		"it names no client":        {"esx01.example.com", "", "complete", 1, 800},
		"its client is another one": {"esx01", "db-01.eth0", "", 0, 850}, // by its name alone,
		"of a host nobody knows":    {"esx77", "web-01.eth0", "unresolved", 0, 0},
		"of no host":                {"", "web-01.eth0", "unresolved", 0, 0},
	} {
		e := l.ofFile(200, c.header, c.client)
		l.Enrich(&e)
		m := l.json(&e)
		if got := dig(m, "vmware.enrichment.status"); c.status != "" && got != c.status {
			t.Errorf("%s: status %v, want %s", name, got, c.status)
		}
		if got := e.Joined.Confidence; got < c.least || got > c.most {
			t.Errorf("%s: confidence %d, want %d to %d", name, got, c.least, c.most)
		}
		if vm := dig(m, "vmware.vm.name"); (c.status == "complete") != (vm == "web-01") && c.status != "" {
			t.Errorf("%s: VM %v", name, vm)
		}
	}
	// The host of a line without one, as the user says it.
	e := l.ofFile(200, "", "web-01.eth0")
	e.Host = "esx01"
	l.Enrich(&e)
	if e.Host != "esx01.example.com" || dig(l.json(&e), "vmware.vm.name") != "web-01" {
		t.Errorf("host %s: %v", e.Host, l.json(&e))
	}
}

// However many lines of a file there are, they do not show how its host's clock went.
func TestLinesOfAFileSettleNoClock(t *testing.T) {
	l := newLab(t)
	for i := range 200 {
		e := l.ofFile(100+i, "esx01", "")
		l.Enrich(&e)
		if e.Joined.Confidence > 800 {
			t.Fatalf("line %d: confidence %d", i, e.Joined.Confidence)
		}
	}
}

// The port of a line is asked for at the time of the line: whoever has it now, or had it within the guard on either side,
// is not named for sure.
func TestLineOfAFileIsOfItsTime(t *testing.T) {
	l := newLab(t)
	l.tell(600, inventory.Update{Tables: []inventory.PortTable{{Host: inventory.Ref{VC: l.vc, ID: "host-21"}, Whole: true, Rows: []inventory.Row{
		{Port: webPort, Kind: inventory.KindVM, MAC: mac(2), Net: inventory.Net{Switch: "vSwitch0", Portgroup: "VM Network"}},
	}}}})
	l.report(3000)
	for _, c := range []struct {
		s    int
		want string
		most uint16
	}{{300, "web-01", 800}, {595, "", 600}, {605, "", 600}, {700, "db-01", 800}} {
		e := l.ofFile(c.s, "esx01", "")
		l.Enrich(&e)
		if vm := dig(l.json(&e), "vmware.vm.name"); c.want != "" && vm != c.want || e.Joined.Confidence > c.most {
			t.Errorf("at %d: VM %v, confidence %d; want %q and at most %d", c.s, vm, e.Joined.Confidence, c.want, c.most)
		}
	}
}

// A line without a peer that is of no file stays as it is, and a file does not teach whom to believe.
func TestLineWithoutAPeerIsVouchedForByNobody(t *testing.T) {
	l := newLab(t)
	e := l.ofFile(200, "esx01", "web-01.eth0")
	e.Receiver.Transport = "tcp"
	l.Enrich(&e)
	if e.Joined.Status != event.JoinDisabled || e.Host != "esx01" {
		t.Errorf("status %d, host %s", e.Joined.Status, e.Host)
	}
	n := l.Enricher
	n.cfg.LearnFrom = []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}
	e = l.ofFile(200, "esx01", "")
	if n.trusted(&e) {
		t.Error("what a file says of ports is believed")
	}
	if from, join, to := n.when(&e, &sent{}); join != stamp(200) || to.Sub(from) != 2*n.cfg.Guard || to.Sub(join) != n.cfg.Guard {
		t.Errorf("window %v %v %v", from.Time(), join.Time(), to.Time())
	}
}
