"""What should not be: of posts that wait for a person, fail, or are late. No I/O."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from shlex import quote

from services.maintenance.domain import STILL_SO, Condition, Failing, Report, Waiting
from shared.events.progress import State

FEWEST_SENDS = 10
"""Of fewer, the slowest says nothing of the others."""
MOST_NAMED = 3
MOST_CHARACTERS = 200


@dataclass(frozen=True, slots=True)
class Lateness:
    """How late the latest posts were sent."""

    sends: int
    p99_ms: float


def of_decisions(waiting: Iterable[Waiting]) -> Iterator[Condition]:
    """Posts that may be out or are held, by account; told again each time their number has doubled."""
    for one in waiting:
        code, says = _DECISIONS[one.state]
        posts = f"{one.posts:,} post{'' if one.posts == 1 else 's'} on {one.account_id!r}"
        since = f"since {one.since:%Y-%m-%d %H:%M} UTC, such as {one.example!r}"
        message = f"{posts} {since}: {says.format(account=quote(one.account_id), post=quote(one.example))}"
        yield Condition(code, one.account_id, "warning", message, grade=one.posts.bit_length())


_DECISIONS = {
    State.UNKNOWN: (
        "posts_unknown",
        "may or may not be out: once the network answers, `timeball bulk resolve --ask-network --account {account}` "
        "has it settle what it can; what is unknown then, look for there, and say "
        "`timeball resolve {post} --account {account} --published` or `--not-published`",
    ),
    State.HELD: (
        "posts_held",
        "held until a person decides: connect the account if it asks for it, then "
        "`timeball retry --held --account {account}`, or `timeball cancel {post}`",
    ),
}


def of_failures(failing: Iterable[Failing], most: int) -> Iterator[Condition]:
    """Networks where the last so many posts, of an account or of all accounts, failed; told again when doubled."""
    for network, group in groupby(failing, key=lambda one: one.network):
        concerned = _concerned(list(group), most)
        if concerned:
            posts = sum(one.posts for one in concerned)
            grade = (posts // most).bit_length()
            yield Condition("posts_failing", network, "critical", _failing(network, posts, concerned), grade=grade)


def _concerned(failing: Sequence[Failing], most: int) -> Sequence[Failing]:
    """Every account whose last posts failed if nothing works on the network, else those with so many."""
    if sum(one.since_the_network_published for one in failing) >= most:
        return [one for one in failing if one.since_the_network_published]
    posts: Counter[str] = Counter()
    for one in failing:
        posts[one.account_id] += one.posts
    return [one for one in failing if posts[one.account_id] >= most]


def _failing(network: str, posts: int, failing: Sequence[Failing]) -> str:
    codes: Counter[str] = Counter()
    for one in failing:
        codes[one.code] += one.posts
    code, times = codes.most_common(1)[0]
    example = next(one for one in failing if one.code == code)
    accounts = list(dict.fromkeys(one.account_id for one in failing))
    reason = " ".join(example.message.split())[:MOST_CHARACTERS]
    options = " ".join(f"--account {quote(account)}" for account in accounts[:MOST_NAMED])
    return (
        f"{posts:,} post{'' if posts == 1 else 's'} failed on {network} since "
        f"{min(one.since for one in failing):%Y-%m-%d %H:%M} UTC and none went out after them, on {_named(accounts)}; "
        f"they are not tried again. Most often ({times:,} of {posts:,}) {code}: {reason}. See "
        f"`timeball status {quote(example.example)}`; once it is mended, `timeball bulk retry --state failed {options}`"
    )


def _named(accounts: Sequence[str]) -> str:
    named, more = ", ".join(map(repr, accounts[:MOST_NAMED])), len(accounts) - MOST_NAMED
    return named if more <= 0 else f"{named} and {more:,} more account{'' if more == 1 else 's'}"


def of_overdue(reports: Iterable[Report], now: datetime) -> Iterator[Condition]:
    """Posts that should be out, and of which nothing is heard; told again each time their number has doubled.

    One report alone is not believed: where a machine was suspended or down, the first counts what is due at once.
    """
    told = [one for one in reports if now - one.reported_at < STILL_SO and one.overdue]
    latest = max(told, key=lambda one: one.reported_at, default=None)
    if latest is not None and latest.overdue:
        overdue = latest.overdue
        posts, they = ("post is", "it") if overdue.count == 1 else ("posts are", "them")
        message = (
            f"{overdue.count:,} {posts} overdue, {overdue.post_id!r} since {overdue.publish_at:%Y-%m-%d %H:%M} UTC, "
            f"and nothing is heard of {they}. Nothing is lost: what stands still is asked for again and again, and "
            "goes out late, once. See what `timeball alerts` and the page `/queues` say does not work; if they say "
            "nothing, restart the publisher, and see its log: `docker compose logs --tail 100 publisher`, or the "
            "terminal of `timeball up`"
        )
        grade = overdue.count.bit_length()
        yield Condition("posts_overdue", "posts", "critical", message, grade=grade, patience=STILL_SO)


def of_lateness(lateness: Lateness, allowed_ms: float) -> Iterator[Condition]:
    """Posts that are sent too late."""
    if lateness.sends >= FEWEST_SENDS and lateness.p99_ms > allowed_ms:
        message = (
            f"of the {lateness.sends:,} posts of the last minutes one in a hundred was sent {lateness.p99_ms:.0f} ms "
            f"late or more (allowed: {allowed_ms:g} ms). They go out all the same. See whether the publisher's machine "
            "is busy (`top`), then its clock and its database"
        )
        yield Condition("lateness_high", "publisher", "warning", message)
