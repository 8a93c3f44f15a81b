"""What the posts of a run came to: every one published, and when."""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from benchmarks.broker import Broker, IncompleteError
from benchmarks.figure import percentile
from benchmarks.posts import ACCOUNTS, batches

SUCCEEDED = "publish.succeeded"
BATCHES_IN_FLIGHT = 4


@dataclass(frozen=True)
class Outcomes:
    """The facts about a set of posts, all published once."""

    lateness_ms: list[float]
    last_arrived_at: float

    @property
    def lateness(self) -> dict[str, float]:
        """Milliseconds between the due instant and the start of the send."""
        return {name: percentile(self.lateness_ms, part) for name, part in (("p50", 0.5), ("p99", 0.99), ("max", 1))}


async def publish(broker: Broker, prefix: str, dues: Sequence[datetime], within: float) -> Outcomes:
    """Schedule a post for each due instant, in batches, and wait until all are published."""
    broker.forget()
    await schedule(broker, prefix, dues, within)
    await until_published(broker, len(dues), within)
    return outcomes(broker, len(dues), prefix)


async def until_published(broker: Broker, posts: int, within: float) -> None:
    """Return when so many posts are told as published; on a busy machine some are told twice."""
    deadline = time.monotonic() + within
    while (missing := posts - len(_published(broker))) > 0:
        await broker.wait(SUCCEEDED, broker.counts[SUCCEEDED] + missing, deadline - time.monotonic())


def _published(broker: Broker) -> set[str]:
    return {json.loads(fact.body)["post_id"] for fact in broker.facts[SUCCEEDED]}


async def schedule(
    broker: Broker, prefix: str, dues: Sequence[datetime], within: float, *, accounts: Sequence[str] = ACCOUNTS
) -> None:
    """Have a post for each due instant accepted, in batches, for each account in turn."""
    expected = broker.settled_posts + len(dues)
    messages = (broker.encode("schedule.batch_requested", body) for body in batches(prefix, dues, accounts))
    await broker.emit_windowed(messages, "schedule.batch_settled", BATCHES_IN_FLIGHT, within)
    if broker.settled_posts != expected:
        raise IncompleteError(f"{expected} posts to be accepted, {broker.settled_posts} were")


def outcomes(broker: Broker, expected: int, prefix: str) -> Outcomes:
    """What became of the posts whose ids have this prefix; IncompleteError unless as many were published."""
    facts = [fact for fact in broker.facts[SUCCEEDED] if json.loads(fact.body)["post_id"].startswith(prefix)]
    bodies = [json.loads(fact.body) for fact in facts]
    if len({body["post_id"] for body in bodies}) != expected:
        raise IncompleteError(f"{expected} posts to be published, came: {dict(broker.counts)}")
    return Outcomes(
        lateness_ms=sorted(float(body["lateness_ms"]) for body in bodies),
        last_arrived_at=max(fact.at for fact in facts),
    )
