"""Prints what becomes of every post, one JSON object a line: `python follow.py`. Nothing is missed while it is down."""

import asyncio
import json
import os

import aio_pika

ANSWERS = ("schedule.accepted", "schedule.rejected")
OUTCOMES = ("publish.succeeded", "publish.failed", "publish.unknown", "publish.held", "publish.skipped")


async def main() -> None:
    async with await aio_pika.connect_robust(os.environ["TIMEBALL_BROKER_URL"]) as connection:
        channel = await connection.channel()
        await channel.set_qos(prefetch_count=100)
        queue = await channel.declare_queue("my-system.aio-pika", durable=True, arguments={"x-queue-type": "quorum"})
        for type in ANSWERS + OUTCOMES:
            await queue.bind("timeball.events", routing_key=type)
        print("listening", flush=True)
        async with queue.iterator() as messages:
            async for message in messages:
                async with message.process():  # acknowledged when the block ends without an error
                    fact = {"type": message.type, "correlation_id": message.correlation_id}
                    print(json.dumps(fact | json.loads(message.body)), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
