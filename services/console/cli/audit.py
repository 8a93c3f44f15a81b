"""`timeball audit`: who did what."""

from typing import Annotated, Any

import typer

from services.console.cli.calling import JsonFlag, ask
from services.console.cli.local_times import local_time, with_zone
from services.console.cli.screen import note, show_json, show_table

SHOWN = 3


def audit(
    *,
    who: Annotated[str | None, typer.Option("--who", help="Only this token's acts; `local`, `unknown`.")] = None,
    act: Annotated[str | None, typer.Option("--act", help="Only these acts: cancel_post, sign_in, …")] = None,
    thing: Annotated[str | None, typer.Option("--on", help="Only on this post, account or other thing.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=500, help="How many at most.")] = 50,
    cursor: Annotated[str | None, typer.Option("--cursor", help="Where the page before ended.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Show who did what, from where, and how it ended, the latest first.

    timeball audit --on spring-sale

    timeball audit --who anna --act cancel_post --json
    """
    page = ask("GET", "/v1/audit", who=who, act=act, object=thing, limit=limit, cursor=cursor)
    if as_json:
        show_json(page)
        return
    columns = ("when", "who", "did", "on", "outcome", "from")
    show_table(with_zone("Audit"), columns, map(_row, page["acts"]))
    if page["next"]:
        note(f"more: --cursor {page['next']}")


def _row(act: dict[str, Any]) -> tuple[Any, ...]:
    things = ", ".join(one["id"] for one in act["objects"][:SHOWN])
    more = f" and {act['count'] - SHOWN} more" if act["count"] > SHOWN else ""
    ended = f"{act['outcome']} ({act['code']})" if act["code"] else act["outcome"]
    return local_time(act["acted_at"]), act["who"], act["act"], things + more, ended, f"{act['via']}, {act['address']}"
