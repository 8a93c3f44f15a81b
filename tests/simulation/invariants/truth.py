"""What people are told is what happened."""

from shared.events.publisher import PublishFailed, PublishHeld, PublishSkipped, PublishSucceeded, PublishUnknown
from shared.events.scheduler import ScheduleCancelled, ScheduleRejected
from tests.simulation.invariants.run import Run, Violations
from tests.simulation.witness import Key


def success_is_true(run: Run) -> Violations:
    """What is told as published stands there, under the text of that revision."""
    for key in run.keys:
        resolved = [at for at, outcome in run.user.resolved.get(key, ()) if outcome == "published"]
        for told in run.witness.of(key, PublishSucceeded):
            texts = [text for text, revision in run.revisions(key).items() if revision == told.event.revision]
            there = [one for one in run.posts.get(key, ()) if one.content in texts and one.at <= told.at]
            if not there and not any(at <= told.at for at in resolved):
                yield f"{key} revision {told.event.revision} was told as published at {told.at:.2f}; it is not there"


def what_is_told_as_not_published_is_not_there(run: Run) -> Violations:
    """Failed, skipped, held or cancelled: no such text stands there then, nor later unless somebody asks for it."""
    taken_within = _requests_are_taken_within(run)
    for key in run.keys:
        revisions = run.revisions(key)
        for told in run.witness.of(key, PublishFailed, PublishSkipped, PublishHeld):
            for post in run.posts.get(key, ()):
                is_meant = revisions.get(post.content, 0) <= told.event.revision
                asked_again = [
                    at for at in run.user.retried.get(key, ()) if told.at < at + taken_within and at <= post.at
                ]
                if is_meant and not asked_again:
                    what = f"{told.type} of revision {told.event.revision} was told at {told.at:.2f}"
                    yield f"{key}: {what}, but {post.content!r} stands there since {post.at:.2f}"


def _requests_are_taken_within(run: Run) -> float:
    """Seconds after which what a person asks for has been taken; a process that stands still may have it for long."""
    one = run.world.scenario
    return 120.0 if one.freezes or one.crashes or one.restarts or one.stalls or one.broker_outages else 5.0


def cancelled_means_not_published(run: Run) -> Violations:
    """What a person was told is cancelled never appears, unless it is taken back."""
    for key in run.keys:
        for told in run.witness.of(key, ScheduleCancelled):
            if told.event.reason == "superseded":
                continue
            later = any(one.at > told.at for one in run.accepted(key))
            for post in run.posts.get(key, ()):
                is_before = run.revisions(key).get(post.content, 0) <= told.event.revision
                if is_before and not later and not _taken_back(run, key, told.at):
                    yield f"{key} was told as cancelled at {told.at:.2f}, but stands there since {post.at:.2f}"


def a_cancellation_that_finds_nothing_is_the_end(run: Run) -> Violations:
    """Who cancels what he has asked for, and is told that there is nothing, never finds it there.

    What a replica has in hand that stands still or dies may have been asked for before or after: nobody knows. Who
    repeats a request after its cancellation asks for it anew.
    """
    if not run.is_smooth:
        return
    asked_at = {told.message_id: told.at for told in run.witness.told}
    for told in run.witness.told:
        if not isinstance(told.event, ScheduleRejected) or told.event.code != "not_found":
            continue
        wishes = [wish for wish in run.wishes.values() if wish.post_id == told.event.post_id]
        if any(run.world.last_sent_at[wish.message_id] >= asked_at[told.correlation_id] for wish in wishes):
            continue
        for wish in wishes:
            for post in run.posts.get(wish.key, ()):
                yield f"{wish.key} was told as not to be found at {told.at:.2f}, but stands there since {post.at:.2f}"


def an_accepted_edit_is_what_appears(run: Run) -> Violations:
    """Who was told that a new version is accepted does not find an old one, unless that was taken back."""
    for key in run.keys:
        revisions = run.revisions(key)
        for post in run.posts.get(key, ()):
            revision = revisions.get(post.content, 0)
            for told in run.accepted(key):
                newer = getattr(told.event, "revision", 0)
                if newer > revision and getattr(told.event, "changed", False) and not _taken_back(run, key, told.at):
                    yield f"{key}: revision {newer} was accepted at {told.at:.2f}; {post.content!r} stands there"


def _taken_back(run: Run, key: Key, since: float) -> bool:
    rejected = run.witness.of(key, ScheduleRejected)
    return any(one.event.code == "already_published" and one.at > since for one in rejected)


def an_unknown_may_be_there(run: Run) -> Violations:
    """`unknown` is told only where a request left whose fate nobody could know, or whose sender died."""
    scenario = run.world.scenario
    if scenario.crashes or scenario.freezes:
        return
    for key in run.keys:
        for told in run.witness.of(key, PublishUnknown):
            left = [one for one in run.requests.get(key, ()) if one.left_at <= told.at]
            if not left:
                yield f"{key} was told as unknown at {told.at:.2f}, but nothing had ever left"
