// Package web serves the admin address: metrics, health and readiness, over plain HTTP. It asks
// others for what it shows and knows nothing of what is measured. It is not made to face senders:
// there is no authentication, and the default address is this machine's own.
package web

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// State says whether all is well, and what is not, in words.
type State func() (ok bool, detail string)

// Server is the bound admin address.
type Server struct {
	ln   net.Listener
	http *http.Server
}

// Listen binds cfg.Listen and prepares what is served there. It returns nil when none is wanted;
// the methods of a nil Server do nothing.
func Listen(cfg Config, metrics []Metric, healthy, ready State) (*Server, error) {
	if cfg.Listen == "" {
		return nil, nil
	}
	scrape, err := metricsHandler(metrics)
	if err != nil {
		return nil, fmt.Errorf("register metrics: %w", err)
	}
	ln, err := net.Listen("tcp", cfg.Listen)
	if err != nil {
		return nil, fmt.Errorf("admin: %w; choose another address with admin.listen or --admin", err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", scrape)
	mux.Handle("GET /healthz", stateHandler(healthy))
	mux.Handle("GET /readyz", stateHandler(ready))
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "vswarden: /metrics /healthz /readyz\n") // the client may be gone
	})
	return &Server{ln: ln, http: &http.Server{
		Handler:           mux,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    16 << 10,
	}}, nil
}

// Addr is the bound address, "" when there is none.
func (s *Server) Addr() string {
	if s == nil {
		return ""
	}
	return s.ln.Addr().String()
}

// Serve answers until ctx ends.
func (s *Server) Serve(ctx context.Context) error {
	if s == nil {
		<-ctx.Done()
		return nil
	}
	ended := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(ended)
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
		defer cancel()
		if s.http.Shutdown(end) != nil {
			_ = s.http.Close() // time is up for who is still reading
		}
	})
	err := s.http.Serve(s.ln)
	if !stop() {
		<-ended // an answer under way goes out before we are gone
	}
	if !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve the admin address: %w", err)
	}
	return nil
}

// Close frees an address that was never served.
func (s *Server) Close() error {
	if s == nil {
		return nil
	}
	return s.ln.Close()
}

// stateHandler answers 200 or 503 with the detail as text.
func stateHandler(state State) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		ok, detail := state()
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		if !ok {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		_, _ = io.WriteString(w, strings.TrimSuffix(detail, "\n")+"\n") // the client may be gone
	}
}
