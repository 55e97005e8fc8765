package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"vswarden/configs"
	"vswarden/inventory"
	"vswarden/pipeline"
	"vswarden/posture"
	"vswarden/receiver"
	"vswarden/sink/file"
	"vswarden/spool"
	"vswarden/web"
)

// parts is the running program as health, metrics and reload see it.
type parts struct {
	cfg       configs.Config
	log       zerolog.Logger
	records   *spool.Log   // nil in role enrich
	remote    *topicSupply // nil in other roles
	intake    *pipeline.Intake
	listeners []listener
	reporter  *posture.Reporter
	outlets   []*outlet
	detection *pipeline.Detection // nil: none
	known     *memory
	feeders   []feeder
	full      bool // the log was full when last looked at
	ahead     bool // the stamps were ahead of the clock
}

// watch handles reloads and reports damage found while running, until ctx ends.
func (p *parts) watch(ctx context.Context, o Options) {
	t := time.NewTicker(time.Second)
	defer t.Stop()
	var feeders feederWatch
	drops := kernelDrops{seen: make([]uint64, len(p.listeners))}
	for {
		select {
		case <-ctx.Done():
			return
		case <-o.Reload:
			p.reload(o)
		case <-t.C:
			reportDamage(p.log, p.records)
			p.reportFull()
			p.reportClock()
			p.reportUpkeep()
			if p.remote != nil {
				p.remote.report()
			}
			feeders.report(p.feeders, p.log)
			drops.report(ctx, p)
		}
	}
}

// reportFull logs when the log becomes full and when it takes records again.
func (p *parts) reportFull() {
	if p.records == nil {
		return
	}
	full := p.records.Full()
	switch {
	case full == p.full:
	case full:
		s, dir := p.records.Stats(), logDir(p.cfg.DataDir)
		if p.cfg.Log.Body == spool.BodyMemory {
			dir = "none, it is in memory"
		}
		p.log.Error().Str("directory", dir).Int64("undelivered_bytes", s.BytesUndelivered).Stringer("max_size", p.cfg.Log.MaxSize).Stringer("min_free", p.cfg.Log.MinFree).
			Msg("the log is full: TCP senders wait, datagrams are dropped; mend the sink that lags, or give it room (log.max_size, log.min_free, the disk)")
	default:
		p.log.Info().Msg("the log takes records again")
	}
	p.full = full
}

// reportClock logs when the clock was set back so far that receive stamps stand still.
func (p *parts) reportClock() {
	ahead := p.intake.Ahead() > time.Minute
	if ahead && !p.ahead {
		p.log.Warn().Dur("ahead_ms", p.intake.Ahead()).Msg("receive stamps in the log are ahead of the clock, which was set back; they stand still until it has caught up, and event.created with them")
	}
	p.ahead = ahead
}

// reportUpkeep logs once when older output files cannot be compressed or removed.
func (p *parts) reportUpkeep() {
	for _, t := range p.outlets {
		f, ok := t.sink.(*file.Sink)
		if !ok {
			continue
		}
		why := ""
		if err := f.Upkeep(); err != nil {
			why = err.Error()
		}
		if why != t.upkeep && why != "" {
			p.log.Warn().Str("sink", t.name).Str("error", why).Msg("older files cannot be looked after; new events are not touched by this")
		}
		t.upkeep = why
	}
}

// reload does what SIGHUP asks for: files are opened anew; the configuration is read and checked,
// what can be changed while running is changed, and what cannot is named.
func (p *parts) reload(o Options) {
	for _, t := range p.outlets {
		f, ok := t.sink.(*file.Sink)
		if !ok {
			continue
		}
		if err := f.Reopen(); err != nil {
			p.log.Error().Str("sink", t.name).Err(err).Msg("reload: the file was not rotated; the old one stays in use")
			continue
		}
		p.log.Info().Str("sink", t.name).Msg("reload: file rotated")
	}
	if o.LoadConfig == nil {
		return
	}
	cfg, err := o.LoadConfig()
	if err != nil {
		p.log.Error().Err(err).Msg("reload: the configuration has faults; what was there stays in force")
		return
	}
	for _, c := range cfg.Listeners {
		for _, l := range p.listeners {
			if l.Name() != c.Name {
				continue
			}
			if _, err := l.Reload(c.Config); err != nil { // what needs a restart is named below
				p.log.Error().Str("listener", c.Name).Err(err).Msg("reload: the listener keeps what it had")
			}
		}
	}
	for i, s := range cfg.Sinks {
		for _, t := range p.outlets {
			if t.name == s.Name {
				t.delivery.SetFilter(cfg.Sinks[i].Filter.Compile())
			}
		}
	}
	if p.detection != nil {
		p.detection.SetRules(cfg.Detections)
	}
	if changed := p.cfg.NeedRestart(cfg); len(changed) > 0 {
		p.log.Warn().Strs("keys", changed).Msg("reload: these settings changed and need a restart")
	}
	p.log.Info().Msg("reload: configuration read; filters, detections and listeners renewed")
}

