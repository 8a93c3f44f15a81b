"""`timeball import`: many posts from a file."""

import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from services.console.cli.calling import JsonFlag, attempted, called, reading, wrong
from services.console.cli.client import Refused, Unreachable
from services.console.cli.exit_codes import LEFT_ALONE, REFUSED
from services.console.cli.import_report import read_as, show_faults, show_outcome, show_plan
from services.console.cli.import_runs import IN_DOUBT, HandedOver, followed, hand_over, show_started
from services.console.cli.import_tally import Tally
from services.console.cli.local_times import own_zone
from services.console.cli.screen import complain, note, show_json
from services.console.imports import PostFile, UnknownEncoding, read
from services.console.imports.parts import parts_of
from services.console.imports.plan import faults_in, plan_of
from shared.clocks.local_time import UnknownZone, zone_named

MOST_OF_A_NAME = 150
_FILE = typer.Argument(metavar="FILE", help="A table or JSON; - is stdin.")
_DRY_RUN = typer.Option("--dry-run", help="Only say what the file holds; send nothing.")
_SKIP_BAD = typer.Option("--skip-bad", help="Leave out lines with faults, send the rest.")
_OVERWRITE = typer.Option("--overwrite", help="Replace what is there already and differs, or was cancelled.")
_ZONE = typer.Option(help="The zone of a table's local times without one; else this machine's.")
_ENCODING = typer.Option(help="The file's encoding; must be said where it is not UTF-8.")
_NOW = typer.Option("--now", help="Publish at once what names no time.")
_BACKGROUND = typer.Option("--background", help="Do not wait until the console has sent it.")


def import_posts(
    file: Annotated[Path, _FILE],
    *,
    dry_run: Annotated[bool, _DRY_RUN] = False,
    skip_bad: Annotated[bool, _SKIP_BAD] = False,
    overwrite: Annotated[bool, _OVERWRITE] = False,
    zone: Annotated[str | None, _ZONE] = None,
    encoding: Annotated[str | None, _ENCODING] = None,
    now: Annotated[bool, _NOW] = False,
    background: Annotated[bool, _BACKGROUND] = False,
    as_json: JsonFlag = False,
) -> None:
    """Schedule every post of a file.

    timeball import calendar.csv --dry-run

    timeball import posts.jsonl --skip-bad

    timeball import calendar.csv --background

    A table has the columns post_id, content, accounts and, if you like, publish_at, zone, media, separated by commas,
    semicolons or tabs. A line of JSON is the body of `schedule.requested`: {"post_id": "a-1", "content": "Hello",
    "publish_at": "2027-03-28T09:00+02:00", "targets": [{"account_id": "demo-one"}]}. From a file with faults nothing
    is sent; they are listed with their lines. A post that is there already stays as it is. What names no time is sent
    with --now only: it is published at once, and once more if it was imported longer ago than the retention.
    """
    zone, content = _zone_of(zone), _content_of(file)
    with reading("--encoding", UnknownEncoding):
        posts = read(content, zone=zone, encoding=encoding)
    if dry_run:
        _say_what_is_in(posts, zone, as_json=as_json)
    if reason := _why_not(posts, skip_bad=skip_bad, now=now):
        _refuse(posts, reason, as_json=as_json)
    wanted = {"skip_faults": skip_bad, "overwrite": overwrite, "publish_now": now}
    parts = parts_of(content, posts, encoding)
    name = _name_of(file)
    handing = partial(hand_over, parts=parts, name=name, zone=zone, wanted=wanted)
    imports = called(handing, in_doubt=IN_DOUBT)
    if background:
        _leave(imports, posts, as_json=as_json)
    _end(followed(imports, Tally(skipped=faults_in(posts)), name=name), posts, zone, as_json=as_json)


def _zone_of(zone: str | None) -> str | None:
    with reading("--zone", UnknownZone):
        return zone_named(zone).key if zone else own_zone()


def _content_of(file: Path) -> bytes:
    """Typer's own check that a file is there takes `-` for one that is not."""
    try:
        return sys.stdin.buffer.read() if file == Path("-") else file.read_bytes()
    except OSError as error:
        wrong(f"FILE: {str(file)!r} cannot be read ({error.strerror}): name another, or - for stdin")


def _name_of(file: Path) -> str:
    """By which people know the file again: files may be called what no request can hold."""
    return "".join(one if one.isprintable() else "?" for one in file.name)[:MOST_OF_A_NAME]


def _say_what_is_in(posts: PostFile, zone: str | None, *, as_json: bool) -> NoReturn:
    plan = plan_of(posts, datetime.now(UTC), _known_accounts())
    show_json(plan) if as_json else show_plan(plan, posts, zone)
    raise typer.Exit(REFUSED if posts.faults else 0)


def _known_accounts() -> Sequence[Mapping[str, Any]] | None:
    """The accounts that the console knows; None, which is said, where it does not tell."""
    try:
        return attempted(lambda client: client.call("GET", "/v1/accounts"))["accounts"]  # type: ignore[no-any-return]
    except (Refused, Unreachable) as error:
        note(f"whether the accounts are connected was not checked, for the console does not tell: {error}")
        return None


def _why_not(posts: PostFile, *, skip_bad: bool, now: bool) -> str | None:
    """What must be said before the file is sent."""
    if posts.faults and not skip_bad:
        return _way_out(posts)
    return _doubt(posts, publishes_now=now)


def _refuse(posts: PostFile, way_out: str, *, as_json: bool) -> NoReturn:
    """End the program: a file is sent as it was meant or not at all, unless somebody says otherwise."""
    if as_json:
        show_json(vars(Tally(skipped=faults_in(posts))))
    else:
        show_faults(faults_in(posts))
        complain(f"nothing was sent: {way_out}")
    raise typer.Exit(REFUSED)


def _doubt(posts: PostFile, *, publishes_now: bool) -> str | None:
    if posts.is_encoding_guessed:
        return f"the file is no UTF-8; {read_as(posts)}"
    due_at_once = plan_of(posts, datetime.now(UTC))["due_at_once"]
    if due_at_once and not publishes_now:
        return f"{due_at_once} without a publish_at: give each a time, or publish them at once with --now"
    return None


def _way_out(posts: PostFile) -> str:
    if not posts.posts:
        return "there is no good line in the file"
    one, many = "mend it, or leave that line out", "mend them, or leave these lines out"
    return f"{one if len(posts.faults) == 1 else many} with --skip-bad"


def _leave(imports: Sequence[HandedOver], posts: PostFile, *, as_json: bool) -> NoReturn:
    show_json({"imports": [one.run for one in imports]}) if as_json else show_started(imports)
    raise typer.Exit(REFUSED if posts.faults else 0)


def _end(tally: Tally, posts: PostFile, zone: str | None, *, as_json: bool) -> None:
    show_json(vars(tally)) if as_json else show_outcome(tally, posts, zone)
    if not tally.is_complete:
        raise typer.Exit(REFUSED)
    if tally.left_alone:
        raise typer.Exit(LEFT_ALONE)
