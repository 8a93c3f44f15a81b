"""What `timeball import` says: what a file holds, what is wrong with it, and what became of its posts."""

import shlex
from collections.abc import Iterable, Mapping
from typing import Any

from services.console.cli.import_tally import Tally
from services.console.cli.local_times import local_time, shown_zone
from services.console.cli.screen import complain, counted, say
from services.console.imports import PostFile
from services.console.imports.plan import example_of, what_becomes_of

MOST_LINES = 100
MOST_WARNINGS = 10

Told = Mapping[str, Any]


def show_plan(plan: Told, posts: PostFile, zone: str | None) -> None:
    """What a file holds, before anything is sent."""
    show_faults(plan["faults"])
    faults = counted(len(plan["faults"]), "line")
    say(f"{counted(plan['posts'], 'post')}, {faults} with faults; nothing was sent")
    for account, count in plan["accounts"].items():
        say(f"  {count} for {account}")
    if plan["first_due"]:
        span = f"{local_time(plan['first_due'])} to {local_time(plan['last_due'])}"
        say(f"  due {span} ({shown_zone()})")
    if plan["due_at_once"]:
        say(f"  {plan['due_at_once']} without a time: due at once", "yellow")
    if plan["in_the_past"]:
        where = f"{plan['in_the_past']} in the past (the first in line {plan['first_in_the_past']})"
        say(f"  {where}: rejected, unless they are there already", "yellow")
    for account in plan["accounts_to_connect"] or ():
        say(f"  {what_becomes_of(account)}; {_way_to_connect(account)}", "yellow")
    show_reading(posts, zone)


def _way_to_connect(account: Told) -> str:
    return f"`timeball accounts add PLATFORM {shlex.quote(account['account_id'])}` connects it"


def show_reading(posts: PostFile, zone: str | None) -> None:
    """What was found out about a file, or taken for granted."""
    if posts.is_encoding_guessed:
        say(f"  {read_as(posts)}", "yellow")
    if posts.in_default_zone:
        say(f"  times without a zone ({posts.in_default_zone}) are in {zone}; --zone names another", "yellow")


def read_as(posts: PostFile) -> str:
    """How the letters of a file were read that is no UTF-8, and what to do about it."""
    example = example_of(posts) or ""
    return f"read as {posts.encoding}: {example!r}; if right, say --encoding {posts.encoding}, else another"


def show_faults(faults: Iterable[Told]) -> None:
    """One line for each of them, up to a bound."""
    listed = sorted(faults, key=lambda one: int(one["line"]))
    for fault in listed[:MOST_LINES]:
        complain(f"line {fault['line']}: {_about(fault)}{fault['reason']}")
    if len(listed) > MOST_LINES:
        complain(f"and {len(listed) - MOST_LINES} more (--json tells them all)")


def _about(fault: Told) -> str:
    return f"{fault['post_id']}: " if fault.get("post_id") else ""


def show_outcome(tally: Tally, posts: PostFile, zone: str | None) -> None:
    """What became of a file, for a person."""
    show_faults([*tally.skipped, *tally.rejected])
    numbers = {
        "scheduled": tally.changed,
        "unchanged": tally.unchanged,
        "rejected": len(tally.rejected),
        "skipped for their faults": len(tally.skipped),
        "left alone": len(tally.left_alone),
    }
    always = ("scheduled", "unchanged", "rejected")
    say(", ".join(f"{number} {what}" for what, number in numbers.items() if number or what in always))
    show_reading(posts, zone)
    _show_left_alone(tally)
    _show_warnings(tally)
    if tally.problem:
        complain(f"the console stopped: {tally.problem}")
    if tally.pending:
        complain(f"{tally.pending} were not answered in time, or not sent: run the import again")


def _show_left_alone(tally: Tally) -> None:
    for post in tally.left_alone[:MOST_LINES]:
        say(f"  line {post['line']}: {post['reason']}", "yellow")
    if len(tally.left_alone) > MOST_LINES:
        say(f"  and {len(tally.left_alone) - MOST_LINES} more (--json tells them all)", "yellow")
    if tally.left_alone:
        say("  these stay as they are; --overwrite replaces them with what the file says", "yellow")


def _show_warnings(tally: Tally) -> None:
    for warning, posts in tally.warnings.most_common(MOST_WARNINGS):
        say(f"  {posts}x {warning}", "yellow")
    if len(tally.warnings) > MOST_WARNINGS:
        say(f"  and {len(tally.warnings) - MOST_WARNINGS} warnings more (--json tells them)", "yellow")
