"""Which errors of a database pass by themselves, so that the same work is done again."""

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError


class Conflict(Exception):
    """Another replica changed the same rows first; decide again on what is there now."""


class ReadOnly(Exception):
    """The database answers and takes no writes; the text says so."""


class FileReplaced(Exception):
    """The database's file is not there any more, or is another one; the text says what to do."""


class TablesLocked(Exception):
    """The database takes writes, but not in tables that are needed; the text says who holds them."""


class ClocksApart(Exception):
    """The database's machine shows another time than ours; the text says by how much."""


def is_passing(error: BaseException) -> bool:
    """Whether the same work may succeed later: the database was away, busy, full, read-only, overtaken, too slow.

    No message is at fault for such an error, so none is ever parked because of it.
    """
    if isinstance(error, Conflict | ReadOnly | FileReplaced | TablesLocked | PoolTimeoutError | OSError | TimeoutError):
        return True
    if not isinstance(error, DBAPIError):
        return _passes(error)
    return error.connection_invalidated or _passes(error.orig) or _passes(getattr(error.orig, "__cause__", None))


def is_overtaken(error: BaseException) -> bool:
    """Whether others changed the same rows first, so that the same work may succeed at once."""
    return isinstance(error, Conflict) or str(getattr(getattr(error, "orig", error), "sqlstate", "")).startswith("40")


def is_about_all_work(error: BaseException) -> bool:
    """Whether the database may be away as a whole, not only for the rows that were asked for."""
    return is_passing(error) and not is_overtaken(error) and not isinstance(error, TablesLocked)


PASSING_STATES = (
    "08",  # the connection
    "25006",  # read-only, as while another server takes over
    "25P03",  # idle in a transaction for too long
    "28",  # the login was refused
    "3D000",  # there is no such database, yet or any more
    "40",  # serialization failure, deadlock
    "53",  # out of connections, memory or disk
    "55P03",  # a lock was not to be had in time
    "57",  # cancelled, shutting down, starting up
    "58",  # the server's own I/O
)
"""SQLSTATEs, or their first characters: https://www.postgresql.org/docs/current/errcodes-appendix.html"""
PASSING_CODES = {5, 6, 7, 8, 9, 10, 13, 14, 15, 17}
"""SQLite's busy, locked, out of memory, read-only, interrupted, I/O, full, cannot open, locking protocol and schema
changed: https://www.sqlite.org/rescode.html"""


def _passes(error: BaseException | None) -> bool:
    """Whether a driver's error passes by what the database said of it, or is about the connection itself."""
    if isinstance(error, ConnectionError | TimeoutError):
        return True
    if (code := getattr(error, "sqlite_errorcode", None)) is not None:
        return code & 0xFF in PASSING_CODES
    if state := getattr(error, "sqlstate", None):
        return str(state).startswith(PASSING_STATES)
    # what asyncpg says of itself: a connection that is closed or at work passes, a value that it cannot send does not
    return type(error).__name__ in ("InterfaceError", "InternalClientError") and not _is_about_a_value(error)


def _is_about_a_value(error: BaseException | None) -> bool:
    return isinstance(error, ValueError) or isinstance(getattr(error, "__cause__", None), ValueError)
