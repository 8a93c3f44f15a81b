"""Every line of a process is in one style and without secrets, whoever wrote it."""

import io
import json
import logging
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import structlog

from shared.process import repetition
from shared.process.logs import configure

SECRET = "hunter2hunter2"


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    handlers, level = logging.root.handlers[:], logging.root.level
    yield
    structlog.reset_defaults()
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def json_logs(level: str = "info") -> io.StringIO:
    stream = io.StringIO()
    configure("publisher", format="json", level=level, stream=stream)
    return stream


def test_a_line_tells_when_where_and_what() -> None:
    stream = json_logs()

    structlog.get_logger().info("post_published", post_id="p1", attempt=2)

    (line,) = lines(stream)
    assert list(line) == ["timestamp", "level", "service", "event", "post_id", "attempt"]
    assert line["timestamp"].endswith("Z")
    assert datetime.fromisoformat(line["timestamp"]).utcoffset() == timedelta(0)
    assert (line["level"], line["service"], line["event"], line["attempt"]) == (
        "info",
        "publisher",
        "post_published",
        2,
    )


@pytest.mark.parametrize("name", ["uvicorn.error", "faststream", "aio_pika", "sqlalchemy.engine", "not.known.yet"])
def test_a_librarys_line_looks_like_our_own(name: str) -> None:
    library = logging.getLogger(name)
    library.addHandler(logging.StreamHandler(io.StringIO()))
    library.propagate = False
    stream = json_logs()

    library.warning("lost %s", "connection", extra={"queue": "q"})

    (line,) = lines(stream)
    assert line.pop("timestamp")
    expected = {"level": "warning", "service": "publisher", "event": "lost connection", "logger": name, "queue": "q"}
    assert line == expected


def test_lines_below_the_level_are_left_out() -> None:
    stream = json_logs("warning")

    structlog.get_logger().info("post_published")
    logging.getLogger("aio_pika").info("connected")
    structlog.get_logger().error("post_failed")

    assert [line["event"] for line in lines(stream)] == ["post_failed"]


def test_the_http_client_does_not_log_the_urls_it_calls() -> None:
    stream = json_logs("debug")

    logging.getLogger("httpx").info("HTTP Request: POST https://example.com/secret-path")

    assert lines(stream) == []


def test_an_unknown_level_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown log level 'loud'"):
        configure("publisher", level="loud", stream=io.StringIO())


def test_a_terminal_gets_lines_for_people_and_anything_else_json() -> None:
    terminal, pipe = Terminal(), io.StringIO()

    configure("publisher", stream=terminal)
    structlog.get_logger().info("post_published", post_id="p1")
    configure("publisher", stream=pipe)
    structlog.get_logger().info("post_published", post_id="p1")

    assert "post_published" in terminal.getvalue()
    assert not terminal.getvalue().startswith("{")
    assert lines(pipe)[0]["post_id"] == "p1"


def test_the_format_given_overrides_what_the_stream_is() -> None:
    terminal = Terminal()

    configure("publisher", format="json", stream=terminal)
    structlog.get_logger().info("post_published")

    assert lines(terminal)[0]["event"] == "post_published"


def fail_with_a_secret_at_hand() -> None:
    password = SECRET
    raise ConnectionError(f"cannot reach amqp://guest:{password}@localhost")


def log_exception(log: Callable[..., Any]) -> None:
    try:
        fail_with_a_secret_at_hand()
    except ConnectionError:
        log("broker_lost")


@pytest.mark.parametrize("style", ["console", "json"])
@pytest.mark.parametrize("by", ["us", "a library"])
def test_an_exception_is_shown_without_local_variables_or_credentials(style: Any, by: str) -> None:
    stream = io.StringIO()
    configure("publisher", format=style, stream=stream)

    log_exception(structlog.get_logger().exception if by == "us" else logging.getLogger("aio_pika").exception)

    assert "fail_with_a_secret_at_hand" in stream.getvalue()
    assert "amqp://***@localhost" in stream.getvalue()
    assert SECRET not in stream.getvalue()


@pytest.mark.parametrize("style", ["console", "json"])
def test_a_secret_is_in_no_line(style: Any) -> None:
    stream = Terminal()
    configure("publisher", format=style, stream=stream)

    structlog.get_logger().info("connected", url=f"amqp://u:{SECRET}@h", bot_token=SECRET, seen=[{"password": SECRET}])
    structlog.get_logger().info(f"calling https://api.telegram.org/bot1:{SECRET}/x")
    logging.getLogger("aio_pika").info("connecting to amqp://u:%s@h", SECRET)

    assert stream.getvalue().count("\n") == 3
    assert SECRET not in stream.getvalue()


def test_instants_and_durations_are_readable() -> None:
    stream = json_logs()

    structlog.get_logger().info("due", publish_at=datetime(2027, 3, 28, tzinfo=UTC), lead=timedelta(seconds=2))

    assert lines(stream)[0]["publish_at"] == "2027-03-28T00:00:00+00:00"
    assert lines(stream)[0]["lead"] == 2


@pytest.mark.parametrize("name", ["aiormq.connection", "aio_pika.tools"])
def test_what_libraries_repeat_while_the_broker_is_away_is_left_to_our_own_line(name: str) -> None:
    """Each restart of the broker once left two dozen errors about callbacks in every service's log."""
    stream = json_logs()

    logging.getLogger(name).error("Callback %r error: %r", object(), RuntimeError("No active transport in channel"))

    assert lines(stream) == []


def test_warnings_that_say_the_same_are_counted_and_not_all_written() -> None:
    stream = json_logs()
    log = structlog.get_logger()

    for number in range(1000):
        log.warning("outcome_not_written_yet", post_id=f"p-{number}", error=f"the broker refused number {number}")
    log.warning("outcome_not_written_yet", post_id="p-1", error="the database is full")
    log.warning("message_parked", reason="the same")
    log.error("post_failed", error="the database is away")

    assert len(lines(stream)) == repetition.MOST + 3


def test_what_was_left_out_is_said_with_the_next_line_that_is_written() -> None:
    instants = iter([0.0] * repetition.MOST + [1.0, 2.0, repetition.WITHIN_SECONDS, repetition.WITHIN_SECONDS + 1])
    step = repetition.Repetition(lambda: next(instants))

    def said() -> dict[str, Any]:
        return dict(step(None, "warning", {"level": "warning", "event": "dispatch_failed", "error": "away"}))

    assert not any("left_out" in said() for _ in range(repetition.MOST))
    for _ in range(2):
        with pytest.raises(structlog.DropEvent):
            said()
    assert said()["left_out"] == 2
    assert "left_out" not in said()