// healthy says whether every part works.
func (p *parts) healthy() (ok bool, detail string) {
	var bad []string
	for _, t := range p.outlets {
		if why := t.delivery.Failing(); why != "" {
			bad = append(bad, "sink "+t.name+": "+why)
		}
	}
	if p.remote != nil {
		bad = append(bad, p.remote.failing()...)
		if why := p.intake.Failing(); why != "" {
			bad = append(bad, "our own events: "+why)
		}
	}
	stale := append(p.staleSources(), p.feederHealth()...)
	if p.detection != nil {
		if why := p.detection.Failing(); why != "" { // lines and events go on
			stale = append(stale, "detections: "+why)
		}
	}
	if len(bad) == 0 {
		return true, strings.Join(append([]string{"ok"}, stale...), "\n")
	}
	return false, strings.Join(append(bad, stale...), "\n")
}

// ready says whether records are taken: not while the log is full, or the topic cannot be read.
func (p *parts) ready() (ok bool, detail string) {
	if p.records == nil {
		bad := p.remote.failing()
		return len(bad) == 0, strings.Join(append(bad, "ready")[:1], "")
	}
	if p.records.Full() {
		return false, "the log is full"
	}
	return true, "ready"
}

// readyNote gathers the real addresses.
func (p *parts) readyNote(admin *web.Server) Ready {
	r := Ready{PID: os.Getpid(), Admin: admin.Addr(), Listeners: []ReadyListener{}}
	for _, l := range p.listeners {
		r.Listeners = append(r.Listeners, ReadyListener{Proto: l.Proto(), Address: l.Addr().String(), Name: l.Name()})
	}
	return r
}

// farewell logs what is left and says whether anything was lost: what is in a log on disk is not.
func (p *parts) farewell() error {
	reportDamage(p.log, p.records)
	var left uint64
	for _, t := range p.outlets {
		if n := t.cursor.Backlog(); n > 0 {
			left += n
			p.log.Warn().Str("sink", t.name).Uint64("records", n).Msg("not delivered yet")
		}
	}
	if left > 0 && p.records != nil && p.cfg.Log.Body == spool.BodyMemory {
		return fmt.Errorf("%w: %d records were in memory only", ErrUndelivered, left)
	}
	dropped := p.dropped(receiver.UDP) + p.dropped(receiver.TCP) + p.dropped(receiver.TLS) + p.dropped(receiver.Netlink)
	var damaged uint64
	for _, t := range p.outlets {
		damaged = max(damaged, t.delivery.Stats.Damaged())
	}
	where := "left_in_log"
	if p.records == nil {
		where = "left_in_topic"
	}
	p.log.Info().Uint64(where, left).Uint64("dropped", dropped).Uint64("damaged", damaged).Msg("stopped")
	if damaged > 0 {
		return fmt.Errorf("%w: %d records of the log were damaged", ErrUndelivered, damaged)
	}
	// Datagrams are dropped when there is no room, and so is everything where that was asked for.
	// Else a sender that was made to wait lost what we had read of it already.
	if n := p.dropped(receiver.TCP) + p.dropped(receiver.TLS) + p.dropped(receiver.Netlink); n > 0 && p.cfg.Log.Full == spool.FullBlock {
		return fmt.Errorf("%w: %d frames were read when the log had no room until the end", ErrUndelivered, n)
	}
	return nil
}

// dropped is how many frames of a transport could not be kept.
func (p *parts) dropped(t receiver.Transport) (n uint64) {
	for _, l := range p.listeners {
		for _, r := range receiver.DropReasons() {
			n += l.Stats().Dropped[t][r].Load()
		}
	}
	return n
}

// reportDamage logs each damage the log found since the last call.
func reportDamage(log zerolog.Logger, l *spool.Log) {
	if l == nil {
		return
	}
	for _, d := range l.TakeDamage() {
		log.Error().Str("damage", d.Kind.String()).Str("file", d.File).Int64("offset", d.Offset).Uint64("records", d.Records).Msg("the log is damaged here; what is readable goes on")
	}
}

// reportUnclaimed names cursors that belong to no sink: they hold nothing back.
func reportUnclaimed(log zerolog.Logger, l *spool.Log) {
	if l == nil {
		return
	}
	for _, c := range l.Cursors() {
		if !c.Claimed {
			log.Warn().Str("cursor", c.Name).Uint64("position", uint64(c.Position)).Msg("no sink claims this cursor; it holds nothing back; drop it with: vswarden cursors drop " + c.Name)
		}
	}
}

// IsUsage reports whether err is the user's to mend before a start: exit code 2.
func IsUsage(err error) bool {
	var inUse *spool.InUseError
	var format *spool.FormatError
	var cursor *spool.CursorError
	var snapshot *inventory.NewerError
	return errors.As(err, &inUse) || errors.As(err, &format) || errors.As(err, &cursor) || errors.As(err, &snapshot) || errors.Is(err, posture.ErrNewer)
}
