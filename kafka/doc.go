// Package kafka talks to Apache Kafka: connections with TLS and SASL, producing, and consuming as a
// member of a group. It knows nothing of events, and is the only package that knows kafka-go.
//
// Of kafka-go it uses what is on the wire: requests, answers, compression and SASL mechanisms. The
// connections, the choice of a leader and the record batches are its own, because what a sink
// promises hangs on them: an error comes back as it was, at once and to the one who asked; nothing
// is tried again here; no goroutine lives on; and no memory of the caller is read after a call has
// returned. docs/adr/0005-kafka-client.md has the measurements.
package kafka
