"""A letter is known by its headers, whoever parked it, and goes back as the message it was."""

from datetime import UTC, datetime
from typing import Any

import pytest

from shared.messaging.dead_letters.letter import REPLAYED_FOR_HEADER, Letter
from shared.messaging.dead_letters.parking import FAILURES_HEADER, parked
from shared.messaging.envelope import PUT_OFF_SINCE_HEADER, REPLAYS_HEADER, SENT_AT_HEADER
from tests.fakes.incoming import incoming

NOW = datetime(2027, 3, 28, 9, 30, tzinfo=UTC)
DEATH: dict[str, Any] = {
    "count": 1,
    "reason": "delivery_limit",
    "queue": "shop.orders",
    "time": datetime(2027, 3, 28, 9, 31, tzinfo=UTC),
    "exchange": "timeball.events",
    "routing-keys": ["schedule.cancel_requested"],
}


def at_rest(**properties: Any) -> Letter:
    """The letter that a message becomes which the shop parks."""
    dead = parked(incoming(b"{}", **properties), service="shop", queue="shop.orders", reason="out of stock", now=NOW)
    copy = dead.properties(app_id="shop", now=NOW)
    return Letter.of(
        incoming(
            dead.body,
            exchange=dead.exchange,
            routing_key=dead.routing_key,
            message_type=copy.message_type,
            message_id=copy.message_id,
            correlation_id=copy.correlation_id,
            headers=dict(copy.headers or {}),
        )
    )


def test_a_letter_that_we_parked_says_why_and_where_from() -> None:
    letter = at_rest(message_type="t", message_id="m-1")

    assert (letter.id, letter.type, letter.queue, letter.reason) == ("m-1", "t", "shop.orders", "out of stock")
    assert (letter.parked_at, letter.replays) == (NOW, 0)


def test_a_letter_that_the_broker_parked_says_so_whatever_headers_it_had_all_along() -> None:
    headers = {"x-death": [DEATH, DEATH | {"queue": "shop.retry.5s"}], "queue": "publisher.requests", "reason": "r"}

    letter = Letter.of(incoming(message_id="m-1", routing_key="shop.dead", headers=headers))

    assert (letter.queue, letter.type) == ("shop.orders", "schedule.cancel_requested")
    assert letter.parked_at == DEATH["time"]
    assert letter.reason.startswith("the broker set it aside (delivery_limit): ")


@pytest.mark.parametrize(
    "headers",
    [{}, {"x-death": []}, {"x-death": ["nonsense"]}, {"parked_at": "yesterday", "queue": 7, "reason": None}],
)
def test_a_letter_about_which_nobody_said_anything_is_one_all_the_same(headers: dict[str, Any]) -> None:
    letter = Letter.of(incoming(b"\xff", routing_key="shop.dead", headers=headers))

    assert (letter.queue, letter.reason, letter.replays) == (None, "no reason was given", 0)
    assert letter.parked_at == datetime(1970, 1, 1, tzinfo=UTC)


def test_a_message_without_an_id_gets_one_that_is_the_same_each_time() -> None:
    one, same = at_rest(message_type="t"), at_rest(message_type="t")
    other_type, unsafe = at_rest(message_type="u"), at_rest(message_type="t", message_id="a\nb")

    assert one.id == same.id == unsafe.id != other_type.id
    assert one.id.startswith("body-")


def test_a_replayed_letter_is_the_message_it_was_with_its_replays_counted() -> None:
    sent_at = datetime(2027, 3, 28, 9, 0, tzinfo=UTC)
    headers = {FAILURES_HEADER: 2, REPLAYS_HEADER: 1, REPLAYED_FOR_HEADER: "earlier", "traceparent": "00-1-2-03"}
    letter = at_rest(message_type="t", message_id="m-1", correlation_id="c-1", timestamp=sent_at, headers=headers)

    envelope = letter.replayed("request-1")

    assert (envelope.exchange, envelope.routing_key) == ("", "shop.orders")
    assert (envelope.type, envelope.message_id, envelope.correlation_id) == ("t", "m-1", "c-1")
    assert envelope.headers == {
        "traceparent": "00-1-2-03",
        SENT_AT_HEADER: int(sent_at.timestamp()),
        PUT_OFF_SINCE_HEADER: int(NOW.timestamp()) * 1_000_000,
        REPLAYS_HEADER: 2,
        REPLAYED_FOR_HEADER: "request-1",
    }
    assert letter.replayed_for == "earlier"


@pytest.mark.parametrize("earlier", [None, 5])
def test_a_letter_that_the_broker_parked_comes_back_as_one_that_was_taken_before_it_died(earlier: int | None) -> None:
    """What was asked for since then came later, and must not be undone by it."""
    headers: dict[str, Any] = {"x-death": [DEATH]} | ({PUT_OFF_SINCE_HEADER: earlier} if earlier else {})

    replayed = Letter.of(incoming(message_id="m-1", headers=headers)).replayed("request-1")

    assert replayed.headers[PUT_OFF_SINCE_HEADER] == (earlier or int(DEATH["time"].timestamp()) * 1_000_000)


def test_a_letter_of_which_nobody_said_when_it_died_comes_back_as_new() -> None:
    headers: dict[str, Any] = {"x-death": [DEATH | {"time": None}]}

    assert PUT_OFF_SINCE_HEADER not in Letter.of(incoming(headers=headers)).replayed("request-1").headers


def test_no_replay_makes_of_a_message_what_its_sender_may_not_send() -> None:
    """It came as one event and called itself another; back in its queue the broker's rights say nothing any more."""
    came_as = {"routing_key": "schedule.requested", "message_type": "publish.succeeded"}
    death = DEATH | {"exchange": "timeball.events", "routing-keys": ["schedule.requested"]}
    by_the_broker = incoming(exchange="timeball.dead", message_type="publish.succeeded", headers={"x-death": [death]})

    replayed = [letter.replayed("request-1").type for letter in (at_rest(**came_as), Letter.of(by_the_broker))]

    assert replayed == ["schedule.requested", "schedule.requested"]
