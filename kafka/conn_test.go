package kafka

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/metadata"
	"github.com/segmentio/kafka-go/protocol/produce"
	"github.com/segmentio/kafka-go/protocol/saslauthenticate"
)

// answering serves each connection with answer, which gets the request's bytes, and returns the address.
func answering(t testing.TB, answer func(request []byte) []byte) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			nc, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer nc.Close()
				r := bufio.NewReader(nc)
				for {
					var size [4]byte
					if _, err := io.ReadFull(r, size[:]); err != nil {
						return
					}
					request := make([]byte, binary.BigEndian.Uint32(size[:]))
					if _, err := io.ReadFull(r, request); err != nil {
						return
					}
					if _, err := nc.Write(answer(request)); err != nil {
						return
					}
				}
			}()
		}
	}()
	return l.Addr().String()
}

func dialed(t testing.TB, addr string, timeout time.Duration) error {
	t.Helper()
	cfg := DefaultConfig()
	cfg.Brokers, cfg.DialTimeout = []string{addr}, timeout
	c, err := dial(t.Context(), &cfg, addr)
	if err == nil {
		c.close()
	}
	return err
}

func TestWhatIsNoKafkaIsToldSo(t *testing.T) {
	http := func([]byte) []byte {
		return []byte("HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n400 Bad Request")
	}
	echo := func(b []byte) []byte { return append([]byte{0, 0, 0, byte(len(b))}, b...) }
	for name, answer := range map[string]func([]byte) []byte{"http": http, "echo": echo, "zeros": func([]byte) []byte { return make([]byte, 100) }} {
		if err := dialed(t, answering(t, answer), 20*time.Second); !errors.Is(err, errNoKafka) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for want, err := range map[string]error{
		"read: connection reset by peer":         &net.OpError{Op: "read", Err: os.NewSyscallError("read", syscall.ECONNRESET)},
		"dial: connect: connection refused":      &net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)},
		"read: use of closed network connection": &net.OpError{Op: "read", Err: net.ErrClosed},
	} {
		if got := plainError(err).Error(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	silent := answering(t, func([]byte) []byte { return nil })
	if err := dialed(t, silent, 200*time.Millisecond); err == nil || !strings.Contains(err.Error(), "no answer in time") {
		t.Errorf("silent: %v", err)
	}
}

// A list that says it is long must not make us take memory for it.
func TestAnswerThatLiesAboutItsLength(t *testing.T) {
	addr := answering(t, func(b []byte) []byte {
		answer := append([]byte{0, 0, 0, 10}, b[4:8]...) // length, number of the request
		answer = append(answer, 0, 0)                    // no error
		return append(answer, 0x7f, 0xff, 0xff, 0xff)    // so many versions follow
	})
	if err := dialed(t, addr, 20*time.Second); !errors.Is(err, errNoKafka) {
		t.Errorf("dial: %v", err)
	}
}

func TestConnectionEndsWithTheContext(t *testing.T) {
	addr := answering(t, func([]byte) []byte { return nil })
	cfg := DefaultConfig()
	cfg.Brokers, cfg.DialTimeout = []string{addr}, time.Minute
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	began := time.Now()
	if _, err := dial(ctx, &cfg, addr); err == nil || time.Since(began) > 20*time.Second {
		t.Errorf("dial: %v after %v", err, time.Since(began))
	}
}

// FuzzAnswer decodes whatever a broker may answer: an error, never a panic.
func FuzzAnswer(f *testing.F) {
	for _, m := range []protocol.Message{
		&metadata.Response{Brokers: []metadata.ResponseBroker{{NodeID: 1, Host: "h", Port: 1}}, Topics: []metadata.ResponseTopic{{Name: "t", Partitions: []metadata.ResponsePartition{{}}}}},
		&produce.Response{Topics: []produce.ResponseTopic{{Topic: "t", Partitions: []produce.ResponsePartition{{}}}}},
		&saslauthenticate.Response{ErrorMessage: "no"},
	} {
		b := &appender{}
		version := int16(1)
		if m.ApiKey() == protocol.Produce {
			version = 8
		}
		if err := protocol.WriteResponse(b, version, 7, m); err != nil {
			f.Fatal(err)
		}
		f.Add(b.b[8:])
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		for key := range map[protocol.ApiKey]bool{protocol.Metadata: true, protocol.Produce: true, protocol.SaslAuthenticate: true} {
			client, server := net.Pipe()
			go func() {
				defer server.Close()
				var size [4]byte
				if _, err := io.ReadFull(server, size[:]); err != nil {
					return
				}
				if _, err := io.CopyN(io.Discard, server, int64(binary.BigEndian.Uint32(size[:]))); err != nil {
					return
				}
				head := binary.BigEndian.AppendUint32(nil, uint32(len(body)+4))
				_, _ = server.Write(append(binary.BigEndian.AppendUint32(head, 7), body...))
			}()
			c := &conn{addr: "fuzz", nc: client, id: 6, known: map[protocol.ApiKey][2]int16{
				protocol.Metadata: {1, 1}, protocol.Produce: {8, 8}, protocol.SaslAuthenticate: {1, 1},
			}}
			switch key {
			case protocol.Metadata:
				_, _ = roundTrip[metadata.Response](t.Context(), c, &metadata.Request{}, time.Minute)
			case protocol.Produce:
				_, _ = roundTrip[produce.Response](t.Context(), c, &produce.Request{Acks: -1}, time.Minute)
			default:
				_, _ = roundTrip[saslauthenticate.Response](t.Context(), c, &saslauthenticate.Request{}, time.Minute)
			}
			c.close()
		}
	})
}
