"""`timeball schedule`, `cancel` and `status`."""

import sys
from collections import Counter
from datetime import UTC, datetime
from shlex import quote
from typing import Annotated, Any
from uuid import uuid4

import typer

from services.console.cli.calling import JsonFlag, ask, called, end_if_pending, named, wrong
from services.console.cli.client import Client, in_path
from services.console.cli.exit_codes import REFUSED
from services.console.cli.local_times import local_time, own_zone, shown_zone, with_zone
from services.console.cli.repeats import EveryOption, TimesOption, id_to_look_at, request_for, unanswered
from services.console.cli.screen import complain, say, show_json, show_table
from services.console.cli.sentences import lateness
from services.console.cli.usage import HOW_TO_CONVERT
from services.console.domain.warnings import warnings_in
from services.console.requests.repeating import Every
from services.console.shown_times import duration
from services.console.written_times import UnreadableTime, is_without_zone, publish_at

STATE_STYLES = {
    "published": "green",
    "scheduled": "blue",
    "dispatched": "magenta",
    "sending": "magenta",
    "retrying": "yellow",
    "retrying, in doubt": "bold yellow",
    "held": "yellow",
    "skipped": "yellow",
    "cancelled": "dim",
    "unknown": "bold yellow",
    "failed": "bold red",
}
_LISTED = 10
_WAYS_OUT = {
    "held": "`timeball retry {names}` sends it, `timeball cancel {names}` gives it up",
    "failed": "`timeball retry {names}` tries it again",
    "unknown": "look at the network, then say `timeball resolve {names} --published`, --not-published or --ask-network",
}


