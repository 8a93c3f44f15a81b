"""`timeball schedule --every … --times …`: a post that repeats, as single posts."""

from typing import Annotated, Any

import typer

from services.console.cli.calling import wrong
from services.console.requests.repeating import MOST_TIMES, Every

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
