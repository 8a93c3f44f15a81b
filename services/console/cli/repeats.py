"""`timeball schedule --every … --times …`: a post that repeats, as single posts."""

from typing import Annotated, Any

import typer

from services.console.cli.calling import wrong
from services.console.requests.repeating import MOST_TIMES, Every, first_id_of
from shared.events.requests import LocalTime

EveryOption = Annotated[
    Every | None, typer.Option("--every", help="Again and again, by the clock of --zone; with --times.")
]
TimesOption = Annotated[
    int | None, typer.Option("--times", min=1, max=MOST_TIMES, help="How often in all, with --every.")
]


def request_for(post: dict[str, Any], every: Every | None, times: int | None) -> tuple[str, dict[str, Any]]:
    """Where to send the post, and what."""
    if every is None and times is None:
        return "/v1/posts", post
    if every is None or times is None:
        wrong("--every and --times go together: --every week --times 8")
    if not isinstance(post.get("publish_at"), dict):
        wrong("what repeats goes by a clock: write --at without an offset, and name its --zone")
    return "/v1/posts:repeat", {"post": post, "repeat": {"every": every.value, "times": times}}


def id_to_look_at(post: dict[str, Any], every: Every | None) -> str:
    """By which what became of the post can be looked at: of one that repeats, the id of the first."""
    post_id: str = post["post_id"]
    return first_id_of(post_id, LocalTime(**post["publish_at"]), every) if every else post_id


def unanswered(scheduled: dict[str, Any]) -> str:
    """A post that is not answered for on every account: of those that one became, the first such."""
    answered = {one["post_id"] for one in (*scheduled["accepted"], *scheduled["rejected"])}
    waiting = [one["post_id"] for one in scheduled.get("waiting", ())]
    silent = [one["post_id"] for one in scheduled.get("posts", ()) if one["post_id"] not in answered]
    return str(next(iter([*waiting, *silent]), scheduled.get("post_id") or scheduled["batch_id"]))
