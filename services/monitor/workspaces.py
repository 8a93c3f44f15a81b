"""Workspaces: what somebody asks to be watched, checked and made ready to be kept. No I/O.

Checking compiles a thousand patterns and loads what Apprise needs for each target: it belongs into a thread, and
before the transaction.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import RowMapping

from services.monitor.domain import InvalidWorkspace, Keyword, check_subreddit
from services.monitor.matching import check_keyword
from shared.clocks.local_time import UnknownZone, zone_named
from shared.events.requests import WorkspaceConfigured
from shared.outbound.targets import NoTarget, fingerprint_of
from shared.secrets.sealing import SealingKey, UnreadableSeal
from shared.secrets.vault import Vault

MOST_SUBREDDITS = 500
MOST_KEYWORDS = 1_000
MOST_EXCLUSIONS = 50
MOST_TARGETS = 20

CLOCKS_DIFFER = timedelta(minutes=5)
"""By more, a clock was wrong, and must not outdo what is asked for once it is right."""

CheckTarget = Callable[[str], object]
"""Raises NoTarget, without telling the URL, where it is none."""


@dataclass(frozen=True, slots=True)
class Checked:
    """A workspace that can be watched as it is asked for, its targets in clear."""

    event: WorkspaceConfigured
    subreddits: Sequence[str]
    keywords: Sequence[Mapping[str, Any]]
    targets: Sequence[str]


def checked(event: WorkspaceConfigured, *, key: SealingKey, check_target: CheckTarget) -> Checked:
    """The workspace, or InvalidWorkspace where it cannot be watched; what is counted is counted before all else."""
    _check_counts(event)
    _check_digest(event)
    return Checked(
        event=event,
        subreddits=list(dict.fromkeys(map(check_subreddit, event.subreddits))),
        keywords=[_keyword(one.model_dump()) for one in event.keywords],
        targets=_targets(event, key, check_target),
    )


def row_of(workspace: Checked, previous: RowMapping | None, *, vault: Vault, now: datetime) -> dict[str, Any]:
    """The workspace as it is kept, its targets encrypted, in place of what it was before."""
    event = workspace.event
    had_digest = previous is not None and previous["digest"] is not None
    return _targets_kept(workspace, previous, vault) | {
        "workspace_id": event.workspace_id,
        "enabled": event.monitoring_enabled,
        "subreddits": json.dumps(workspace.subreddits),
        "keywords": json.dumps(workspace.keywords),
        "tells_at_once": event.notify == "at_once",
        "digest": event.digest.model_dump_json() if event.digest else None,
        "digest_since": _since(previous, had_digest, now) if event.digest else None,
        "last_digest_day": previous["last_digest_day"] if previous else None,
        "configured_at": event.configured_at,
        "updated_at": now,
    }


def _targets_kept(workspace: Checked, previous: RowMapping | None, vault: Vault) -> dict[str, Any]:
    """Whom to tell: the targets of the request, or those that there are."""
    if workspace.event.keep_notify and previous is not None:
        return {"targets": previous["targets"], "target_ids": previous["target_ids"]}
    return {
        "targets": vault.encrypt({"urls": workspace.targets}),
        "target_ids": json.dumps(list(map(fingerprint_of, workspace.targets))),
    }


def made_at(said: datetime | None, now: datetime) -> datetime | None:
    """When a request was made, if it says so; one from further in the future than clocks differ was made now."""
    return now if said and said > now + CLOCKS_DIFFER else said


def is_older(asked_at: datetime | None, latest: datetime | None) -> bool:
    """Whether a request was made before the latest one, as far as the two say when."""
    return asked_at is not None and latest is not None and asked_at < latest


def later_of(asked_at: datetime | None, latest: datetime | None) -> datetime | None:
    """The later of two requests, as far as they say when."""
    return max(filter(None, (asked_at, latest)), default=None)


def target_named(wanted: str, stored: str, ids: Sequence[str], vault: Vault) -> str | None:
    """The URL of a target, or None where the workspace has it no longer."""
    if wanted not in ids:
        return None
    return str(vault.decrypt(stored)["urls"][ids.index(wanted)])


def _since(previous: RowMapping | None, had_digest: bool, now: datetime) -> Any:
    return previous["digest_since"] if previous is not None and had_digest else now


def _keyword(told: dict[str, Any]) -> dict[str, Any]:
    check_keyword(Keyword(**told))
    return told


def _check_counts(event: WorkspaceConfigured) -> None:
    """Refuse what no person means, and a workspace that is to be watched for nothing."""
    exclusions = max((len(keyword.exclude) for keyword in event.keywords), default=0)
    counts = (
        ("subreddits", len(event.subreddits), MOST_SUBREDDITS),
        ("keywords", len(event.keywords), MOST_KEYWORDS),
        ("keywords[].exclude", exclusions, MOST_EXCLUSIONS),
    )
    for name, count, most in counts:
        if count > most:
            raise InvalidWorkspace(f"{name}: {count:,} are too many; at most {most:,}: use several workspaces")
    if event.monitoring_enabled and not (event.subreddits and event.keywords):
        missing = "keywords" if event.subreddits else "subreddits"
        raise InvalidWorkspace(f"{missing}: none is named; name at least one, or set monitoring_enabled to false")


def _check_digest(event: WorkspaceConfigured) -> None:
    if event.digest is None:
        if event.notify == "digest":
            raise InvalidWorkspace("notify: 'digest' needs a digest; say when: digest: {at: '09:00', zone: 'UTC'}")
        return
    try:
        zone_named(event.digest.zone)
    except UnknownZone as error:
        raise InvalidWorkspace(f"digest.zone: {error}") from error


def _targets(event: WorkspaceConfigured, key: SealingKey, check_target: CheckTarget) -> list[str]:
    if not event.sealed_notify:
        return []
    if event.keep_notify:
        raise InvalidWorkspace("keep_notify: the targets cannot both stay and be those of sealed_notify; send one")
    try:
        targets = key.open_list(event.sealed_notify)
    except UnreadableSeal as error:
        raise InvalidWorkspace(
            f"sealed_notify: {error}; seal a JSON list of Apprise URLs for the monitor's key (`timeball keys`)"
        ) from error
    if len(targets) > MOST_TARGETS:
        raise InvalidWorkspace(f"sealed_notify: {len(targets)} targets are too many; at most {MOST_TARGETS}")
    for position, target in enumerate(targets):
        if not isinstance(target, str):
            raise InvalidWorkspace(f"sealed_notify[{position}]: not a text but {type(target).__name__}; give a URL")
        if any("\ud800" <= character <= "\udfff" for character in target):
            raise InvalidWorkspace(f"sealed_notify[{position}]: half of a character is in it; write the URL anew")
        try:
            check_target(target)
        except NoTarget as error:
            raise InvalidWorkspace(f"sealed_notify[{position}]: {error}") from error
    return list(dict.fromkeys(targets))
