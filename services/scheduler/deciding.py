"""What the scheduler decides of a request, without I/O: accept, reject or cancel, and the reasons it gives."""

import json
from dataclasses import replace
from datetime import datetime, timedelta

from services.scheduler.domain import Accepted, Cancelled, KnownAccount, Rejected, Schedule
from services.scheduler.near_posts import minute_key, text_key
from services.scheduler.origin import Origin
from services.scheduler.wanted_posts import NO_MEDIA, WantedPost
from shared.clocks.local_time import UnknownZone, in_utc, zone_named
from shared.events.progress import State
from shared.events.requests import LocalTime, PublishAt
from shared.events.rules import PostRules
from shared.posting.rules import PAST_TOLERANCE, problem

_UNITS = {"day": timedelta(days=1), "hour": timedelta(hours=1), "minute": timedelta(minutes=1)}


def decide(
    wanted: WantedPost,
    current: Schedule | None,
    *,
    account: KnownAccount | None,
    origin: Origin,
    now: datetime,
) -> Accepted | Rejected:
    """Accept a wanted post as a new revision, recognise it as the present one, or say why it cannot be.

    `account` is None if the scheduler does not know it. Times are looked at as when the request first arrived.
    """
    if current and current.is_as(wanted):
        known, misspelt = account is not None, wanted.misspelt
        return Accepted(current, changed=False, request_id=origin.request_id, is_known=known, misspelt=misspelt)
    refusal = _refusal(wanted, current, account)
    if refusal:
        return refusal
    publish_at = instant_of(wanted, origin.taken_at)
    if isinstance(publish_at, Rejected):
        return publish_at
    schedule = _new_schedule(wanted, current.revision + 1 if current else 1, publish_at, origin, now)
    superseded = current.revision if current and current.may_be_on_its_way else None
    return Accepted(
        schedule,
        changed=True,
        request_id=origin.request_id,
        is_known=account is not None,
        superseded=superseded,
        misspelt=wanted.misspelt,
    )


def _new_schedule(wanted: WantedPost, revision: int, publish_at: datetime, origin: Origin, now: datetime) -> Schedule:
    return Schedule(
        post_id=wanted.post_id,
        account_id=wanted.account_id,
        revision=revision,
        state=State.SCHEDULED,
        attempts=0,
        retries=0,
        publish_at=publish_at,
        content=wanted.content,
        media=wanted.media,
        options=wanted.options,
        late_policy=wanted.late_policy,
        retry=wanted.retry,
        callback_url=wanted.callback_url,
        fingerprint=wanted.fingerprint,
        correlation_id=origin.correlation_id,
        claimed_until=None,
        outcome_expected_at=publish_at,
        sweeps=0,
        updated_at=now,
        text_key=text_key(wanted.account_id, wanted.content),
        minute_key=minute_key(wanted.account_id, publish_at),
        in_doubt=False,
        pending=0,
        asked_at=origin.taken_at,
    )


def _refusal(wanted: WantedPost, current: Schedule | None, account: KnownAccount | None) -> Rejected | None:
    if current and current.progress.may_be_out:
        return Rejected(wanted.post_id, wanted.account_id, "already_published", _already(current))
    revision = current.revision if current else 0
    if wanted.expected_revision not in (None, revision):
        return Rejected(
            wanted.post_id, wanted.account_id, "conflict", _conflict(*wanted.key, wanted.expected_revision, current)
        )
    if account and not account.connected:
        reason = f"account {wanted.account_id!r} has been disconnected: connect it again"
        return Rejected(wanted.post_id, wanted.account_id, "unknown_account", reason)
    if wanted.media == NO_MEDIA and (not wanted.content or wanted.content.isspace()):
        reason = f"content: the post for {wanted.account_id!r} has neither text nor media"
        return Rejected(wanted.post_id, wanted.account_id, "invalid", reason)
    if account and account.rules:
        return _against(account.rules, wanted)
    return None