def schedule(
    content: Annotated[str, typer.Argument(metavar="TEXT", help="What the post says; - reads it from stdin.")],
    *,
    to: Annotated[
        list[str], typer.Option("--to", help="An account; several times, or separated by commas.", metavar="ACCOUNT")
    ],
    at: Annotated[str | None, typer.Option(help="When, e.g. 2027-03-28T09:00+02:00; now without it.")] = None,
    zone: Annotated[str | None, typer.Option(help="The IANA zone of --at; without it this machine's.")] = None,
    in_: Annotated[str | None, typer.Option("--in", help="How long from now, e.g. 90s or 1h30m.")] = None,
    media: Annotated[list[str] | None, typer.Option(help="The URL of a picture or video; several times.")] = None,
    post_id: Annotated[str | None, typer.Option("--id", help="The post's id; made up without it.")] = None,
    attempts: Annotated[int | None, typer.Option(help="How often it is tried in all; 3 without it.")] = None,
    every: EveryOption = None,
    times: TimesOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Schedule a post.

    timeball schedule "Good morning" --to mastodon-team --at "2027-03-28 09:00" --zone Europe/Berlin

    timeball schedule "In a minute" --to demo-one --to demo-two --in 60s

    timeball schedule "Stand-up" --to team --at "2027-03-29 09:00" --zone Europe/Berlin --every weekday --times 10

    timeball schedule - --to demo-one --at 2027-03-28T09:00+02:00 --id spring-sale < post.txt
    """
    post: dict[str, Any] = {
        "post_id": post_id or f"post-{uuid4().hex[:12]}",
        "content": _text(content),
        "targets": [{"account_id": account_id} for account_id in named(to)],
        "media": [{"url": url} for url in media] if media else None,
        "retry": None if attempts is None else {"attempts": attempts},
        "publish_at": _moment(at, zone, in_),
    }
    path, request = request_for({name: given for name, given in post.items() if given is not None}, every, times)
    scheduled = called(lambda client: client.call("POST", path, body=request), in_doubt=_again(post, every))
    show_json(scheduled) if as_json else _show_scheduled(scheduled, in_own_zone=None if zone else at)
    _end_as_answered(scheduled)


def _text(content: str) -> str:
    """What the post says. Bytes that are no UTF-8 are refused: they would be another text."""
    if content != "-":
        return content
    try:
        text = sys.stdin.buffer.read().decode("utf-8-sig")
    except UnicodeError:
        wrong(f"TEXT: it is no UTF-8; convert it, {HOW_TO_CONVERT}")
    return text.replace("\r\n", "\n").removesuffix("\n")


def _again(post: dict[str, Any], every: Every | None) -> str:
    """How to ask again for what may have been scheduled: under another id it would be another post."""
    look = f"look with `timeball status {id_to_look_at(post, every)}`"
    return f"it may be scheduled all the same: {look}, ask again with --id {post['post_id']}"


def _moment(at: str | None, zone: str | None, in_: str | None) -> Any:
    try:
        return publish_at(at, zone, in_, now=datetime.now(UTC), own_zone=own_zone())
    except UnreadableTime as error:
        wrong(error)


def _show_scheduled(scheduled: dict[str, Any], *, in_own_zone: str | None) -> None:
    warnings: Counter[str] = Counter()
    for accepted in scheduled["accepted"]:
        what = "scheduled" if accepted["changed"] else "scheduled already, as it is,"
        due = f"due {local_time(accepted['publish_at'])} ({shown_zone()})"
        say(f"{accepted['post_id']} {what} on {accepted['account_id']}, {due}, revision {accepted['revision']}")
        warnings.update(warnings_in(accepted))
    for warning, count in warnings.items():
        say(f"  {warning}{f' ({count} posts)' if count > 1 else ''}", "yellow")
    for rejected in scheduled["rejected"]:
        complain(f"{rejected['post_id']} on {rejected.get('account_id')}: {rejected['reason']}")
    if scheduled["pending"]:
        post_id = unanswered(scheduled)
        say(f"not all of {post_id} is answered yet; `timeball status {post_id}` tells what became of it")
    if in_own_zone and is_without_zone(in_own_zone):
        say(f"  {in_own_zone} is taken as a time in {own_zone()}, this machine's zone; --zone names another", "yellow")


def cancel(
    post_id: Annotated[str, typer.Argument(metavar="POST")],
    account: Annotated[list[str] | None, typer.Option(help="Only on this account; several times.")] = None,
    revision: Annotated[int | None, typer.Option(help="Only if it is still at this revision.", min=0)] = None,
    as_json: JsonFlag = False,
) -> None:
    """Cancel a post that is not yet published.

    timeball cancel spring-sale

    timeball cancel spring-sale --account mastodon-team --revision 2
    """
    path, accounts = f"/v1/posts/{in_path(post_id)}", tuple(named(account or ()))
    answer = ask("DELETE", path, account_id=accounts, expected_revision=revision)
    if as_json:
        show_json(answer)
    else:
        _show_cancelled(answer)
    _end_as_answered(answer)


def _end_as_answered(answer: dict[str, Any]) -> None:
    if answer["rejected"]:
        raise typer.Exit(REFUSED)
    end_if_pending(answer)


def _show_cancelled(answer: dict[str, Any]) -> None:
    for cancelled in answer["cancelled"]:
        say(f"{answer['post_id']} cancelled on {cancelled['account_id']}")
    for rejected in answer["rejected"]:
        complain(f"{answer['post_id']} on {rejected.get('account_id')}: {rejected['reason']}")
    if answer["pending"]:
        post_id = answer["post_id"]
        say(f"whether {post_id} could still be cancelled is not known yet; `timeball status {post_id}` tells")


def status(
    post_id: Annotated[str | None, typer.Argument(metavar="POST")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Show one post, or how many there are in each state, what comes next and what went out last.

    timeball status

    timeball status spring-sale --json
    """
    if post_id is None:
        overview = called(_overview)
        show_json(overview) if as_json else _show_overview(overview)
        return
    details = ask("GET", f"/v1/posts/{in_path(post_id)}")
    show_json(details) if as_json else _show_details(details)


async def _overview(client: Client) -> dict[str, Any]:
    waiting = ("scheduled", "dispatched", "retrying")
    coming = await client.call("GET", "/v1/posts", state=waiting, order="asc", limit=_LISTED)
    latest = await client.call("GET", "/v1/posts", state=("published", "failed", "unknown"), limit=_LISTED)
    stats = await client.call("GET", "/v1/stats")
    return {"stats": stats, "coming": coming["posts"], "latest": latest["posts"]}


def _show_overview(overview: dict[str, Any]) -> None:
    stats = overview["stats"]
    states = {state: count for state, count in stats["states"].items() if count}
    show_table("Posts", ("state", "posts"), states.items(), STATE_STYLES)
    if unknown := states.get("unknown"):
        posts = "1 post" if unknown == 1 else f"{unknown:,} posts"
        say(
            f"{posts} may be out: once the networks answer, `timeball bulk resolve --ask-network` has them say",
            "yellow",
        )
    late = stats["lateness_ms"]
    if late["count"]:
        half, most = duration(late["p50"]), duration(late["p99"])
        say(f"last hour: {late['count']} published, half within {half}, 99 % within {most}")
    _show_posts("Coming", overview["coming"])
    _show_posts("Latest", overview["latest"])


def _show_details(details: dict[str, Any]) -> None:
    _show_posts(details["post_id"], details["accounts"])
    for post in details["accounts"]:
        if post["error"]:
            say(f"{post['account_id']}: {post['error'].get('message')}", "red")
        elif post["reason"] and post["state"] in ("held", "skipped"):
            say(f"{post['account_id']}: {post['reason']}", "yellow")
        if way_out := _WAYS_OUT.get(post["state"]):
            names = f"{quote(post['post_id'])} --account {quote(post['account_id'])}"
            say(f"  {way_out.format(names=names)}")
    for rejection in details["rejections"]:
        say(f"rejected: {rejection['reason']}", "red")


def _show_posts(title: str, posts: list[dict[str, Any]]) -> None:
    if not posts:
        return
    columns = ("due", "state", "post", "account", "rev", "tries", "how late", "where")
    show_table(with_zone(title), columns, map(_post_row, posts), STATE_STYLES)


def _post_row(post: dict[str, Any]) -> tuple[Any, ...]:
    late = lateness(post["lateness_ms"]) if post["lateness_ms"] is not None else None
    due = local_time(post["publish_at"])
    names = post["post_id"], post["account_id"]
    state = f"{post['state']}, in doubt" if post["in_doubt"] else post["state"]
    return due, state, *names, post["revision"], post["attempts"] or None, late, post["url"]
