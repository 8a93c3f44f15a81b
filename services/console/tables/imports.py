"""The console's tables for files of posts that are imported."""

from sqlalchemy import Boolean, Column, Index, Integer, String, Table, Text

from services.console.tables.core import metadata
from shared.database.engine import InstantColumn

import_runs = Table(
    "import_runs",
    metadata,
    Column("run_id", String(40), primary_key=True),
    Column("name", String(200), nullable=False),
    Column("plan", Text, nullable=False),
    Column("overwrite", Boolean, nullable=False),
    Column("state", String(20), nullable=False),
    Column("asked_by", String(100), nullable=False),
    Column("as_of", InstantColumn, nullable=False, index=True),
    Column("total", Integer, nullable=False),
    Column("sent", Integer, nullable=False),
    Column("scheduled", Integer, nullable=False),
    Column("unchanged", Integer, nullable=False),
    Column("claimed_until", InstantColumn),
    Column("ended_at", InstantColumn),
    Column("problem", Text),
    Column("warnings", Text),
    Index("import_runs_by_state", "state", "as_of"),
)
"""A file that was read at an instant: `plan` says what is in it, `total` how many posts can be sent.

`warnings` are those of what was scheduled, in words, each with how many posts it concerns.
"""

import_batches = Table(
    "import_batches",
    metadata,
    Column("run_id", String(40), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("lines", Text),
    Column("seen_at", InstantColumn, nullable=False, index=True),
    Column("sent_at", InstantColumn),
)
"""The posts of a file in parts, with their lines; without lines once they are answered.

`sent_at` is when they were sent first: that request may have arrived, whoever sends them again.
"""

import_lines = Table(
    "import_lines",
    metadata,
    Column("run_id", String(40), primary_key=True),
    Column("line", Integer, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("kind", String(20), nullable=False),
    Column("post_id", Text),
    Column("account_id", Text),
    Column("code", String(40)),
    Column("reason", Text, nullable=False),
    Column("seen_at", InstantColumn, nullable=False, index=True),
)
"""Lines to look at: what is wrong with them, or why their posts are not scheduled as the file says."""
