package kafka

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/apiversions"
	"github.com/segmentio/kafka-go/protocol/saslauthenticate"
	"github.com/segmentio/kafka-go/protocol/saslhandshake"
)

// idleMax is how long a connection may be silent and still be used: brokers close idle ones after
// ten minutes, what stands in between often earlier and without a word.
const idleMax = 3 * time.Minute

// conn is one connection to one broker: one request at a time, each answered or the connection is
// of no use any more.
type conn struct {
	addr   string
	client string
	nc     net.Conn
	known  map[protocol.ApiKey][2]int16 // oldest and newest version of each request
	id     int32                        // of the last request
	answer []byte                       // the last one, with its length and number; the next one overwrites it
	until  time.Time                    // when the broker wants to know again who we are; zero: never
	used   time.Time                    // last answer
}

// answerMax is more than any answer has.
const answerMax = 128 << 20

var errNoKafka = errors.New("what answers there is no Kafka")

// dial connects to one broker and shows it who we are. An error tells the broker's address.
func dial(ctx context.Context, cfg *Config, addr string) (*conn, error) {
	c, err := dialPlain(ctx, cfg, addr)
	if err != nil {
		return nil, fmt.Errorf("broker %s: %w", addr, explainDial(cfg, err))
	}
	return c, nil
}

func dialPlain(ctx context.Context, cfg *Config, addr string) (*conn, error) {
	ctx, cancel := context.WithTimeout(ctx, cfg.DialTimeout)
	defer cancel()
	mechanism, err := cfg.SASL.mechanism()
	if err != nil {
		return nil, err
	}
	wrap, err := cfg.TLS.wrap(addr)
	if err != nil {
		return nil, err
	}
	var d net.Dialer
	nc, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	if wrap != nil {
		secure := wrap(nc)
		if err := secure.HandshakeContext(ctx); err != nil {
			_ = nc.Close() // it is of no use
			return nil, handshakeError{err}
		}
		nc = secure
	}
	// The first number is drawn, so that nobody who is no Kafka answers with it.
	c := &conn{addr: addr, client: cfg.ClientID, nc: nc, id: rand.Int32N(1 << 30), used: time.Now()}
	if err := c.negotiate(ctx, cfg.DialTimeout); err != nil {
		c.close()
		return nil, negotiateError{err}
	}
	if mechanism != nil {
		if err := c.authenticate(ctx, cfg.DialTimeout, mechanism); err != nil {
			c.close()
			return nil, err
		}
	}
	return c, nil
}

// negotiate asks which versions of each request the broker knows.
func (c *conn) negotiate(ctx context.Context, timeout time.Duration) error {
	res, err := exchange[apiversions.Response](ctx, c, &apiversions.Request{}, timeout)
	if err != nil {
		return err
	}
	if res.ErrorCode != 0 {
		return brokerError(res.ErrorCode, "")
	}
	c.known = make(map[protocol.ApiKey][2]int16, len(res.ApiKeys))
	for _, k := range res.ApiKeys {
		c.known[protocol.ApiKey(k.ApiKey)] = [2]int16{k.MinVersion, k.MaxVersion}
	}
	return nil
}

// version returns the newest version of a request that the broker, kafka-go and walker know.
func (c *conn) version(req protocol.Message) (int16, error) {
	key := req.ApiKey()
	if key == protocol.ApiVersions {
		return 0, nil // every broker answers it
	}
	known, ok := c.known[key]
	if !ok {
		return 0, fmt.Errorf("the broker does not know the request %v", key)
	}
	v := key.SelectVersion(known[0], known[1])
	for flexible(req, v) && v > 0 {
		v--
	}
	if v < known[0] || v > known[1] || flexible(req, v) {
		return 0, fmt.Errorf("the broker knows %v in versions %d to %d, and we in others", key, known[0], known[1])
	}
	return v, nil
}

