"""A database's address: what TIMEBALL_<SERVICE>_DATABASE_URL may say, and one line for what it may not.

PostgreSQL's own form is understood, as hosting companies hand it out: `postgres://`, and libpq's parameters. asyncpg
reads those of a DSN, not of its keywords, so they travel as a DSN of nothing but parameters.
"""

from collections.abc import Mapping
from urllib.parse import urlencode

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from shared.connections.ports import LAST_PORT, is_port

FORM = "postgresql://user:password@host:5432/database, or sqlite:///path/to/file.db"
SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
LIBPQ = {
    "sslmode",
    "sslrootcert",
    "sslcert",
    "sslkey",
    "sslpassword",
    "sslcrl",
    "ssl_min_protocol_version",
    "ssl_max_protocol_version",
    "sslnegotiation",
    "application_name",
    "options",
    "passfile",
    "target_session_attrs",
}
OURS = {"host", "port", "dsn", "prepared_statement_cache_size"}
"""What SQLAlchemy and asyncpg take as it is."""


def database_address(given: str) -> str:
    """The address as SQLAlchemy takes it; ValueError says what to write instead, and never the password."""
    try:
        url = make_url(given.strip())
    except (ArgumentError, ValueError):  # a port that is no number
        raise ValueError(f"this is no URL of a database: write {FORM}") from None
    kind = url.get_backend_name()
    if kind in ("postgres", "postgresql"):
        return _text(_postgres(url))
    if kind == "sqlite":
        return _text(_sqlite(url))
    raise ValueError(f"{kind}:// is not supported: write {FORM}")


def _sqlite(url: URL) -> URL:
    if url.host:
        raise ValueError("a SQLite file needs three slashes, four where its path begins with one: sqlite:////srv/x.db")
    if not url.database or ":memory:" in url.database:
        raise ValueError("a database in memory is lost with its process: name a file, sqlite:///path/to/file.db")
    return url.set(drivername="sqlite+aiosqlite")


def _postgres(url: URL) -> URL:
    if url.port is not None and not is_port(url.port):
        raise ValueError(f"port {url.port} is none: give a number from 1 to {LAST_PORT}")
    if "@" in (url.host or ""):
        raise ValueError("in user and password, write %40 for @, %2F for /, %3F for ? and %23 for #")
    libpq, others = _sorted_out(url.query)
    if libpq:
        others["dsn"] = f"postgresql://?{urlencode(libpq)}"
    return url.set(drivername="postgresql+asyncpg", query=others)


def _sorted_out(query: Mapping[str, str | tuple[str, ...]]) -> tuple[dict[str, str], dict[str, str | tuple[str, ...]]]:
    """What libpq knows by name, and what others take."""
    libpq: dict[str, str] = {}
    others: dict[str, str | tuple[str, ...]] = {}
    for name, value in query.items():
        if name == "ssl":  # asyncpg's name
            libpq["sslmode"] = _one(value)
        elif name in LIBPQ:
            libpq[name] = _one(value)
        elif name in OURS:
            others[name] = value
        else:
            raise ValueError(f"its parameter {name!r} is unknown: leave it out; known are {', '.join(sorted(LIBPQ))}")
    if libpq.get("sslmode", "prefer") not in SSL_MODES:
        raise ValueError(f"sslmode={libpq['sslmode']} is unknown: give one of {', '.join(SSL_MODES)}")
    return libpq, others


def _one(value: str | tuple[str, ...]) -> str:
    return value if isinstance(value, str) else value[-1]


def _text(url: URL) -> str:
    return url.render_as_string(hide_password=False)
