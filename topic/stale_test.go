package topic

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"vswarden/pipeline"
	"vswarden/spool"
)

// sinkLog is what the members of a group wrote, in the order in which they did.
type sinkLog struct {
	mu    sync.Mutex
	lines []string
}

func (l *sinkLog) len() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.lines)
}

// firsts are the lines without their repeats.
func (l *sinkLog) firsts() (all []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, line := range l.lines {
		if !slices.Contains(all, line) {
			all = append(all, line)
		}
	}
	return all
}

// member is a Source whose lines go into a sinkLog, one by one, as long as they are let through.
type member struct {
	*Source
	let     chan struct{} // one for each line; closed: all
	commits bool
}

func startMember(t *testing.T, brokers []string, out *sinkLog, commits bool) *member {
	t.Helper()
	cfg := DefaultConfig()
	cfg.Brokers, cfg.Topic, cfg.Group, cfg.SessionTimeout = brokers, "raw", "g", 6*time.Second
	m := &member{Source: NewSource(SourceConfig{Config: cfg, Sink: "s"}), let: make(chan struct{}, 100), commits: commits}
	ctx, stop := context.WithCancel(t.Context())
	var all sync.WaitGroup
	all.Go(func() {
		if err := m.Run(ctx); err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	all.Go(func() {
		var ch spool.Chunk
		for {
			err := m.Next(ctx, &ch)
			if errors.Is(err, io.EOF) || ctx.Err() != nil {
				return
			}
			if err != nil {
				t.Errorf("Next: %v", err)
				return
			}
			for i, b := range ch.Records {
				select {
				case <-m.let:
				case <-ctx.Done():
					return
				}
				var r pipeline.Record
				if err := r.Decode(b); err != nil {
					t.Errorf("record: %v", err)
				}
				out.mu.Lock()
				out.lines = append(out.lines, string(r.Data))
				out.mu.Unlock()
				if m.commits {
					if err := m.Commit(ch.First + spool.Position(i)); err != nil {
						t.Errorf("Commit: %v", err)
					}
				}
			}
		}
	})
	t.Cleanup(func() {
		m.CloseRead()
		stop()
		all.Wait()
	})
	return m
}

// A member that stood still for longer than its session, and then goes on with what it had read, repeats
// lines that the others delivered meanwhile. It overtakes nobody: each member's lines follow what it
// delivered itself, or what the group knew to be done.
func TestAMemberThatStoodStillKeepsTheOrder(t *testing.T) {
	for name, commits := range map[string]bool{"the others committed": true, "they did not": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := fake(t, 1)
			var out sinkLog
			var mu sync.Mutex
			still, names := "", map[string]bool{} // who stands still, and who else there is
			control := func(key int16, answer func(kmsg.Request) (string, kmsg.Response)) {
				c.ControlKey(key, func(req kmsg.Request) (kmsg.Response, error, bool) {
					c.KeepControl()
					who, res := answer(req)
					mu.Lock()
					defer mu.Unlock()
					if who != "" {
						names[who] = true
					}
					return res, nil, still != "" && who == still
				})
			}
			control(int16(kmsg.Heartbeat), func(req kmsg.Request) (string, kmsg.Response) {
				res := req.ResponseKind().(*kmsg.HeartbeatResponse)
				res.ErrorCode = 15 // COORDINATOR_NOT_AVAILABLE
				return req.(*kmsg.HeartbeatRequest).MemberID, res
			})
			control(int16(kmsg.JoinGroup), func(req kmsg.Request) (string, kmsg.Response) {
				res := req.ResponseKind().(*kmsg.JoinGroupResponse)
				res.ErrorCode = 15
				return req.(*kmsg.JoinGroupRequest).MemberID, res
			})

			put(t, c, 0, 0, 10)
			a := startMember(t, c.ListenAddrs(), &out, true)
			for range 5 {
				a.let <- struct{}{}
			}
			until(t, "half of what was read is delivered, and a member known", func() bool {
				mu.Lock()
				defer mu.Unlock()
				for who := range names {
					still = who
				}
				return out.len() == 5 && still != ""
			})
			b := startMember(t, c.ListenAddrs(), &out, commits)
			close(b.let)
			put(t, c, 0, 10, 10)
			until(t, "the other one has taken over", func() bool { return out.len() >= 5+15 && b.Partitions() == 1 })
			mu.Lock()
			still = ""
			mu.Unlock()
			close(a.let)
			put(t, c, 0, 20, 10)
			until(t, "all is delivered", func() bool { return len(out.firsts()) == 30 })
			for i, line := range out.firsts() {
				if line != fmt.Sprintf("0/%d", i) {
					t.Fatalf("line %d is %s: %v", i, line, out.firsts())
				}
			}
		})
	}
}
