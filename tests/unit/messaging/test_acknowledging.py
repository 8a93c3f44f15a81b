"""Many messages are acknowledged with one frame, and never one that is still at work."""

import asyncio
import random
from types import SimpleNamespace
from typing import Any

import aiormq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pamqp.commands import Connection

from shared.messaging import acknowledging
from shared.messaging.acknowledging import Acknowledgements, Tags
from shared.messaging.amqp_connection import AmqpConnection
from tests.support.waiting import PATIENCE, eventually


@pytest.mark.parametrize(
    ("steps", "acknowledged"),
    [
        ([[1]], [[(1, False)]]),
        ([[1, 2, 3]], [[(3, True)]]),
        ([[3, 1, 2]], [[(3, True)]]),
        ([[2, 3]], [[(2, False), (3, False)]]),
        ([[2, 3], [1]], [[(2, False), (3, False)], [(1, False)]]),
        ([[2], [1, 3]], [[(2, False)], [(3, True)]]),
        ([[1, 2, 5], [4], [3]], [[(2, True), (5, False)], [(4, False)], [(3, False)]]),
        ([[1, 2], [3, 4]], [[(2, True)], [(4, True)]]),
    ],
)
def test_what_is_done_is_acknowledged_in_few_frames(
    steps: list[list[int]], acknowledged: list[list[tuple[int, bool]]]
) -> None:
    tags = Tags()

    assert [_taken(tags, step) for step in steps] == acknowledged


def _taken(tags: Tags, done: list[int]) -> list[tuple[int, bool]]:
    for tag in done:
        tags.add(tag)
    return tags.take()


class Channel:
    """What RabbitMQ keeps of a channel; it closes one that acknowledges a tag it does not know."""

    def __init__(self, delivered: int) -> None:
        self.unacknowledged = set(range(1, delivered + 1))

    def acknowledge(self, tag: int, *, up_to_it: bool) -> None:
        assert tag in self.unacknowledged
        self.unacknowledged -= {one for one in self.unacknowledged if one <= tag} if up_to_it else {tag}


@given(st.permutations(range(1, 13)), st.lists(st.integers(1, 4), max_size=12))
def test_in_any_order_each_message_is_acknowledged_when_it_is_done_and_not_before(
    order: list[int], sizes: list[int]
) -> None:
    tags, channel, done = Tags(), Channel(12), list(order)

    for size in sizes:
        step, done = done[:size], done[size:]
        for tag, up_to_it in _taken(tags, step):
            channel.acknowledge(tag, up_to_it=up_to_it)
        assert channel.unacknowledged == set(done)


class BusyChannel(Channel):
    """A channel whose socket takes each frame only after some other things have been done."""

    async def basic_ack(self, tag: int, *, multiple: bool, wait: bool) -> None:
        for _ in range(random.randint(0, 5)):
            await asyncio.sleep(0)
        self.acknowledge(tag, up_to_it=multiple)


@pytest.mark.parametrize("seed", range(20))
async def test_no_frame_overtakes_another_while_the_socket_is_busy(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """RabbitMQ closes the channel, and delivers everything again, for a tag that was acknowledged before."""
    monkeypatch.setattr(acknowledging, "LINGER_SECONDS", 0)
    random.seed(seed)
    acknowledgements, channels = Acknowledgements(), [BusyChannel(60) for _ in range(3)]
    done = [(channel, tag) for channel in channels for tag in range(1, 61)]
    random.shuffle(done)

    async def settle(channel: BusyChannel, tag: int) -> None:
        for _ in range(random.randint(0, 40)):
            await asyncio.sleep(0)
        message: Any = SimpleNamespace(channel=channel, delivery_tag=tag)
        await acknowledgements.acknowledge(message)

    await asyncio.gather(*(settle(channel, tag) for channel, tag in done))

    assert [channel.unacknowledged for channel in channels] == [set()] * 3


async def test_a_connection_that_is_lost_in_the_midst_of_acknowledging_keeps_no_other_from_it() -> None:
    """Nothing is written to it any more, and aiormq's own has room for ten frames: these are thirty."""
    connection = AmqpConnection("amqp://nowhere/")
    connection.connection_tune = Connection.Tune(frame_max=131072)
    acknowledgements, lost, other = Acknowledgements(), aiormq.Channel(connection, 1, False), BusyChannel(2)
    messages: list[Any] = [SimpleNamespace(channel=lost, delivery_tag=tag) for tag in range(2, 32)]
    messages.append(SimpleNamespace(channel=other, delivery_tag=1))

    async with asyncio.timeout(PATIENCE), asyncio.TaskGroup() as tasks:
        for message in messages[:-1]:
            tasks.create_task(acknowledgements.acknowledge(message))
        await eventually(lambda: not connection.write_queue.empty(), what="they are being written")
        tasks.create_task(acknowledgements.acknowledge(messages[-1]))
        await connection.close()

    assert lost.is_closed
    assert other.unacknowledged == {2}
