package web

import (
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Kind is what a metric is.
type Kind uint8

// The kinds of metrics.
const (
	Counter Kind = iota
	Gauge
	Distribution
)

// Metric is one value that is asked for when somebody looks. Parts keep plain counters; only this
// package knows how they are shown.
type Metric struct {
	Name   string // with vswarden_ and its unit
	Help   string
	Kind   Kind
	Labels []Label // the same names for every metric of one Name
	// Value gives a Counter or a Gauge.
	Value func() float64
	// Buckets gives a Distribution: counts up to each bound, all of them, and the sum.
	Buckets func() (buckets map[float64]uint64, count uint64, sum float64)
}

// Label is a name and a value that no sender chooses.
type Label struct{ Name, Value string }

// collector shows metrics to the library.
type collector struct {
	metrics []Metric
	descs   []*prometheus.Desc
	values  [][]string
}

func newCollector(metrics []Metric) *collector {
	c := &collector{metrics: metrics}
	for _, m := range metrics {
		var names, values []string
		for _, l := range m.Labels {
			names, values = append(names, l.Name), append(values, l.Value)
		}
		c.descs = append(c.descs, prometheus.NewDesc(m.Name, m.Help, names, nil))
		c.values = append(c.values, values)
	}
	return c
}

// Describe sends what there is; each Name once is enough, more do no harm.
func (c *collector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range c.descs {
		ch <- d
	}
}

// Collect asks every metric for its value.
func (c *collector) Collect(ch chan<- prometheus.Metric) {
	for i, m := range c.metrics {
		switch m.Kind {
		case Distribution:
			buckets, count, sum := m.Buckets()
			ch <- prometheus.MustNewConstHistogram(c.descs[i], count, sum, buckets, c.values[i]...)
		case Gauge:
			ch <- prometheus.MustNewConstMetric(c.descs[i], prometheus.GaugeValue, m.Value(), c.values[i]...)
		default:
			ch <- prometheus.MustNewConstMetric(c.descs[i], prometheus.CounterValue, m.Value(), c.values[i]...)
		}
	}
}

// metricsHandler serves metrics, those of the Go runtime and those of the process.
func metricsHandler(metrics []Metric) (http.Handler, error) {
	r := prometheus.NewRegistry()
	for _, c := range []prometheus.Collector{
		newCollector(metrics),
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	} {
		if err := r.Register(c); err != nil {
			return nil, err
		}
	}
	return promhttp.HandlerFor(r, promhttp.HandlerOpts{}), nil
}
