"""Bytes become an event with an identity that can be stored, or a reason; an event becomes the contract's message."""

import json
from contextlib import suppress
from datetime import UTC, datetime

import pytest
from aio_pika import DeliveryMode
from hypothesis import given
from hypothesis import strategies as st

from shared.events import EVENTS
from shared.events.requests import ScheduleCancelRequested
from shared.messaging.envelope import MAX_BODY_BYTES, Envelope, UnreadableEvent, read, read_event
from tests.fakes.incoming import incoming

NOW = datetime(2027, 3, 28, 9, 30, tzinfo=UTC)
CANCEL = ScheduleCancelRequested(post_id="post-1")
TYPE = "schedule.cancel_requested"


def refusal(type_name: str, body: bytes) -> UnreadableEvent:
    with pytest.raises(UnreadableEvent) as refused:
        read_event(type_name, body)
    return refused.value


@pytest.mark.parametrize(
    ("type_name", "body", "reason"),
    [
        ("post.requested", b"{}", "unknown event type 'post.requested'"),
        ("", b"{}", "unknown event type ''"),
        (f"{TYPE}.v2", b"{}", f"unknown version '{TYPE}.v2': this release reads '{TYPE}'"),
        ("post.requested.v2", b"{}", "unknown event type 'post.requested.v2'"),
        (f"{TYPE}.v2.v3", b"{}", f"unknown event type '{TYPE}.v2.v3'"),
        (TYPE, b"", "Invalid JSON: EOF while parsing a value at line 1 column 0"),
        (TYPE, b"{", "Invalid JSON: EOF while parsing an object at line 1 column 1"),
        (TYPE, b"\x00\x01\x02", "Invalid JSON: expected value at line 1 column 1"),
        (TYPE, b'{"post_id": "a"} {"post_id": "b"}', "Invalid JSON: trailing characters at line 1 column 18"),
        (TYPE, b"{'post_id': 'a'}", "Invalid JSON: key must be a string at line 1 column 2"),
        (TYPE, b'{"post_id": "\\ud800"}', "Invalid JSON: unexpected end of hex escape at line 1 column 20"),
        (TYPE, b'{"post_id": "\xed\xa0\x80"}', "Invalid JSON: invalid unicode code point at line 1 column 14"),
        (TYPE, b'{"post_id": "\xff"}', "Invalid JSON: invalid unicode code point at line 1 column 14"),
        (TYPE, '{"post_id": "a"}'.encode("utf-16"), "Invalid JSON: expected value at line 1 column 1"),
        (TYPE, b"[" * 100_000, "Invalid JSON: recursion limit exceeded"),
        (TYPE, b"9" * 5000, "Invalid JSON: number out of range"),
        (TYPE, b'{"post_id": ' + b"9" * 4000 + b"}", "post_id: Input should be a valid string (got 999"),
        (TYPE, b"null", "Input should be an object"),
    ],
    ids=lambda value: repr(value[:20]) if isinstance(value, bytes) else None,
)
def test_bytes_that_are_no_event_are_refused_with_the_reason(type_name: str, body: bytes, reason: str) -> None:
    refused = refusal(type_name, body)

    assert refused.reason.startswith(reason)
    assert (refused.type, refused.body) == (type_name, body)


def test_a_byte_order_mark_before_the_body_says_nothing() -> None:
    plain = incoming(CANCEL.body(), routing_key=TYPE, message_id="m")
    marked = incoming(b"\xef\xbb\xbf" + CANCEL.body(), routing_key=TYPE, message_id="m")

    assert read(marked) == read(plain)


def test_a_body_has_at_most_8_mebibytes() -> None:
    body = b'{"post_id": "post-1"}'.ljust(MAX_BODY_BYTES)

    assert read_event(TYPE, body) == CANCEL
    assert refusal(TYPE, body + b" ").reason == "the body has 8,388,609 bytes; at most 8,388,608 are read: split it"


@given(st.sampled_from(sorted(EVENTS)), st.binary(max_size=200))
def test_no_bytes_are_worse_than_unreadable(type_name: str, body: bytes) -> None:
    refusal(type_name, body)


@given(st.sampled_from(sorted(EVENTS)), st.recursive(st.none() | st.integers() | st.text(), st.lists, max_leaves=5))
def test_no_json_is_worse_than_unreadable(type_name: str, value: object) -> None:
    with suppress(UnreadableEvent):
        read_event(type_name, json.dumps({"post_id": value, "targets": [value]}).encode())


def test_the_type_is_the_routing_key_where_a_producer_left_it_out() -> None:
    with_type = incoming(CANCEL.body(), message_type=TYPE, routing_key=TYPE)
    without_type = incoming(CANCEL.body(), routing_key=TYPE)

    assert read(with_type).event == read(without_type).event == CANCEL


def test_a_message_that_comes_back_to_its_queue_is_what_its_type_says() -> None:
    returned = incoming(CANCEL.body(), message_type=TYPE, exchange="", routing_key="scheduler.requests")

    assert read(returned).event == CANCEL


@pytest.mark.parametrize("key", ["schedule.requested", "schedule.cancel_requested.v2", "shop.news", ""])
def test_no_message_is_taken_for_another_event_than_the_one_that_its_sender_may_send(key: str) -> None:
    """The broker grants rights by the routing key: who may send one event could send every other as its `type`."""
    with pytest.raises(UnreadableEvent) as refused:
        read(incoming(CANCEL.body(), message_type=TYPE, routing_key=key))

    assert refused.value.type == key
    assert refused.value.reason == (
        f"it came as {key!r}, and its property `type` says {TYPE!r}: let both say the same, or leave `type` out"
    )