def _against(rules: PostRules, wanted: WantedPost) -> Rejected | None:
    """What the account's network could never accept is refused now, not when it is due."""
    found = problem(rules, wanted.content, json.loads(wanted.media), json.loads(wanted.options))
    return Rejected(wanted.post_id, wanted.account_id, *found) if found else None


def _already(current: Schedule) -> str:
    where = f"{current.post_id!r} on {current.account_id!r}"
    if current.state is State.UNKNOWN:
        return f"{where} may have been published: settle it with publish.resolve_requested first"
    if current.state is not State.PUBLISHED:
        return f"{where} may have been published: wait until that is known"
    return f"{where} has been published; use a new post_id"


def _conflict(post_id: str, account_id: str, expected_revision: int | None, current: Schedule | None) -> str:
    where = f"{post_id!r} on {account_id!r}"
    if current is None:
        return f"expected_revision: {where} is not scheduled, not at {expected_revision}; expect 0"
    if current.state is State.CANCELLED:
        return f"expected_revision: {where} has been cancelled (revision {current.revision})"
    if expected_revision == 0:
        return f"expected_revision: {where} is there already and differs (revision {current.revision})"
    return f"expected_revision: {where} is at revision {current.revision}, not at {expected_revision}; look at it first"


def instant_of(wanted: WantedPost, now: datetime) -> datetime | Rejected:
    """The instant that is meant, unless it is in the past or is no time at all."""
    try:
        publish_at = _instant(wanted.publish_at, now)
    except (ValueError, OverflowError) as error:
        reason = str(error) if isinstance(error, UnknownZone) else f"no such time: {error} (got {_said(wanted)})"
        return Rejected(wanted.post_id, wanted.account_id, "invalid", f"publish_at: {reason}")
    if publish_at < now - PAST_TOLERANCE:
        reason = f"publish_at: {publish_at.isoformat()} is {_ago(now - publish_at)} ago; choose a time to come"
        return Rejected(wanted.post_id, wanted.account_id, "in_the_past", reason)
    return publish_at


def _said(wanted: WantedPost) -> str:
    at = wanted.publish_at
    return f"{at.local!r} in {at.zone!r}" if isinstance(at, LocalTime) else str(at)


def _instant(publish_at: PublishAt | None, now: datetime) -> datetime:
    if publish_at is None:
        return now
    if isinstance(publish_at, LocalTime):
        return in_utc(datetime.fromisoformat(publish_at.local), zone_named(publish_at.zone))
    return publish_at


def _ago(past: timedelta) -> str:
    unit = next((one for one in _UNITS if past >= _UNITS[one]), "minute")
    count = past // _UNITS[unit]
    return f"{count} {unit}{'' if count == 1 else 's'}"


def overtaken(post_id: str, account_id: str) -> Rejected:
    """A request that comes back after one that arrived later changes nothing."""
    reason = (
        f"a request for {post_id!r} on {account_id!r} that came later has been decided before this one: "
        "ask again if it is still wanted"
    )
    return Rejected(post_id, account_id, "conflict", reason)


def decide_cancel(
    post_id: str,
    account_id: str,
    current: Schedule | None,
    origin: Origin,
    now: datetime,
    *,
    expected_revision: int | None = None,
) -> Cancelled | Rejected:
    """Cancel whatever has not been published, if it is at the revision expected; to cancel twice changes nothing."""
    if current is None:
        reason = f"post {post_id!r} is not scheduled for account {account_id!r}"
        return Rejected(post_id, account_id, "not_found", reason)
    if current.progress.may_be_out:
        return Rejected(post_id, account_id, "already_published", _already(current))
    if current.state is State.CANCELLED:
        return Cancelled(current)
    if expected_revision not in (None, current.revision):
        return Rejected(post_id, account_id, "conflict", _conflict(post_id, account_id, expected_revision, current))
    revision = current.revision + 1
    cancelled = replace(current, revision=revision, state=State.CANCELLED, attempts=0, retries=0)
    return Cancelled(replace(cancelled, claimed_until=None, asked_at=origin.taken_at, updated_at=now))
