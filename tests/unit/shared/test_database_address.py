"""What TIMEBALL_<SERVICE>_DATABASE_URL may say, and what is said of it when it may not."""

import pytest
from sqlalchemy import make_url

from shared.connections.database_address import database_address

UNDERSTOOD = [
    ("postgres://u:p@h/d", "postgresql+asyncpg://u:p@h/d"),
    ("postgresql://u:p@h:5432/d", "postgresql+asyncpg://u:p@h:5432/d"),
    ("postgresql+psycopg2://u:p@h/d", "postgresql+asyncpg://u:p@h/d"),
    ("postgresql+asyncpg://u:p@h/d", "postgresql+asyncpg://u:p@h/d"),
    ("postgres://u:p%40@[::1]/d", "postgresql+asyncpg://u:p%40@[::1]/d"),
    ("postgresql://u@/d?host=/run/postgresql", "postgresql+asyncpg://u@/d?host=%2Frun%2Fpostgresql"),
    ("sqlite:///x.db", "sqlite+aiosqlite:///x.db"),
    ("sqlite+aiosqlite:////srv/x.db", "sqlite+aiosqlite:////srv/x.db"),
]
BAD = [
    ("mysql://u:s3cret@h/d", "mysql://"),
    ("h:5432", "no URL"),
    ("/srv/x.db", "no URL"),
    ("postgresql://u:s3cret@h:port/d", "no URL"),
    ("postgresql://u:s3cret@h:99999/d", "99999"),
    ("postgresql://u:s3cret@h:0/d", "port 0 is none"),
    ("postgresql://u:s3cr@et@h/d", "%40"),
    ("postgresql://u:s3cret@h/d?channel_binding=require", "'channel_binding'"),
    ("postgresql://u:s3cret@h/d?sslmode=yes", "sslmode=yes"),
    ("sqlite://", "in memory"),
    ("sqlite:///:memory:", "in memory"),
    ("sqlite://x.db", "three slashes"),
]


@pytest.mark.parametrize(("given", "understood"), UNDERSTOOD)
def test_postgresql_s_and_sqlite_s_own_forms_are_understood(given: str, understood: str) -> None:
    assert database_address(given) == understood
    assert database_address(understood) == understood


@pytest.mark.parametrize("sign", ["#", "/", "?"])
def test_a_password_may_have_any_sign_but_an_at(sign: str) -> None:
    understood = make_url(database_address(f"postgres://u:a{sign}b@h/d"))

    assert (understood.password, understood.host, understood.database) == (f"a{sign}b", "h", "d")


@pytest.mark.parametrize("given", ["sslmode=require", "ssl=require"])
def test_parameters_that_libpq_knows_reach_asyncpg(given: str) -> None:
    understood = make_url(database_address(f"postgresql+asyncpg://u:p@h/d?{given}&sslrootcert=/ca.pem&host=a:1"))

    assert understood.query == {"dsn": "postgresql://?sslmode=require&sslrootcert=%2Fca.pem", "host": "a:1"}


@pytest.mark.parametrize(("given", "said"), BAD)
def test_what_cannot_be_used_gets_one_line_with_the_way_out_and_no_password(given: str, said: str) -> None:
    with pytest.raises(ValueError, match=r"write|give|name a|leave it out|needs") as refused:
        database_address(given)

    message = str(refused.value)
    assert said in message
    assert "\n" not in message
    assert "s3cr" not in message
