"""Why a database cannot be used, in words for the person who has to mend it."""

import ssl

import pytest
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from shared.database.refusals import in_words, why_unusable


class Told(Exception):
    """A driver's error, with its code."""

    def __init__(self, **codes: object) -> None:
        super().__init__("/srv/secret.db or s3cret")
        self.__dict__ |= codes


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (Told(sqlstate="28P01"), "login refused: check user and password"),
        (Told(sqlstate="3D000"), "there is no such database"),
        (Told(sqlstate="53100"), "its disk is full"),
        (Told(sqlstate="57P03"), "it is starting up"),
        (Told(sqlstate="57P01"), "it is shutting down"),
        (Told(sqlite_errorcode=5 | 2 << 8), "another process holds it locked"),
        (Told(sqlite_errorcode=14), "its file cannot be opened"),
        (Told(sqlite_errorcode=10 | 19 << 8), "its disk fails, or is full"),
        (PoolTimeoutError(), "all its connections are at work"),
        (ConnectionRefusedError(111, "Connect call failed"), "connection refused: nothing listens there"),
        (TimeoutError(), "it does not answer"),
        (ConnectionError('server at "h:5432" rejected SSL upgrade'), "it offers no TLS, and its address asks for it"),
        (ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER]"), "TLS failed"),
        (Told(), "it failed: the log says more"),
    ],
)
def test_a_reason_is_told_without_statements_values_and_secrets(error: Exception, reason: str) -> None:
    wrapped = OperationalError("SELECT secret FROM secrets", {"password": "s3cret"}, error)

    assert why_unusable(wrapped).startswith(reason)
    assert "s3cret" not in why_unusable(wrapped)


def test_what_an_error_says_has_neither_statements_nor_names_of_classes() -> None:
    wrapped = OperationalError("SELECT secret FROM secrets", {"password": "s3cret"}, Told())

    assert [in_words(error) for error in (wrapped, ValueError("boom"), KeyError())] == ["", "boom", ""]
