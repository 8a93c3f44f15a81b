"""Every queue says how often it delivers and where its dead letters go; no broker's default decides for it."""

import pytest

from shared.messaging.topology import DeclaredQueue, Queue, Topology, exchanges, own_queues, wheel

POSTS = Queue("shop", "shop.posts", ("post.ordered", "#"))
ONE_AT_A_TIME = Queue("shop", "shop.one", (), single=True)
TOPOLOGY = Topology("shop", (POSTS, ONE_AT_A_TIME), retry_tiers=(5, 10), delay="wheel", notices=True)
NO_LIMIT = 2_147_483_647
MOVED = {"x-queue-type": "quorum", "x-dead-letter-strategy": "at-least-once", "x-overflow": "reject-publish"}

ARGUMENTS = {
    "shop.dead": {"x-queue-type": "quorum", "x-delivery-limit": NO_LIMIT},
    "shop.retry.5s": MOVED | {"x-delivery-limit": NO_LIMIT, "x-dead-letter-exchange": "", "x-message-ttl": 5_000},
    "shop.retry.10s": MOVED | {"x-delivery-limit": NO_LIMIT, "x-dead-letter-exchange": "", "x-message-ttl": 10_000},
    "shop.posts": MOVED
    | {
        "x-delivery-limit": 20,
        "x-dead-letter-exchange": "timeball.dead",
        "x-dead-letter-routing-key": "shop.dead",
    },
    "shop.one": MOVED
    | {
        "x-delivery-limit": 20,
        "x-dead-letter-exchange": "timeball.dead",
        "x-dead-letter-routing-key": "shop.dead",
        "x-single-active-consumer": True,
    },
    "shop.parked": {
        "x-queue-type": "quorum",
        "x-delivery-limit": NO_LIMIT,
        "x-max-length": 20_000,
        "x-overflow": "drop-head",
    },
    "timeball.delay.00": MOVED | {"x-delivery-limit": NO_LIMIT, "x-dead-letter-exchange": "timeball.events"},
    "timeball.delay.63": MOVED | {"x-delivery-limit": NO_LIMIT, "x-dead-letter-exchange": "timeball.events"},
}
BINDINGS = {
    "shop.dead": [("timeball.dead", "shop.dead", {})],
    "shop.parked": [("timeball.dead", "shop.dead", {})],
    "shop.one": [],
    "shop.retry.5s": [("timeball.retry", "", {"x-match": "all", "tier": "shop.retry.5s"})],
    "shop.retry.10s": [("timeball.retry", "", {"x-match": "all", "tier": "shop.retry.10s"})],
    "shop.posts": [
        ("timeball.events", "post.ordered", {}),
        ("timeball.events", "post.ordered.*", {}),
        ("timeball.events", "#", {}),
    ],
    "timeball.delay.00": [("timeball.delayed", "", {"x-match": "all", "slot": "00"})],
    "timeball.delay.63": [("timeball.delayed", "", {"x-match": "all", "slot": "63"})],
}


def queues() -> dict[str, DeclaredQueue]:
    return {queue.name: queue for queue in (*own_queues(TOPOLOGY), *wheel(TOPOLOGY))}


def test_a_service_has_its_own_queues_and_the_wheel_has_64() -> None:
    slots = [f"timeball.delay.{slot:02}" for slot in range(64)]

    assert list(queues()) == [
        *("shop.dead", "shop.parked", "shop.retry.5s", "shop.retry.10s", "shop.posts", "shop.one"),
        *slots,
    ]
    assert list(wheel(Topology("shop"))) == []
    assert "shop.parked" not in [queue.name for queue in own_queues(Topology("shop"))]


@pytest.mark.parametrize("name", ARGUMENTS)
def test_the_arguments_of_a_queue_are_those_that_were_approved(name: str) -> None:
    """They hold on RabbitMQ 3.10 and later. Whoever changes one needs a new name for the queue."""
    assert queues()[name].arguments == ARGUMENTS[name]
    assert list(queues()[name].bindings) == BINDINGS[name]


def test_every_queue_says_how_often_it_delivers() -> None:
    assert [name for name, queue in queues().items() if "x-delivery-limit" not in queue.arguments] == []


@pytest.mark.parametrize(
    ("delay", "names"),
    [
        (None, ["timeball.events", "timeball.retry", "timeball.dead"]),
        ("wheel", ["timeball.events", "timeball.retry", "timeball.dead", "timeball.delayed"]),
        ("plugin", ["timeball.events", "timeball.retry", "timeball.dead", "timeball.delayed.plugin"]),
    ],
)
def test_a_service_has_the_exchanges_it_sends_to(delay: str | None, names: list[str]) -> None:
    assert [exchange.name for exchange in exchanges(Topology("shop", delay=delay))] == names
