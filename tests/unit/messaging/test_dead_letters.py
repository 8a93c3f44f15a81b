"""What is set aside keeps its body and identity, and loses what would misroute it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.messaging.dead_letters.parking import (
    FAILURES_HEADER,
    MOST_REASON,
    carried_headers,
    failures_of,
    parked,
    tried_again,
)
from shared.messaging.envelope import PUT_OFF_SINCE_HEADER, SENT_AT_HEADER, put_off_since, read, sent_at_of
from tests.fakes.incoming import incoming

NOW = datetime(2027, 3, 28, 9, 30, tzinfo=UTC)
SINCE = 1806226200_000000
WHY = {"queue": "scheduler.requests", "parked_at": "2027-03-28T09:30:00.000000+00:00"}

DIED: dict[str, Any] = {
    "x-death": [{"count": 1, "queue": "timeball.delay.07", "reason": "expired"}],
    "x-first-death-exchange": "timeball.delayed",
    "x-first-death-queue": "timeball.delay.07",
    "x-first-death-reason": "expired",
    "x-last-death-reason": "expired",
    "x-delivery-count": 3,
    "x-delay": 5000,
}
"""What the broker writes on messages it moved."""


@pytest.mark.parametrize("sent_at", [datetime(2027, 3, 28, 9, 0, tzinfo=UTC), None])
def test_a_message_that_is_tried_again_is_still_as_old_as_it_was(sent_at: datetime | None) -> None:
    """Its copy gets a timestamp of its own, twice."""
    message = incoming(message_type="schedule.cancel_requested", timestamp=sent_at)
    for _ in range(2):
        copy = tried_again(message, service="scheduler", queue="scheduler.requests", tier=5, taken_at=NOW)
        message = incoming(message_type=copy.type, timestamp=NOW if sent_at else None, headers=dict(copy.headers))

    assert sent_at_of(message) == sent_at


@pytest.mark.parametrize("nonsense", ["yesterday", -1, 10**20, True, None])
def test_a_nonsensical_age_is_not_believed(nonsense: Any) -> None:
    message = incoming(timestamp=NOW, headers={SENT_AT_HEADER: nonsense})

    assert sent_at_of(message) == NOW


def test_a_parked_message_rests_with_the_reason() -> None:
    message = incoming(b"\xff", message_type="no.such", message_id="m-1", correlation_id="c-1", headers={"a": "b"})

    dead = parked(message, service="scheduler", queue="scheduler.requests", reason="unknown event type", now=NOW)

    assert (dead.exchange, dead.routing_key) == ("timeball.dead", "scheduler.dead")
    assert (dead.body, dead.type, dead.message_id, dead.correlation_id) == (b"\xff", "no.such", "m-1", "c-1")
    assert dead.headers == {"a": "b", "reason": "unknown event type", PUT_OFF_SINCE_HEADER: SINCE, **WHY}


def test_a_message_that_rests_comes_back_to_its_queue() -> None:
    message = incoming(b"{}", message_type="t", message_id="m-1", headers={"traceparent": "00-1-2-03"})

    again = tried_again(message, service="publisher", queue="publisher.posts", tier=40, taken_at=NOW, failures=2)

    assert (again.exchange, again.routing_key) == ("timeball.retry", "publisher.posts")
    carried = {"traceparent": "00-1-2-03", FAILURES_HEADER: 2, PUT_OFF_SINCE_HEADER: SINCE}
    assert again.headers == carried | {"tier": "publisher.retry.40s"}
    assert (again.body, again.message_id) == (b"{}", "m-1")


@pytest.mark.parametrize("header", DIED)
def test_the_brokers_records_of_earlier_deaths_are_left_behind(header: str) -> None:
    message = incoming(headers=DIED | {"kept": 1})

    dead = parked(message, service="s", queue="q", reason="r", now=NOW)
    again = tried_again(message, service="s", queue="q", tier=5, taken_at=NOW)

    assert header not in dead.headers.keys() | again.headers.keys()
    assert dead.headers["kept"] == again.headers["kept"] == 1


@pytest.mark.parametrize("value", [1.5, None, [1], {"a": 1}, b"\xff", NOW])
def test_headers_of_types_we_never_send_are_left_behind(value: object) -> None:
    assert carried_headers(incoming(headers={"odd": value, "kept": "yes"})) == {"kept": "yes"}


def test_of_more_headers_than_a_frame_holds_the_longest_are_left_out() -> None:
    """A frame that is too large ends the connection, and it would be sent again on the next one, for ever."""
    headers = {"long": "x" * 130_000, FAILURES_HEADER: 2, **{f"name-{n:03d}": "ü" * 60 for n in range(500)}}

    carried = carried_headers(incoming(headers=headers))

    assert carried[FAILURES_HEADER] == 2
    assert "long" not in carried
    assert 200 < len(carried) < 300


def test_the_tier_of_an_earlier_rest_does_not_choose_the_next() -> None:
    message = incoming(headers={"tier": "publisher.retry.5s", "slot": "07"})

    again = tried_again(message, service="publisher", queue="q", tier=10, taken_at=NOW)

    assert again.headers["tier"] == "publisher.retry.10s"
    assert "tier" not in parked(message, service="publisher", queue="q", reason="r", now=NOW).headers


def test_the_type_is_kept_where_only_the_routing_key_told_it() -> None:
    message = incoming(b"{}", routing_key="schedule.requested")

    assert tried_again(message, service="s", queue="q", tier=5, taken_at=NOW).type == "schedule.requested"
    assert parked(message, service="s", queue="q", reason="r", now=NOW).type == "schedule.requested"


def test_a_long_reason_is_cut() -> None:
    dead = parked(incoming(), service="s", queue="q", reason="x" * 5000, now=NOW)

    assert dead.headers["reason"] == "x" * MOST_REASON


@pytest.mark.parametrize(
    ("headers", "failures"),
    [(None, 0), ({FAILURES_HEADER: 2}, 2), *(({FAILURES_HEADER: other}, 0) for other in ("2", True, -1, 2**63 - 1))],
)
def test_failures_are_counted_in_a_header(headers: dict[str, Any] | None, failures: int) -> None:
    assert failures_of(incoming(headers=headers)) == failures


def test_a_message_is_put_off_since_it_was_taken_first_however_often_it_comes_back() -> None:
    message, taken_at = incoming(b'{"post_id": "a"}', routing_key="schedule.cancel_requested"), NOW
    assert read(message).put_off_since is None
    for _ in range(3):
        copy = tried_again(message, service="s", queue="q", tier=5, taken_at=taken_at)
        message = incoming(copy.body, exchange="", routing_key="q", message_type=copy.type, headers=dict(copy.headers))
        taken_at += timedelta(seconds=5, microseconds=1)

    assert read(message).put_off_since == put_off_since(message) == NOW
