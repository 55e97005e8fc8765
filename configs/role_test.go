package configs

import (
	"fmt"
	"testing"
)

// A sink that writes to the topic that is read would feed itself for ever.
func TestATopicIsNotReadAndWritten(t *testing.T) {
	const fault = "sinks[1].kafka.topic: esxi.events.v1: source.kafka.topic is this one too, at K2:9092: what is written would be read again for ever, write two, such as esxi.raw.v1 there and esxi.events.v1 here (line 4)"
	for _, c := range []struct{ read, brokers, want string }{
		{"esxi.events.v1", `["k3:9092", "K2:9092"]`, fault},
		{"esxi.events.v1", `["K2:9092", "k1:9092"]`, fault},
		{"esxi.events.v1", `["k3:9092"]`, ""}, // another cluster
		{"esxi.raw.v1", `["k1:9092", "k2:9092"]`, ""},
	} {
		doc := `source: {kafka: {brokers: ["k1:9092", "k2:9092"], topic: ` + c.read + `}}
sinks:
- {name: a, type: stdout}
- {name: b, type: kafka, kafka: {brokers: ` + c.brokers + `}}
`
		_, err := Parse("f.yaml", []byte(doc), environ())
		if got := fmt.Sprint(err); c.want == "" && err != nil || c.want != "" && got != c.want {
			t.Errorf("%s\ngot\n%v\nwant\n%s", doc, err, c.want)
		}
	}
}
