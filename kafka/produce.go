package kafka

import (
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"time"

	"github.com/segmentio/kafka-go/protocol/produce"
	"github.com/segmentio/kafka-go/protocol/rawproduce"
)

// produceOldest is the first version of a produce request that takes record batches as we write them.
const produceOldest = 3

// produceTo sends record batches of some partitions of a topic to their leader, to be acknowledged by all
// in-sync replicas. What kafka-go would copy into pages of its own goes out as it lies in partitions: for
// each the number, the length of its batch, and the batch. Like roundTrip it closes the connection
// after an error, and nothing of partitions is read after it returned.
func produceTo(ctx context.Context, c *conn, topic string, count int, partitions []byte, timeout time.Duration) (*produce.Response, error) {
	version, err := c.version(&rawproduce.Request{})
	if err == nil && version < produceOldest {
		err = fmt.Errorf("the broker knows produce requests up to version %d only", version)
	}
	if err != nil {
		c.close()
		return nil, fmt.Errorf("broker %s: %w", c.addr, err)
	}
	res, err := converse[produce.Response](ctx, c, version, timeout, func() error {
		be := binary.BigEndian
		head := be.AppendUint16(make([]byte, 4, 128), 0) // a produce request
		head = be.AppendUint16(head, uint16(version))
		head = be.AppendUint32(head, uint32(c.id))
		head = appendText(head, c.client)
		head = be.AppendUint16(head, ^uint16(0)) // of no transaction
		head = be.AppendUint16(head, ^uint16(0)) // acks: all
		head = be.AppendUint32(head, uint32(timeout.Milliseconds()*3/4))
		head = appendText(be.AppendUint32(head, 1), topic)
		head = be.AppendUint32(head, uint32(count))
		be.PutUint32(head, uint32(len(head)-4+len(partitions)))
		parts := net.Buffers{head, partitions}
		_, err := parts.WriteTo(c.nc)
		return err
	})
	if err != nil {
		c.close()
		return nil, fmt.Errorf("broker %s: %w", c.addr, plainError(err))
	}
	return res, nil
}
