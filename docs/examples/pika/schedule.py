"""Schedules a post: `python schedule.py POST ACCOUNT "the text" [2027-03-28T09:00:00+02:00]`."""

import json
import os
import sys
from uuid import uuid4

import pika


def main(post_id: str, account_id: str, content: str, publish_at: str | None = None) -> None:
    request = {"post_id": post_id, "content": content, "targets": [{"account_id": account_id}]}
    if publish_at:
        request["publish_at"] = publish_at
    properties = pika.BasicProperties(
        content_type="application/json",
        delivery_mode=pika.DeliveryMode.Persistent,
        type="schedule.requested",
        message_id=str(uuid4()),
        app_id="my-system",
    )
    with pika.BlockingConnection(pika.URLParameters(os.environ["TIMEBALL_BROKER_URL"])) as connection:
        channel = connection.channel()
        channel.confirm_delivery()  # `basic_publish` returns when the broker has it, or raises
        channel.basic_publish(
            "timeball.events", "schedule.requested", json.dumps(request).encode(), properties, mandatory=True
        )
    print(f"{post_id} is asked for; every event that follows carries {properties.message_id}")


if __name__ == "__main__":
    main(*sys.argv[1:])
