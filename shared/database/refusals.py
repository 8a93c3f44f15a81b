"""Why a database cannot be used, in words for the person who has to mend it; no statement and no values."""

import socket

import asyncpg
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from shared.connections.failures import causes, why_not_reached
from shared.database.errors import ClocksApart, FileReplaced, ReadOnly, TablesLocked

UNUSABLE = (
    SQLAlchemyError,
    asyncpg.PostgresError,  # while a connection is opened SQLAlchemy passes on what the driver and the network raise
    asyncpg.InterfaceError,
    ConnectionError,
    socket.gaierror,
    TimeoutError,
)
"""What is raised to whoever uses a database that is away, refuses or does not answer."""

SQLSTATES = {
    "25006": "it is read-only",
    "28": "login refused: check user and password",
    "3D000": "there is no such database",
    "42501": "its user lacks a permission",
    "53100": "its disk is full",
    "53300": "it has no connection left",
    "53": "it is short of memory or disk",
    "55P03": "a lock was not to be had in time",
    "57014": "a statement took too long",
    "57P03": "it is starting up",
    "57": "it is shutting down",
    "58": "its disk fails",
    "08": "the connection broke off",
}
"""By SQLSTATE or its first two characters, the longer first: postgresql.org/docs/current/errcodes-appendix.html"""
SQLITE_CODES = {
    5: "another process holds it locked",
    6: "another connection holds it locked",
    8: "it is read-only",
    10: "its disk fails, or is full",
    11: "its file is damaged",
    13: "its disk is full",
    14: "its file cannot be opened",
    26: "its file is no database",
}
"""sqlite.org/rescode.html"""

UNSUPPORTED = "unsupported startup parameter"


def why_unusable(error: BaseException) -> str:
    """What the database, the network or TLS said."""
    return said_by_database(error) or why_not_reached(error) or "it failed: the log says more"


def in_words(error: BaseException) -> str:
    """What any error says to a person, if anything; of one of a database neither statement nor values."""
    return said_by_database(error) or ("" if isinstance(error, SQLAlchemyError) else str(error))


def said_by_database(error: BaseException) -> str | None:
    """What the database said, None where the error is none of its own or says nothing that a person could mend."""
    return next(filter(None, map(_said, causes(error))), None)


def _said(error: BaseException) -> str | None:
    if isinstance(error, PoolTimeoutError):
        return "all its connections are at work"
    if isinstance(error, ReadOnly | FileReplaced | TablesLocked | ClocksApart):
        return str(error)
    if isinstance(error, ConnectionError) and "rejected SSL" in str(error):
        return "it offers no TLS, and its address asks for it (sslmode)"
    if UNSUPPORTED in str(error):
        return "PgBouncer refuses a parameter: set ignore_startup_parameters as docs/connections.md says"
    if (code := getattr(error, "sqlite_errorcode", None)) is not None:
        return SQLITE_CODES.get(code & 0xFF)
    state = str(getattr(error, "sqlstate", None) or "")
    return SQLSTATES.get(state) or SQLSTATES.get(state[:2])
