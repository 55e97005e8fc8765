package app

import (
	"time"

	"vswarden/event"
	"vswarden/linkwatch"
	"vswarden/pipeline"
	"vswarden/receiver"
	"vswarden/spool"
	"vswarden/web"
)

// metrics lists everything the program counts. All are there from the first scrape, at 0; labels
// hold nothing that a sender chooses.
func (p *parts) metrics() []web.Metric {
	var all []web.Metric
	all = append(all, p.receiverMetrics()...)
	all = append(all, p.logMetrics()...)
	all = append(all, p.inventoryMetrics()...)
	all = append(all, p.postureMetrics()...)
	all = append(all, p.sourceMetrics()...)
	all = append(all, p.feederMetrics()...)
	all = append(all, p.detectionMetrics()...)
	for _, t := range p.outlets {
		all = append(all, p.outletMetrics(t)...)
	}
	for bit, tag := range event.TagNames {
		all = append(all, counter("vswarden_tags_total", "Marks that events carry, each counted once however many sinks get the event.",
			func() uint64 { return p.tagged(bit) }, web.Label{Name: "tag", Value: tag}))
	}
	return all
}

func counter(name, help string, value func() uint64, labels ...web.Label) web.Metric {
	return web.Metric{Name: name, Help: help, Kind: web.Counter, Labels: labels, Value: func() float64 { return float64(value()) }}
}

func gauge(name, help string, value func() float64, labels ...web.Label) web.Metric {
	return web.Metric{Name: name, Help: help, Kind: web.Gauge, Labels: labels, Value: value}
}

// received is the sum of something over all listeners.
func (p *parts) received(of func(*receiver.Stats) uint64) func() uint64 {
	return func() (n uint64) {
		for _, l := range p.listeners {
			n += of(l.Stats())
		}
		return n
	}
}

func (p *parts) receiverMetrics() []web.Metric {
	var all []web.Metric
	for _, t := range []receiver.Transport{receiver.UDP, receiver.TCP, receiver.TLS, receiver.Netlink} {
		transport := web.Label{Name: "transport", Value: t.String()}
		all = append(all,
			counter("vswarden_frames_received_total", "Frames that listeners cut out of what sockets gave.",
				p.received(func(s *receiver.Stats) uint64 { return s.Frames[t].Load() }), transport),
			counter("vswarden_frame_bytes_received_total", "Bytes of these frames, without framing.",
				p.received(func(s *receiver.Stats) uint64 { return s.Bytes[t].Load() }), transport))
		for _, r := range receiver.DropReasons() {
			all = append(all, counter("vswarden_frames_dropped_total", "Frames that were received and could not be kept.",
				p.received(func(s *receiver.Stats) uint64 { return s.Dropped[t][r].Load() }), transport, web.Label{Name: "reason", Value: r.String()}))
		}
	}
	all = append(all,
		counter("vswarden_udp_kernel_drops_total", "Datagrams the kernel threw away because a socket's buffer was full.",
			p.received(func(s *receiver.Stats) uint64 { return s.KernelDrops.Load() })),
		counter("vswarden_netlink_overruns_total", "Times the kernel lost messages about links; all links were read anew.",
			p.links(func(s *linkwatch.Stats) uint64 { return s.Overruns.Load() })),
		counter("vswarden_netlink_broken_total", "Messages about links that could not be read; all links were read anew.",
			p.links(func(s *linkwatch.Stats) uint64 { return s.Broken.Load() })),
		counter("vswarden_frames_truncated_total", "Frames longer than max_frame, kept cut.",
			p.received(func(s *receiver.Stats) uint64 { return s.Truncated.Load() })),
		counter("vswarden_frames_unfinished_total", "Frames whose end never came, kept as far as they came.",
			p.received(func(s *receiver.Stats) uint64 { return s.Unfinished.Load() })),
		counter("vswarden_framing_resyncs_total", "Octet counts found to be wrong.",
			p.received(func(s *receiver.Stats) uint64 { return s.Resynced.Load() })),
		counter("vswarden_connections_accepted_total", "TCP connections taken.",
			p.received(func(s *receiver.Stats) uint64 { return s.Accepted.Load() })),
		gauge("vswarden_connections_open", "TCP connections open now.", func() float64 {
			return float64(p.received(func(s *receiver.Stats) uint64 { return uint64(max(s.Open.Load(), 0)) })())
		}))
	for _, r := range receiver.HandshakeFaults() {
		all = append(all, counter("vswarden_tls_handshake_faults_total", "TLS handshakes that came to nothing.",
			p.received(func(s *receiver.Stats) uint64 { return s.HandshakeFaults[r].Load() }), web.Label{Name: "reason", Value: r.String()}))
	}
	for _, r := range receiver.CloseReasons() {
		all = append(all, counter("vswarden_connections_closed_total", "TCP connections that ended.",
			p.received(func(s *receiver.Stats) uint64 { return s.Closed[r].Load() }), web.Label{Name: "reason", Value: r.String()}))
	}
	all = append(all,
		counter("vswarden_tls_handshakes_total", "TLS sessions begun.",
			p.received(func(s *receiver.Stats) uint64 { return s.Handshakes.Load() })),
		counter("vswarden_tls_reloads_total", "Times that certificate, key and client CA were read again.",
			p.received(func(s *receiver.Stats) uint64 { return s.Reloads.Load() }), web.Label{Name: "result", Value: "ok"}),
		counter("vswarden_tls_reloads_total", "Times that certificate, key and client CA were read again.",
			p.received(func(s *receiver.Stats) uint64 { return s.ReloadFaults.Load() }), web.Label{Name: "result", Value: "kept_old"}),
		counter("vswarden_datagrams_refused_total", "Datagrams from addresses that allow does not hold.",
			p.received(func(s *receiver.Stats) uint64 { return s.RefusedDatagrams.Load() })))
	for _, r := range receiver.Refusals() {
		all = append(all, counter("vswarden_connections_refused_total", "Connections that were not listened to.",
			p.received(func(s *receiver.Stats) uint64 { return s.Refused[r].Load() }), web.Label{Name: "reason", Value: r.String()}))
	}
	return all
}

