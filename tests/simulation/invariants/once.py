"""Once, and never another text after one that may be out."""

from datetime import timedelta
from itertools import pairwise

from shared.events.publisher import PublishFailed, PublishHeld, PublishRetrying, PublishSkipped
from shared.events.scheduler import ScheduleCancelled
from tests.simulation.invariants.run import Run, Violations
from tests.simulation.networks import Entry
from tests.simulation.witness import Key

CLOCKS_AGREE = timedelta(seconds=20)
"""A lease less the time of a send: where clocks are further apart, others see a lease as over before its owner does."""


def published_at_most_once(run: Run) -> Violations:
    """No network ever shows two posts for one."""
    if run.world.faults.clocks_apart >= CLOCKS_AGREE:
        return
    for key, posts in run.posts.items():
        if len(posts) > 1:
            yield f"{key} stands {len(posts)} times: {[(one.content, round(one.at, 2)) for one in posts]}"


def never_another_text_after_one_that_may_be_out(run: Run) -> Violations:
    """Two different requests for one post only if the first was told as not published and truly was not."""
    for key, entries in run.requests.items():
        for first, second in pairwise(_in_order_of_texts(entries)):
            if first.taken or first.repeats:
                yield f"{key}: {second.content!r} left at {second.left_at:.2f}, but {first.content!r} was taken"
            elif not _was_told_as_not_published(run, key, first):
                yield f"{key}: {second.content!r} left at {second.left_at:.2f}; nobody was told of {first.content!r}"


def _in_order_of_texts(entries: list[Entry]) -> list[Entry]:
    """For each text the request that most likely landed, in the order in which texts were first sent."""
    best: dict[str, Entry] = {}
    for entry in entries:
        kept = best.get(entry.content)
        if kept is None or (entry.taken and not kept.taken):
            best[entry.content] = entry
    return list(best.values())


def _was_told_as_not_published(run: Run, key: Key, entry: Entry) -> bool:
    told = run.witness.of(key, PublishFailed, PublishSkipped, PublishHeld, PublishRetrying, ScheduleCancelled)
    revision = run.revisions(key).get(entry.content, 1)
    return any(one.event.revision >= revision for one in told) or bool(run.user.resolved.get(key))
