"""Prints every message of a topic as kcat and the console consumer do, with one of two clients.

    read.py confluent|python BROKER TOPIC COUNT
"""
import sys
import time

client, broker, topic, count = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])


def show(stamp, headers, key, value):
    text = ",".join(f"{name}:{value.decode()}" for name, value in headers or [])
    sys.stdout.write(f"CreateTime:{stamp}\t{text}\t{key.decode()}\t{value.decode()}\n")


seen, end = 0, time.time() + 60
if client == "confluent":
    import confluent_kafka

    consumer = confluent_kafka.Consumer({"bootstrap.servers": broker, "group.id": f"read-{time.time()}", "auto.offset.reset": "earliest"})
    consumer.subscribe([topic])
    while seen < count and time.time() < end:
        message = consumer.poll(1)
        if message is None:
            continue
        if message.error():
            sys.exit(str(message.error()))
        kind, stamp = message.timestamp()
        if kind != confluent_kafka.TIMESTAMP_CREATE_TIME:
            sys.exit(f"timestamp of type {kind}")
        show(stamp, message.headers(), message.key(), message.value())
        seen += 1
    consumer.close()
else:
    import kafka

    consumer = kafka.KafkaConsumer(topic, bootstrap_servers=broker, auto_offset_reset="earliest", group_id=f"read-{time.time()}", consumer_timeout_ms=30000)
    for message in consumer:
        show(message.timestamp, message.headers, message.key, message.value)
        seen += 1
        if seen == count:
            break
    consumer.close()
