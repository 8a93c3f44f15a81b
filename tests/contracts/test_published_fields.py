"""The fields that the published contract names are in the schemas; those it marks `?` may be left out."""

from collections.abc import Iterator
from typing import Any

import pytest

from shared.events import EVENTS
from tests.contracts.schemas import Schema, schema_of

_POST = "post_id account_id revision"
_LETTERS = "letters letters[].message_id letters[].parked_at letters[].queue?"

PUBLISHED = {
    "schedule.requested": (
        "post_id content media? media[].url media[].alt? media[].mime? publish_at? publish_at.local publish_at.zone "
        "targets targets[].account_id targets[].publish_at? targets[].content? targets[].options? "
        "late_policy? late_policy.mode? late_policy.grace_seconds? retry? retry.attempts? retry.first_delay_seconds? "
        "retry.longest_delay_seconds? expected_revision? callback_url?"
    ),
    "schedule.batch_requested": "batch_id posts",
    "schedule.cancel_requested": "post_id account_ids? expected_revision?",
    "publish.retry_requested": "post_id account_id",
    "publish.resolve_requested": "post_id account_id outcome platform_post_id?",
    "account.connect_requested": (
        "account_id platform settings sealed_credentials limits? limits.per_second? limits.per_minute? limits.per_day?"
    ),
    "account.disconnect_requested": "account_id",
    "workspace.configured": (
        "workspace_id monitoring_enabled subreddits keywords keywords[].phrase keywords[].match keywords[].exclude? "
        "sealed_notify? keep_notify? digest? digest.at digest.zone"
    ),
    "timer.trigger_requested": "timer",
    "dead_letter.replay_requested": "service message_ids? as_of?",
    "dead_letter.drop_requested": "service message_ids? as_of?",
    "dead_letter.parked": (
        "service message_id parked_at message_type reason payload size replays? queue? post_id? account_id?"
    ),
    "dead_letter.replayed": f"service count {_LETTERS} looked_at kept? resting? is_last?",
    "dead_letter.dropped": f"service count {_LETTERS} looked_at kept? resting? is_last?",
    "schedule.accepted": f"{_POST} publish_at changed warning?",
    "schedule.rejected": "post_id account_id? code reason",
    "schedule.batch_settled": (
        "batch_id accepted accepted[].post_id accepted[].account_id accepted[].revision accepted[].publish_at "
        "accepted[].changed accepted[].warning? rejected rejected[].post_id rejected[].account_id? rejected[].code "
        "rejected[].reason pending? pending[].post_id pending[].account_id"
    ),
    "schedule.cancelled": f"{_POST} reason",
    "schedule.superseded": f"{_POST} by",
    "publish.withdraw_requested": f"{_POST} reason",
    "publish.requested": f"{_POST} publish_at content media options late_policy retry attempt",
    "publish.retrying": f"{_POST} attempt next_attempt_at error error.class error.code error.message in_doubt?",
    "publish.succeeded": f"{_POST} platform platform_post_id url? published_at lateness_ms attempts",
    "publish.failed": f"{_POST} attempts error",
    "publish.unknown": f"{_POST} attempts error",
    "publish.skipped": f"{_POST} reason",
    "publish.held": f"{_POST} reason",
    "account.connected": "account_id platform token_expires_at?",
    "account.limits_requested": "account_id",
    "account.limits_told": (
        "account_id limits? limits[].most limits[].seconds limits[].used free_at? closed_until? told_at"
    ),
    "keys.rotate_requested": "",
    "keys.rotated": "service rotated unreadable? changed_at?",
    "console.rebuild_requested": "",
    "console.rebuild_answered": "service told",
    "console.acted": (
        "act_id who via address act objects? objects[].kind objects[].id count outcome code? request_id acted_at"
    ),
    "state.told": (
        "service schedules? schedules[].post_id schedules[].account_id schedules[].revision schedules[].state "
        "schedules[].publish_at schedules[].content accounts? accounts[].account_id accounts[].platform "
        "accounts[].settings accounts[].is_connected rules? rules[].account_id rules[].rules workspaces? "
        "workspaces[].has_targets facts? facts[].type facts[].body"
    ),
    "account.connect_failed": "account_id platform error error.class error.code error.message changed_at?",
    "account.disconnected": "account_id platform",
    "account.disconnect_failed": "account_id error changed_at?",
    "account.refresh_requested": "account_id",
    "account.refreshed": "account_id token_expires_at? needs_reconnect",
    "account.refresh_failed": "account_id token_expires_at? error needs_reconnect",
    "timer.fired": "timer tick_at fired_at manual missed",
    "timer.configured": "timer configured_at cron? zone? next_at? last_tick_at?",
    "workspace.accepted": "workspace_id configured_at? decided_at?",
    "workspace.rejected": "workspace_id reason configured_at? decided_at?",
    "workspace.remove_requested": "workspace_id requested_at?",
    "workspace.removed": "workspace_id removed_at decided_at",
    "keywords.try_requested": "subreddits keywords keywords[].phrase",
    "keywords.tried": "subreddits items? found? matches? problems? rejection?",
    "mention.found": "workspace_id subreddit item_id kind title url author keywords created_at",
    "monitor.completed": "checked failed failed[].workspace_id failed[].error found duration_ms",
    "digest.sent": "workspace_id day mentions",
    "notification.requested": "delivery_id",
    "job.started": "job run_id",
    "job.succeeded": "job run_id duration_ms?",
    "job.failed": "job run_id duration_ms? error?",
    "job.released": "job run_id duration_ms? service? tick_at? manual? period_seconds?",
    "job.skipped": "job tick_at reason service? manual?",
    "retention.purge_requested": "before",
    "retention.purged": "service rows",
    "analytics.aggregated": (
        "day accounts accounts[].account_id accounts[].platform accounts[].published accounts[].failed "
        "accounts[].p50_lateness_ms accounts[].p99_lateness_ms"
    ),
    "callback.requested": "callback_id url fact told_at data",
    "alert.raised": "severity code message subject",
    "service.reported": "service instance problems? outbox_age_seconds? queues?",
}


def fields(root: Schema, schema: Any, place: str = "") -> Iterator[tuple[str, bool]]:
    """Every field by its path, and whether it must be given."""
    if reference := schema.get("$ref"):
        schema = root["$defs"][reference.removeprefix("#/$defs/")]
    for choice in schema.get("anyOf", schema.get("oneOf", ())):
        yield from fields(root, choice, place)
    if "items" in schema:
        yield from fields(root, schema["items"], f"{place}[]")
    for name, part in schema.get("properties", {}).items():
        within = f"{place}.{name}" if place else name
        yield within, name in schema.get("required", ())
        yield from fields(root, part, within)


def test_every_event_is_published() -> None:
    assert set(PUBLISHED) == set(EVENTS)


@pytest.mark.parametrize("name", PUBLISHED)
def test_every_published_field_is_in_the_schema(name: str) -> None:
    schema = schema_of(EVENTS[name])

    found = dict(fields(schema, schema))

    assert {field.removesuffix("?") for field in PUBLISHED[name].split()} <= found.keys()


@pytest.mark.parametrize("name", PUBLISHED)
def test_what_may_be_left_out_is_not_required(name: str) -> None:
    schema = schema_of(EVENTS[name])

    required = {field for field, is_required in fields(schema, schema) if is_required}

    assert required.isdisjoint(field.removesuffix("?") for field in PUBLISHED[name].split() if field.endswith("?"))