// authenticate runs the SASL exchange.
func (c *conn) authenticate(ctx context.Context, timeout time.Duration, mechanism mechanism) error {
	hello, err := exchange[saslhandshake.Response](ctx, c, &saslhandshake.Request{Mechanism: mechanism.Name()}, timeout)
	if err != nil {
		return err
	}
	if hello.ErrorCode != 0 && len(hello.Mechanisms) == 0 {
		return brokerError(hello.ErrorCode, "")
	}
	if hello.ErrorCode != 0 {
		return fmt.Errorf("it takes %s here, not %s: %w", strings.Join(hello.Mechanisms, ", "), mechanism.Name(), brokerError(hello.ErrorCode, ""))
	}
	session, say, err := mechanism.Start(ctx)
	if err != nil {
		return fmt.Errorf("begin SASL: %w", err)
	}
	for done := false; !done; {
		res, err := exchange[saslauthenticate.Response](ctx, c, &saslauthenticate.Request{AuthBytes: say}, timeout)
		if isEnd(err) { // how some say no
			return brokerError(int16(kafkago.SASLAuthenticationFailed), "")
		}
		if err != nil {
			return err
		}
		if res.ErrorCode != 0 {
			return brokerError(res.ErrorCode, res.ErrorMessage)
		}
		if res.SessionLifetimeMs > 0 {
			c.until = time.Now().Add(time.Duration(res.SessionLifetimeMs) * time.Millisecond * 8 / 10)
		}
		if done, say, err = session.Next(ctx, res.AuthBytes); err != nil {
			return fmt.Errorf("%w: %w", brokerError(int16(kafkago.SASLAuthenticationFailed), ""), err)
		}
	}
	return nil
}

// usable says whether the connection is fresh enough for another request.
func (c *conn) usable(now time.Time) bool {
	return now.Sub(c.used) < idleMax && (c.until.IsZero() || now.Before(c.until))
}

// roundTrip sends a request and returns the answer, which is a T. After an error the connection is closed, and
// nobody knows whether the broker did what it was asked. Nothing of req is read after it returned.
func roundTrip[T any](ctx context.Context, c *conn, req protocol.Message, timeout time.Duration) (*T, error) {
	m, err := exchange[T](ctx, c, req, timeout)
	if err != nil {
		c.close()
		return nil, fmt.Errorf("broker %s: %w", c.addr, plainError(err))
	}
	return m, nil
}

// exchange is roundTrip with errors as they are, and the connection left open.
func exchange[T any](ctx context.Context, c *conn, req protocol.Message, timeout time.Duration) (*T, error) {
	version, err := c.version(req)
	if err != nil {
		return nil, err
	}
	return converse[T](ctx, c, version, timeout, func() error { return protocol.WriteRequest(c.nc, version, c.id, c.client, req) })
}

// converse has write send the request with the number c.id, and returns the answer.
func converse[T any](ctx context.Context, c *conn, version int16, timeout time.Duration, write func() error) (*T, error) {
	deadline := time.Now().Add(timeout)
	if d, ok := ctx.Deadline(); ok && d.Before(deadline) {
		deadline = d
	}
	if err := c.nc.SetDeadline(deadline); err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = c.nc.SetDeadline(time.Unix(1, 0)) }) // ends the read or write under way
	err := c.ask(write)
	if !stop() && err != nil && ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil {
		return nil, err
	}
	c.used = time.Now()
	answer := new(T)
	if !decode(c.answer[8:], answer, version) {
		return nil, errNoKafka
	}
	return answer, nil
}

// ask writes a request and reads the bytes of its answer.
func (c *conn) ask(write func() error) error {
	c.id++
	if err := write(); err != nil {
		return err
	}
	c.answer = slices.Grow(c.answer[:0], 8)[:8]
	if _, err := io.ReadFull(c.nc, c.answer); err != nil {
		return err
	}
	size, id := binary.BigEndian.Uint32(c.answer), int32(binary.BigEndian.Uint32(c.answer[4:]))
	if id != c.id || size < 4 || size > answerMax { // who answers may be no Kafka at all
		return errNoKafka
	}
	if cap(c.answer) > memoryKeep && cap(c.answer) > 4*int(size) {
		c.answer = append(make([]byte, 0, int(size)+4), c.answer...)
	}
	c.answer = slices.Grow(c.answer, int(size)-4)[:int(size)+4]
	_, err := io.ReadFull(c.nc, c.answer[8:])
	return err
}

func (c *conn) close() { _ = c.nc.Close() } // it is not used any more, whatever it says
