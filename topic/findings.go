package topic

import (
	"context"

	"vswarden/kafka"
)

// Findings connects and says what stands in the way of a sink's group, and what will bite. An error
// says that the cluster could not be asked. The config is valid.
func Findings(ctx context.Context, cfg Config, sink string) ([]string, error) {
	return kafka.GroupFindings(ctx, cfg.group(sink, false), "events of our own")
}