func (p *parts) logMetrics() []web.Metric {
	all := []web.Metric{
		counter("vswarden_records_emitted_total", "Events we stated ourselves.",
			p.intake.Emitted, web.Label{Name: "kind", Value: pipeline.KindEvent.String()}),
		counter("vswarden_log_records_total", "Records appended to the log; in role enrich, read from the topic for the sink that is furthest.",
			func() uint64 { return p.logStats().Appended }),
		counter("vswarden_log_synced_records_total", "Of these, records that survive a power cut.",
			func() uint64 { return p.logStats().Synced }),
	}
	all = append(all, gauge("vswarden_log_full", "1 while the log has no room.", func() float64 {
		if p.records != nil && p.records.Full() {
			return 1
		}
		return 0
	}))
	all = append(all, gauge("vswarden_stamps_ahead_seconds", "How far receive stamps in the log are ahead of a clock that was set back.",
		func() float64 { return p.intake.Ahead().Seconds() }))
	for _, k := range []spool.DamageKind{spool.Torn, spool.Corrupt, spool.Missing} {
		all = append(all, counter("vswarden_log_damage_total", "Damaged places found in the log.",
			func() uint64 { return p.logStats().Damage[k] }, web.Label{Name: "kind", Value: k.String()}))
	}
	for state, bytes := range map[string]func(spool.Stats) int64{
		"undelivered": func(s spool.Stats) int64 { return s.BytesUndelivered },
		"retained":    func(s spool.Stats) int64 { return s.BytesRetained },
		"pending":     func(s spool.Stats) int64 { return s.BytesPending },
	} {
		all = append(all, gauge("vswarden_log_bytes", "Bytes of the log: some sink lacks them, kept for replay, in memory and not written yet.",
			func() float64 { return float64(bytes(p.logStats())) }, web.Label{Name: "state", Value: state}))
	}
	return all
}

