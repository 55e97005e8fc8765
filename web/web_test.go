package web

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

func TestServer(t *testing.T) {
	var sick atomic.Bool
	metrics := []Metric{
		{Name: "vswarden_things_total", Help: "Things.", Labels: []Label{{"sink", "a"}}, Value: func() float64 { return 3 }},
		{Name: "vswarden_things_total", Help: "Things.", Labels: []Label{{"sink", "b"}}, Value: func() float64 { return 0 }},
		{Name: "vswarden_log_bytes", Help: "Bytes.", Kind: Gauge, Value: func() float64 { return 7 }},
		{Name: "vswarden_delivery_latency_seconds", Help: "Latency.", Kind: Distribution, Buckets: func() (map[float64]uint64, uint64, float64) {
			return map[float64]uint64{0.1: 1, 1: 2}, 5, 9.5
		}},
	}
	s, err := Listen(Config{Listen: "127.0.0.1:0"}, metrics,
		func() (bool, string) { return !sick.Load(), "sink a: down" },
		func() (bool, string) { return true, "ready" })
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx) }()
	get := func(path string) (int, string) {
		t.Helper()
		resp, err := http.Get("http://" + s.Addr() + path)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = resp.Body.Close() }()
		b, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, string(b)
	}

	code, text := get("/metrics")
	if code != http.StatusOK {
		t.Fatalf("/metrics: %d %s", code, text)
	}
	problems, err := promlint.New(strings.NewReader(text)).Lint()
	if err != nil {
		t.Fatalf("lint: %v", err)
	}
	for _, p := range problems {
		if strings.HasPrefix(p.Metric, "vswarden_") { // the library's own are its own
			t.Errorf("%s: %s", p.Metric, p.Text)
		}
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(text))
	if err != nil {
		t.Fatalf("parse: %v", err)
	}
	if got := families["vswarden_things_total"].GetMetric(); len(got) != 2 || got[0].GetCounter().GetValue()+got[1].GetCounter().GetValue() != 3 {
		t.Errorf("counter: %v", got)
	}
	if got := families["vswarden_log_bytes"].GetMetric()[0].GetGauge().GetValue(); got != 7 {
		t.Errorf("gauge: %v", got)
	}
	if got := families["vswarden_delivery_latency_seconds"].GetMetric()[0].GetHistogram(); got.GetSampleCount() != 5 || got.GetSampleSum() != 9.5 {
		t.Errorf("distribution: %v", got)
	}
	for name, f := range families {
		if f.GetHelp() == "" {
			t.Errorf("%s has no help", name)
		}
	}

	if code, _ := get("/healthz"); code != http.StatusOK {
		t.Errorf("/healthz: %d, want 200", code)
	}
	sick.Store(true)
	if code, text := get("/healthz"); code != http.StatusServiceUnavailable || !strings.Contains(text, "sink a: down") {
		t.Errorf("/healthz while a sink is down: %d %q", code, text)
	}
	if code, _ := get("/readyz"); code != http.StatusOK {
		t.Errorf("/readyz: %d", code)
	}
	if code, _ := get("/nowhere"); code != http.StatusNotFound {
		t.Errorf("/nowhere: %d", code)
	}
	resp, err := http.Post("http://"+s.Addr()+"/metrics", "text/plain", strings.NewReader("x"))
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("POST: %d", resp.StatusCode)
	}
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

// TestAnswersBeforeItEnds: a request under way when the server ends gets its answer, one after gets none.
func TestAnswersBeforeItEnds(t *testing.T) {
	asked, answer := make(chan struct{}), make(chan struct{})
	state := func() (bool, string) { close(asked); <-answer; return true, "fine" }
	s, err := Listen(Config{Listen: "127.0.0.1:0"}, nil, state, state)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- s.Serve(ctx) }()
	got := make(chan string, 1)
	go func() {
		resp, err := http.Get("http://" + s.Addr() + "/healthz")
		if err != nil {
			got <- err.Error()
			return
		}
		b, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		got <- string(b)
	}()
	<-asked
	cancel()
	close(answer)
	if text := <-got; text != "fine\n" {
		t.Errorf("answer: %q", text)
	}
	if err := <-served; err != nil {
		t.Errorf("Serve: %v", err)
	}
	if _, err := http.Get("http://" + s.Addr() + "/healthz"); err == nil {
		t.Error("still served")
	}
}

// TestHeadersAreBounded: nobody makes us hold a megabyte of headers.
func TestHeadersAreBounded(t *testing.T) {
	state := func() (bool, string) { return true, "fine" }
	s, err := Listen(Config{Listen: "127.0.0.1:0"}, nil, state, state)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- s.Serve(ctx) }()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.Addr()+"/healthz", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("X-Large", strings.Repeat("x", 64<<10))
	if resp, err := http.DefaultClient.Do(request); err == nil { // or the connection was reset
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
			t.Errorf("status %d", resp.StatusCode)
		}
	}
	cancel()
	if err := <-served; err != nil {
		t.Error(err)
	}
}

// TestBadMetricIsFoundAtStart, not at the first scrape.
func TestBadMetricIsFoundAtStart(t *testing.T) {
	state := func() (bool, string) { return true, "fine" }
	value := func() float64 { return 0 }
	for name, metrics := range map[string][]Metric{
		"name":   {{Name: "", Help: "Things.", Value: value}},
		"label":  {{Name: "vswarden_things_total", Help: "Things.", Labels: []Label{{"__a", ""}}, Value: value}},
		"helps":  {{Name: "vswarden_a_total", Help: "A.", Value: value}, {Name: "vswarden_a_total", Help: "B.", Labels: []Label{{"x", "1"}}, Value: value}},
		"labels": {{Name: "vswarden_a_total", Help: "A.", Value: value}, {Name: "vswarden_a_total", Help: "A.", Labels: []Label{{"x", "1"}}, Value: value}},
	} {
		if s, err := Listen(Config{Listen: "127.0.0.1:0"}, metrics, state, state); err == nil {
			_ = s.Close()
			t.Errorf("%s: taken", name)
		}
	}
}

func TestListenSaysTheCure(t *testing.T) {
	state := func() (bool, string) { return true, "" }
	a, err := Listen(Config{Listen: "127.0.0.1:0"}, nil, state, state)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = a.Close() }()
	if _, err := Listen(Config{Listen: a.Addr()}, nil, state, state); err == nil || !strings.Contains(err.Error(), "--admin") {
		t.Errorf("second listener: %v", err)
	}
	if s, err := Listen(Config{}, nil, state, state); s != nil || err != nil || s.Addr() != "" || s.Close() != nil {
		t.Errorf("no address: %v, %v", s, err)
	}
}

func TestConfigValidate(t *testing.T) {
	for listen, bad := range map[string]bool{"": false, "127.0.0.1:0": false, "[::1]:9514": false, ":9514": false, "9514": true, "127.0.0.1:99999": true, "127.0.0.1:http": true} {
		if got := len(Config{Listen: listen}.Validate()) > 0; got != bad {
			t.Errorf("%q: faults %v, want %v", listen, got, bad)
		}
	}
}
