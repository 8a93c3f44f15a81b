"""Prints what becomes of every post, one JSON object a line: `python follow.py`. Nothing is missed while it is down."""

import json
import os

import pika

ANSWERS = ("schedule.accepted", "schedule.rejected")
OUTCOMES = ("publish.succeeded", "publish.failed", "publish.unknown", "publish.held", "publish.skipped")
QUEUE = "my-system.pika"


def main() -> None:
    with pika.BlockingConnection(pika.URLParameters(os.environ["TIMEBALL_BROKER_URL"])) as connection:
        channel = connection.channel()
        channel.basic_qos(prefetch_count=100)
        channel.queue_declare(QUEUE, durable=True, arguments={"x-queue-type": "quorum"})
        for type in ANSWERS + OUTCOMES:
            channel.queue_bind(QUEUE, "timeball.events", routing_key=type)
        print("listening", flush=True)
        for method, properties, body in channel.consume(QUEUE):
            fact = {"type": properties.type, "correlation_id": properties.correlation_id}
            print(json.dumps(fact | json.loads(body)), flush=True)
            channel.basic_ack(method.delivery_tag)


if __name__ == "__main__":
    main()