@pytest.mark.parametrize(
    "identity",
    [None, "", "  ", "x" * 201, "a\nb", "a\n", "a\x00b", "\x7f"],
    ids=["none", "empty", "blanks", "long", "newline", "newline at the end", "nul", "delete"],
)
def test_an_identity_that_cannot_be_stored_everywhere_counts_as_absent(identity: str | None) -> None:
    delivery = read(incoming(CANCEL.body(), routing_key=TYPE, message_id=identity, correlation_id=identity))

    assert delivery.message_id is None
    assert delivery.correlation_id.isascii()
    assert 0 < len(delivery.correlation_id) <= 200


def test_a_correlation_id_is_carried_in_any_script() -> None:
    delivery = read(incoming(CANCEL.body(), routing_key=TYPE, message_id="grün", correlation_id="Bestellung grün ☃"))

    assert (delivery.message_id, delivery.correlation_id) == (None, "Bestellung grün ☃")


def test_a_name_that_only_the_routing_key_knows_is_refused_with_the_way_out() -> None:
    with pytest.raises(UnreadableEvent) as refused:
        read(incoming(CANCEL.body(), message_type="Shop.Cancel", routing_key=TYPE))

    assert refused.value.reason == (
        f"unknown event type 'Shop.Cancel' in the property `type`: let it say {TYPE!r}, as the routing key does, "
        "or leave it out"
    )


def test_a_message_without_ids_has_the_same_in_every_service_and_another_than_other_messages() -> None:
    one, same = (read(incoming(CANCEL.body(), routing_key=TYPE)) for _ in range(2))
    other = read(incoming(b'{"post_id": "post-2"}', routing_key=TYPE))

    assert one.message_id is None
    assert (one.correlation_id, one.request_id) == (same.correlation_id, same.request_id)
    assert one.request_id != other.request_id
    assert one.correlation_id != other.correlation_id


def test_a_correlation_id_that_a_producer_uses_twice_does_not_make_two_requests_one() -> None:
    first, second = (
        read(incoming(body, routing_key=TYPE, correlation_id="article-1"))
        for body in (CANCEL.body(), b'{"post_id": "post-2"}')
    )

    assert first.correlation_id == second.correlation_id == "article-1"
    assert first.request_id != second.request_id


def test_a_message_id_that_a_producer_uses_twice_does_not_make_two_requests_one() -> None:
    first, repeated, second = (
        read(incoming(body, routing_key=TYPE, message_id="article-1"))
        for body in (CANCEL.body(), CANCEL.body(), b'{"post_id": "post-2"}')
    )

    assert first.message_id == second.message_id == "article-1"
    assert first.inbox_id == repeated.inbox_id != second.inbox_id
    assert first.request_id != second.request_id


def test_a_long_message_id_leaves_room_for_what_tells_requests_apart() -> None:
    delivery = read(incoming(CANCEL.body(), routing_key=TYPE, message_id="x" * 200))

    assert delivery.inbox_id is not None
    assert len(delivery.inbox_id) <= 200


def test_the_correlation_is_carried_and_begins_with_the_message() -> None:
    carried = incoming(CANCEL.body(), routing_key=TYPE, message_id="m-1", correlation_id="c-1", redelivered=True)
    beginning = incoming(CANCEL.body(), routing_key=TYPE, message_id="m-1")

    assert (read(carried).message_id, read(carried).correlation_id, read(carried).redelivered) == ("m-1", "c-1", True)
    assert (read(beginning).correlation_id, read(beginning).redelivered) == ("m-1", False)


def test_a_message_has_the_properties_of_the_contract() -> None:
    envelope = Envelope.of(CANCEL, correlation_id="c-1")

    properties = envelope.properties(app_id="console", now=NOW)

    assert (properties.content_type, properties.delivery_mode) == ("application/json", DeliveryMode.PERSISTENT)
    assert (properties.message_type, properties.app_id, properties.timestamp) == (TYPE, "console", NOW)
    assert (properties.message_id, properties.correlation_id) == (envelope.message_id, "c-1")
    assert (properties.headers, properties.expiration) == ({}, None)
    assert json.loads(envelope.body) == {"post_id": "post-1"}
    assert (envelope.exchange, envelope.routing_key) == ("timeball.events", TYPE)


def test_every_event_gets_an_identity_of_its_own() -> None:
    one, other = Envelope.of(CANCEL), Envelope.of(CANCEL)

    assert one.message_id != other.message_id
    assert one.correlation_id == one.message_id


def test_an_event_addressed_elsewhere_keeps_its_identity_and_headers() -> None:
    envelope = Envelope.of(CANCEL).to("elsewhere", headers={"slot": "01"})

    moved = envelope.to("timeball.retry", routing_key="scheduler.requests", headers={"tier": "5"})

    assert (moved.message_id, moved.body, moved.type) == (envelope.message_id, envelope.body, TYPE)
    assert (moved.exchange, moved.routing_key) == ("timeball.retry", "scheduler.requests")
    assert moved.headers == {"slot": "01", "tier": "5"}
    assert envelope.headers == {"slot": "01"}


def test_an_expiration_is_in_milliseconds() -> None:
    properties = Envelope.of(CANCEL).properties(app_id="x", now=NOW, expiration_ms=60_001)

    assert properties.expiration == "60001"
