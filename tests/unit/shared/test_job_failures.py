"""Why a job has failed is told to a person: what happened and what to mend, without the class of the error."""

import re
import socket

import pytest
from sqlalchemy.exc import OperationalError

from services.monitor.reddit import RedditError
from shared.database.errors import ReadOnly
from shared.jobs.failures import why_failed

DATABASE = "the database of monitor (TIMEBALL_MONITOR_DATABASE_URL)"


class Told(Exception):
    """What a driver says, with its code."""

    sqlstate = "57P03"


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (ConnectionRefusedError(111, "Connect call failed ('127.0.0.1', 5432)"), "connection refused: nothing listens"),
        (socket.gaierror(-2, "Name or service not known"), "its name cannot be found"),
        (TimeoutError(), "it does not answer"),
        (ConnectionResetError(104, "Connection reset by peer"), "it cannot be reached: Connection reset by peer"),
        (OperationalError("SELECT secret", {"a": 1}, Told()), f"{DATABASE} cannot be used: it is starting up"),
        (ReadOnly("the database is read-only"), "the database is read-only"),
        (RedditError("Reddit no longer takes the token"), "Reddit no longer takes the token"),
        (KeyError("colour"), "an error that nobody expected ('colour'); the log of monitor says more (job_failed)"),
        (RuntimeError(), "an error that nobody expected; the log of monitor says more (job_failed)"),
        (RuntimeError("no\x00 amqp://user:swordfish@host/"), "an error that nobody expected (no amqp://***@host/)"),
    ],
)
def test_what_happened_is_told_without_the_names_of_programs(error: Exception, told: str) -> None:
    said = why_failed(error, "monitor")

    assert told in said
    assert not re.search(r"[A-Z]\w+Error|Errno|SELECT|\[", said)


def test_what_another_server_did_is_not_blamed_on_the_database_alone() -> None:
    said = why_failed(ConnectionRefusedError(), "monitor")

    assert said.startswith(f"a server could not be reached, most likely {DATABASE}: ")
    assert said.endswith("bring it back; it is tried again at the next tick")


def test_a_reason_has_an_end() -> None:
    assert len(why_failed(RuntimeError("x" * 10_000), "monitor")) == 2000