func (p *parts) outletMetrics(t *outlet) []web.Metric {
	s, name := &t.delivery.Stats, web.Label{Name: "sink", Value: t.name}
	backlog := float64(t.backlog)
	all := []web.Metric{
		gauge("vswarden_cursor_backlog_records", "Records that waited for the sink when the process started.",
			func() float64 { return backlog }, name),
		gauge("vswarden_cursor_lag_records", "Records the sink has not done yet.",
			func() float64 { return float64(t.lag()) }, name),
		counter("vswarden_events_delivered_total", "Events the sink took.", s.Delivered.Load, name),
		counter("vswarden_events_filtered_total", "Events the sink's filter held back.", s.Filtered.Load, name),
		counter("vswarden_events_grouped_total", "Lines that went into another event.", s.Grouped.Load, name),
		counter("vswarden_enrich_awaited_total", "Lines of the virtual switch that were held back until their port was known.", s.Awaited.Load, name),
		counter("vswarden_enrich_given_up_total", "Of these, the lines that went out as they were when enrich.wait was over.", s.GivenUp.Load, name),
		gauge("vswarden_enrich_waited_seconds", "How long lanes waited for them since start.", func() float64 { return time.Duration(s.Waited.Load()).Seconds() }, name),
		counter("vswarden_sink_retries_total", "Batches that were written again.", s.Retries.Load, name),
		counter("vswarden_dead_letters_forgotten_bytes_total", "Bytes of dead letters that went because the bound was reached.",
			func() uint64 { return uint64(t.dead.Forgotten()) }, name),
		counter("vswarden_bytes_total", "Bytes of records read for the sink and of events it took.", s.BytesIn.Load, name, web.Label{Name: "direction", Value: "in"}),
		counter("vswarden_bytes_total", "Bytes of records read for the sink and of events it took.", s.BytesOut.Load, name, web.Label{Name: "direction", Value: "out"}),
		counter("vswarden_events_skipped_total", "Records the sink never gets.", t.damaged, name, web.Label{Name: "reason", Value: pipeline.SkipDamaged}),
		counter("vswarden_events_skipped_total", "Records the sink never gets.", func() uint64 { return t.skipped }, name, web.Label{Name: "reason", Value: pipeline.SkipNewest}),
		counter("vswarden_events_skipped_total", "Records the sink never gets.", func() uint64 { return t.expired() }, name, web.Label{Name: "reason", Value: skipExpired}),
		gauge("vswarden_sink_failing", "1 while the sink does not take events.", func() float64 {
			if t.delivery.Failing() != "" {
				return 1
			}
			return 0
		}, name),
		{
			Name: "vswarden_delivery_latency_seconds", Help: "Time from receiving a frame to the sink's acknowledgement.",
			Kind: web.Distribution, Labels: []web.Label{name}, Buckets: s.Latency.Snapshot,
		},
	}
	for _, reason := range []string{pipeline.DeadPermanent, pipeline.DeadPanic, pipeline.DeadRecord} {
		all = append(all, counter("vswarden_events_dead_total", "Events in the dead letters.",
			func() uint64 { return s.Dead(reason) }, name, web.Label{Name: "reason", Value: reason}))
	}
	return all
}

// logStats is what the log counts; in role enrich, what corresponds to it.
func (p *parts) logStats() spool.Stats {
	if p.records == nil {
		n := p.remote.consumed()
		return spool.Stats{Appended: n, Synced: n} // it is in the topic
	}
	return p.records.Stats()
}

// skipExpired is a reason for skipped records: the topic dropped them before they were read.
const skipExpired = "expired"

// expired is how many records that were.
func (t *outlet) expired() uint64 {
	if s, ok := t.cursor.(namedSource); ok {
		return s.Expired()
	}
	return 0
}

// damaged is how many records the log or the topic has in a form that nobody can read.
func (t *outlet) damaged() uint64 {
	n := t.delivery.Stats.Damaged()
	if s, ok := t.cursor.(namedSource); ok {
		n += s.Damaged()
	}
	return n
}

// sourceMetrics are those of a sink's place in the topic.
func (p *parts) sourceMetrics() (all []web.Metric) {
	if p.remote == nil {
		return nil
	}
	for _, s := range p.remote.sources {
		name := web.Label{Name: "sink", Value: s.sink}
		all = append(all,
			counter("vswarden_consumed_records_total", "Records read from the topic for the sink, and those that were lost before.", s.Consumed, name),
			gauge("vswarden_topic_lag_records", "Records in our partitions of the topic that were not read yet.", func() float64 { return float64(s.Behind()) }, name),
			gauge("vswarden_topic_partitions", "Partitions of the topic that this node has.", func() float64 { return float64(s.Partitions()) }, name),
			gauge("vswarden_source_failing", "1 while the topic cannot be read for the sink.", func() float64 {
				if s.Failing() != "" {
					return 1
				}
				return 0
			}, name))
	}
	return all
}

// lag is how many records are not done. While some are under way, what lies behind them may be done
// although the cursor has not moved; when none is, the cursor moves next, and until then says it.
func (t *outlet) lag() uint64 {
	undone, given := t.delivery.Undone()
	if undone == 0 {
		return t.cursor.Backlog()
	}
	return undone + t.cursor.After(given)
}

// tagged counts a tag. Every delivery sees every frame, so the one that is ahead has the number.
func (p *parts) tagged(bit int) (n uint64) {
	for _, t := range p.outlets {
		n = max(n, t.delivery.Stats.Tags[bit].Load())
	}
	return n
}
