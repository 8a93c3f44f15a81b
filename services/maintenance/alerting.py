"""When a condition is told, told again, and told to be over. No I/O."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from services.maintenance.domain import Alert, Condition, sentence
from shared.events.maintenance import AlertRaised

REMIND_AFTER = timedelta(days=1)
RISEN_AFTER = timedelta(minutes=15)
"""How long after it was told last it is told to be worse: what grows fast is not told each time it doubles."""
CALM = timedelta(minutes=2)
"""How long a condition must be gone before it is told to be over: what comes and goes is one alert."""

BLIND_AFTER = timedelta(minutes=2)
"""Between two looks so far apart nobody knows what was: what had not lasted long enough before begins anew."""

Key = tuple[str, str]


@dataclass
class Verdict:
    """The alerts to keep and to forget, and what is told."""

    kept: list[Alert] = field(default_factory=list)
    forgotten: list[Key] = field(default_factory=list)
    told: list[AlertRaised] = field(default_factory=list)


def judge(
    known: Mapping[Key, Alert], conditions: Iterable[Condition], now: datetime, *, looked_at: datetime | None
) -> Verdict:
    """Compare what is wrong now with what was told; `looked_at` is when that was last done.

    What was noted under a clock since set back was so now, at the latest; but since when it is so is what was told.
    """
    verdict, current = Verdict(), {condition.key: condition for condition in conditions}
    was_blind = looked_at is None or now - looked_at > BLIND_AFTER
    for key, condition in current.items():
        alert = known.get(key)
        forgets = was_blind and alert is not None and alert.told_at is None
        _judge_present(verdict, None if forgets else alert, condition, now)
    for key, alert in known.items():
        if key not in current:
            _judge_absent(verdict, alert, now)
    return verdict


def _judge_present(verdict: Verdict, known: Alert | None, condition: Condition, now: datetime) -> None:
    told_at = min(known.told_at, now) if known and known.told_at else None
    seen_at = known.seen_at if known and told_at else min(known.seen_at if known else now, now)
    grade = known.grade if known and told_at else 0
    is_due = _is_due(condition, seen_at=seen_at, told_at=told_at, grade=grade, now=now)
    if is_due:
        verdict.told.append(_raised(condition, seen_at))
    verdict.kept.append(
        Alert(
            *condition.key,
            severity=condition.severity,
            message=sentence(condition.message),
            grade=max(grade, condition.grade) if is_due else grade,
            seen_at=seen_at,
            told_at=now if is_due else told_at,
        )
    )


def _is_due(condition: Condition, *, seen_at: datetime, told_at: datetime | None, grade: int, now: datetime) -> bool:
    if told_at is None:
        return now - seen_at >= condition.patience
    told_for = now - told_at
    has_risen = condition.grade > grade and told_for >= RISEN_AFTER
    return has_risen or (condition.reminded and told_for >= REMIND_AFTER)


def _judge_absent(verdict: Verdict, alert: Alert, now: datetime) -> None:
    gone_at = min(alert.gone_at or now, now)
    if alert.told_at is None:
        verdict.forgotten.append(alert.key)
    elif now - gone_at >= CALM:
        verdict.forgotten.append(alert.key)
        verdict.told.append(_resolved(alert))
    else:
        verdict.kept.append(replace(alert, gone_at=gone_at))


def _raised(condition: Condition, seen_at: datetime) -> AlertRaised:
    return AlertRaised(
        severity=condition.severity,
        code=condition.code,
        subject=condition.subject,
        message=sentence(condition.message),
        since=seen_at,
    )


def _resolved(alert: Alert) -> AlertRaised:
    return AlertRaised(
        severity="info",
        code=alert.code,
        subject=alert.subject,
        message=f"Over: {alert.message}",
        state="resolved",
        since=alert.seen_at,
    )
