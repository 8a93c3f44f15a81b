"""Schedules a post: `python schedule.py POST ACCOUNT "the text" [2027-03-28T09:00:00+02:00]`."""

import asyncio
import json
import os
import sys
from uuid import uuid4

import aio_pika


async def main(post_id: str, account_id: str, content: str, publish_at: str | None = None) -> None:
    request = {"post_id": post_id, "content": content, "targets": [{"account_id": account_id}]}
    if publish_at:
        request["publish_at"] = publish_at
    message = aio_pika.Message(
        json.dumps(request).encode(),
        content_type="application/json",
        delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
        type="schedule.requested",
        message_id=str(uuid4()),
        app_id="my-system",
    )
    async with await aio_pika.connect_robust(os.environ["TIMEBALL_BROKER_URL"]) as connection:
        channel = await connection.channel()  # with publisher confirms: `publish` returns when the broker has it
        exchange = await channel.get_exchange("timeball.events")
        await exchange.publish(message, routing_key="schedule.requested", mandatory=True)
    print(f"{post_id} is asked for; every event that follows carries {message.message_id}")


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
