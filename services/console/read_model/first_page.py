"""What the first page shows of posts, however many there are: a few of each list, by its index, in one read."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import Select, literal, select, union_all

from services.console.domain.posts import TO_DECIDE
from services.console.read_model.listing import Filter, Listed, first_of_each, in_order, listed_in
from services.console.tables.core import posts
from shared.database.engine import Database
from shared.events.progress import State

MOST_ROWS = 8
MOST_DECISIONS = 20

_BY_DUE: Mapping[str, tuple[Filter, int]] = {
    "decisions": (Filter(TO_DECIDE, is_ascending=True), MOST_DECISIONS),
    "due": (Filter((State.SCHEDULED, State.DISPATCHED), is_ascending=True), MOST_ROWS),
    "sending": (Filter((State.SENDING, State.RETRYING), is_ascending=True), MOST_ROWS),
}
_LATEST = select(posts).where(posts.c.published_at.is_not(None)).order_by(posts.c.published_at.desc()).limit(MOST_ROWS)


def _parts() -> Iterator[Select[Any]]:
    for name, (wanted, most) in _BY_DUE.items():
        for part in first_of_each(wanted, None, most):
            yield _named(name, part)
    yield _named("out", _LATEST)


def _named(name: str, part: Select[Any]) -> Select[Any]:
    return select(part.subquery("part"), literal(name).label("list"))


_STATEMENT = union_all(*_parts())


async def first_posts(database: Database) -> dict[str, list[Listed]]:
    """The first posts of each list: `decisions` that wait, what is `due` next, is `sending`, and was `out` last."""
    found = defaultdict(list)
    for row in await database.rows(_STATEMENT):
        found[row["list"]].append(listed_in(row))
    by_due = {name: in_order(found[name], wanted)[:most] for name, (wanted, most) in _BY_DUE.items()}
    return by_due | {"out": sorted(found["out"], key=_published, reverse=True)}


def _published(listed: Listed) -> Any:
    return listed.post.standing.published_at
