"""Frames are read as they come, however the network cuts them."""

import asyncio
import struct
from typing import Any

import pytest
from aiormq.exceptions import AMQPConnectionError, InvalidFrameError
from hypothesis import given
from hypothesis import strategies as st
from pamqp.body import ContentBody
from pamqp.commands import Basic, Channel, Connection
from pamqp.constants import FRAME_END_CHAR, FRAME_HEADER
from pamqp.frame import marshal
from pamqp.header import ContentHeader
from pamqp.heartbeat import Heartbeat

from shared.messaging.frames import Frames, Message, unmarshal_what_can_be_read

START = marshal(Connection.Start(server_properties={}, mechanisms="PLAIN", locales="en_US"), 0)
BODIES = [b"", b"one", b"x" * 300]
BEGINS_A_MESSAGE = struct.pack(">I", Basic.Deliver.index) + b"x" * 10


def message(tag: int, *parts: bytes, routing_key: str = "publish.succeeded", channel: int = 1) -> list[bytes]:
    """The frames of a delivery."""
    delivery = Basic.Deliver("consumer", tag, tag % 2 == 0, "timeball.events", routing_key)
    properties = Basic.Properties(message_id=f"m{tag}", headers={"slot": "07"})
    header = ContentHeader(properties=properties, body_size=sum(map(len, parts)))
    bodies = [marshal(ContentBody(part), channel) for part in parts if part]
    return [marshal(delivery, channel), marshal(header, channel), *bodies]


async def read(pieces: list[bytes]) -> list[tuple[int, Any]]:
    """What comes of bytes that arrive in these pieces: channels and frames."""
    reader = asyncio.StreamReader()
    frames = Frames(reader)
    reader.feed_data(START)
    await frames.get_frame()
    reading = asyncio.create_task(_all(frames))
    for piece in pieces:
        reader.feed_data(piece)
        await asyncio.sleep(0)
    reader.feed_eof()
    return await reading


async def _all(frames: Frames) -> list[tuple[int, Any]]:
    found: list[tuple[int, Any]] = []
    while True:
        try:
            _, channel, frame = await frames.get_frame()
        except (AMQPConnectionError, StopAsyncIteration):
            return found
        found.append((channel, frame))


@given(st.lists(st.sampled_from(BODIES), min_size=1, max_size=4), st.lists(st.integers(1, 400), max_size=12))
async def test_messages_come_whole_and_in_order_however_they_are_cut(bodies: list[bytes], cuts: list[int]) -> None:
    sent = b"".join(b"".join(message(tag, body)) for tag, body in enumerate(bodies, 1))
    pieces = []
    for cut in cuts:
        pieces.append(sent[:cut])
        sent = sent[cut:]

    found = await read([*pieces, sent] if sent else pieces)

    assert [frame.body for _, frame in found] == bodies
    assert [frame.delivery_tag for _, frame in found] == list(range(1, len(bodies) + 1))
    assert [frame.redelivered for _, frame in found] == [tag % 2 == 0 for tag in range(1, len(bodies) + 1)]


async def test_a_message_has_what_aiormq_reads_of_it() -> None:
    [(channel, frame)] = await read([b"".join(message(7, b"one", channel=3))])

    assert isinstance(frame, Message)
    assert (channel, frame.consumer_tag, frame.exchange, frame.routing_key) == (
        3,
        "consumer",
        "timeball.events",
        "publish.succeeded",
    )
    assert (frame.body, frame.header.properties.message_id) == (b"one", "m7")
    assert frame.header.properties.headers == {"slot": "07"}


async def test_channels_do_not_mix_and_what_is_no_message_comes_as_it_is() -> None:
    first, second = message(1, b"a", b"b", channel=1), message(1, b"c", channel=2)
    ack, beat = marshal(Basic.Ack(5, True), 4), Heartbeat().marshal()
    mixed = [first[0], second[0], ack, first[1], second[1], first[2], beat, second[2], first[3]]

    found = await read([b"".join(mixed)])

    assert [(channel, frame.name) for channel, frame in found] == [
        (4, "Basic.Ack"),
        (0, "Heartbeat"),
        (0, "Heartbeat"),
        (2, "Basic.Deliver"),
        (1, "Basic.Deliver"),
    ]
    assert [frame.body for _, frame in found[3:]] == [b"c", b"ab"]


async def test_each_part_of_a_long_message_is_a_sign_of_life() -> None:
    """aiormq gives a connection up on which no frame has come for a minute."""
    found = await read(message(1, b"a", b"b", b"c"))

    assert [(channel, frame.name) for channel, frame in found] == [
        (0, "Heartbeat"),
        (0, "Heartbeat"),
        (1, "Basic.Deliver"),
    ]
    assert found[-1][1].body == b"abc"


async def test_a_message_that_is_returned_is_left_to_aiormq() -> None:
    header = ContentHeader(properties=Basic.Properties(), body_size=1)
    returned = marshal(Basic.Return(312, "NO_ROUTE", "", "nowhere"), 1)

    found = await read([returned + marshal(header, 1) + marshal(ContentBody(b"x"), 1)])

    assert [type(frame) for _, frame in found] == [Basic.Return, ContentHeader, ContentBody]


async def test_a_routing_key_in_another_encoding_costs_nothing() -> None:
    sent = b"".join(message(1, b"x", routing_key="caff")).replace(b"caff", b"caf\xe9")

    [(_, frame)] = await read([sent])

    assert frame.routing_key == "caf?"


@pytest.mark.parametrize("parts", [(BEGINS_A_MESSAGE,), (b"a", BEGINS_A_MESSAGE)], ids=["at first", "later"])
async def test_a_body_may_hold_what_begins_a_message(parts: tuple[bytes, ...]) -> None:
    """Any producer may send any bytes; a connection that ends over them ends again at each delivery."""
    *_, (_, frame) = await read(message(1, *parts))

    assert isinstance(frame, Message)
    assert frame.body == b"".join(parts)


async def test_headers_of_any_depth_do_not_cost_the_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ContentHeader, "unmarshal", unmarshal_what_can_be_read)
    nested = b""
    for _ in range(3000):
        nested = b"\x01aF" + struct.pack(">I", len(nested)) + nested
    table = struct.pack(">I", len(nested)) + nested
    content = struct.pack(">HHQH", Basic.frame_id, 0, 1, Basic.Properties.flags["headers"]) + table
    header = struct.pack(">BHI", FRAME_HEADER, 1, len(content)) + content + FRAME_END_CHAR
    first, _, last = message(1, b"x")

    [(_, frame)] = await read([first, header, last])

    assert (frame.body, frame.header.properties.headers) == (b"x", None)


@pytest.mark.parametrize(
    "sent",
    [
        b"".join([message(1, b"x")[0], message(1, b"x")[2]]),
        b"".join([message(1, b"x")[0], marshal(Channel.Close(0, "", 0, 0), 1)]),
        message(1, b"x")[0][:-1] + b"\x00",
        b"\x07" + Heartbeat().marshal()[1:],
    ],
    ids=["a body without a header", "another frame", "no end", "an unknown kind"],
)
async def test_what_is_no_amqp_ends_the_connection(sent: bytes) -> None:
    with pytest.raises(InvalidFrameError):
        await read([sent])
