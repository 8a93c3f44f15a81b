"""Counters by the day, and of all accounts together: a page of 91 days read two million rows."""

import sqlalchemy as sa
from alembic import op

from shared.database.engine import InstantColumn

revision = "0027"
down_revision = "0026"

ALL_ACCOUNTS = ""
_TABLES = (
    ("counts", sa.Column("state", sa.String(length=20), nullable=False)),
    ("lateness", sa.Column("step", sa.Integer(), nullable=False)),
)
_DAY = {"sqlite": "substr(hour, 1, 10) || 'T00:00:00.000000+00:00'", "postgresql": "date_trunc('day', hour, 'UTC')"}


def upgrade() -> None:
    day = _DAY[op.get_bind().dialect.name]
    for name, what in _TABLES:
        op.create_table(
            f"daily_{name}",
            sa.Column("day", InstantColumn(), nullable=False),
            sa.Column("account_id", sa.String(length=200), nullable=False),
            what,
            sa.Column("posts", sa.Integer(), nullable=False),
            sa.PrimaryKeyConstraint("day", "account_id", what.name),
        )
        _sum(f"hourly_{name} (hour, account_id, {what.name}, posts)", f"hour, '{ALL_ACCOUNTS}', {what.name}", name)
        _sum(f"daily_{name} (day, account_id, {what.name}, posts)", f"{day}, account_id, {what.name}", name)
        op.create_index(f"hourly_{name}_of_account", f"hourly_{name}", ["account_id", "hour"])
        op.create_index(f"daily_{name}_of_account", f"daily_{name}", ["account_id", "day"])


def downgrade() -> None:
    for name, _ in _TABLES:
        op.drop_index(f"hourly_{name}_of_account", f"hourly_{name}")
        op.drop_table(f"daily_{name}")
        op.execute(f"DELETE FROM hourly_{name} WHERE account_id = '{ALL_ACCOUNTS}'")


def _sum(to: str, by: str, name: str) -> None:
    summed = f"INSERT INTO {to} SELECT {by}, SUM(posts) FROM hourly_{name} GROUP BY 1, 2, 3"
    op.get_bind().exec_driver_sql(summed)
