"""What should not be: of accounts, jobs, services and queues. No I/O."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from shlex import quote

from services.maintenance.domain import (
    SETTLING,
    SHORT_LIVES_WITHIN,
    SILENT_AFTER,
    STILL_SO,
    Account,
    Condition,
    JobRun,
    Report,
)

WARNED_DAYS = (14, 7, 1)
RENEWED_WITHIN = timedelta(hours=1)
"""After its end a token should have been renewed; it is asked for half an hour before."""
A_TICK_AND_ITS_ANSWER = timedelta(minutes=20)
"""What renewals take after maintenance, or whoever fires its timers, was down."""
USUAL_PERIOD = timedelta(hours=1)
"""What a run that nobody gave a period may take."""
OLD_OUTBOX_SECONDS = 60.0
MANY_SHORT_LIVES = 5
"""Fewer processes that ended soon after their start are a deployment, or somebody who tries something."""


@dataclass(frozen=True, slots=True)
class QueueState:
    """A queue of a service as the broker has it."""

    service: str
    name: str
    messages: int
    consumers: int


def of_accounts(accounts: Iterable[Account], now: datetime) -> Iterator[Condition]:
    """Access that is refused, has ended, is not renewed, or nears an end that no refresh can move."""
    for account in accounts:
        if not account.connected:
            continue
        who = f"{account.account_id!r} on {account.platform}"
        if account.needs_reconnect:
            yield _needs_reconnect(account, f"account {who} was refused by its platform")
        elif account.ends_at and account.ends_at <= now:
            yield _needs_reconnect(account, f"the access of account {who} ended on {_date(account.ends_at)}")
        else:
            yield from _of_renewals(account, who, now)
            yield from _of_nearing_end(account, who, now)


def _of_renewals(account: Account, who: str, now: datetime) -> Iterator[Condition]:
    """A token that ended and has not been renewed, whether renewals fail or are not answered."""
    ended_at = account.token_expires_at
    if account.can_refresh is False or ended_at is None or now - ended_at < RENEWED_WITHIN:
        return
    message = (
        f"the token of account {who} ended at {ended_at:%Y-%m-%d %H:%M} UTC and has not been renewed, which is tried "
        "again at every tick: its posts may fail. The publisher's log says what the platform answers; if the access is "
        f"over, {_connect_again(account)}"
    )
    yield Condition("account_not_renewed", account.account_id, "warning", message, patience=A_TICK_AND_ITS_ANSWER)


def _of_nearing_end(account: Account, who: str, now: datetime) -> Iterator[Condition]:
    """An end that no refresh can move; one alert each 14, 7 and 1 days before."""
    if account.ends_at is None or not (grade := _grade(account.ends_at - now)):
        return
    days = -(-(account.ends_at - now) // timedelta(days=1))
    yield Condition(
        "account_access_ends",
        account.account_id,
        "critical" if grade == len(WARNED_DAYS) else "warning",
        f"the access of account {who} ends on {_date(account.ends_at)} (within {days} "
        f"{'day' if days == 1 else 'days'}), which no refresh can move; its posts are held from then on. Before that, "
        f"{_connect_again(account)}",
        grade=grade,
        reminded=False,
    )


def _grade(left: timedelta) -> int:
    """How many of the warnings are due: 14, 7 and 1 days before."""
    return sum(left <= timedelta(days=days) for days in WARNED_DAYS)


def _needs_reconnect(account: Account, why: str) -> Condition:
    retry = f"`timeball retry --held --account {quote(account.account_id)}`"
    message = f"{why}, and its posts are held: {_connect_again(account)}, then {retry}"
    return Condition("account_needs_reconnect", account.account_id, "critical", message)


def _connect_again(account: Account) -> str:
    return f"connect it again with `timeball accounts add {account.platform} {quote(account.account_id)}`"


def _date(at: datetime) -> str:
    return f"{at:%Y-%m-%d}"


def of_jobs(latest: Iterable[JobRun], ended: Iterable[JobRun], now: datetime) -> Iterator[Condition]:
    """Jobs whose last run failed, or whose run takes longer than its period; by each job's latest (ended) run."""
    for run in ended:
        if run.state == "failed":
            error = (run.error or "no reason was given").rstrip(".")
            message = f"the job {run.job} failed: {error}. {_goes_on(run)}, and it runs again at its next tick"
            yield Condition("job_failed", run.job, "warning", message)
    for run in latest:
        took, period = _took(run, now), timedelta(seconds=run.period_seconds or USUAL_PERIOD.total_seconds())
        if took > period:
            verb = "has been running for" if run.ended_at is None else "took"
            message = (
                f"the job {run.job} {verb} {_rounded(took)}, longer than its period of {_rounded(period)}. "
                f"{_goes_on(run)}; if it hangs, restart {run.service or 'its service'}, and another process runs it"
            )
            yield Condition("job_overdue", run.job, "warning", message, patience=SETTLING)


def _goes_on(run: JobRun) -> str:
    return f"Posts go out all the same. `timeball timers history {run.job}` shows its runs"


def _took(run: JobRun, now: datetime) -> timedelta:
    if run.ended_at is None:
        return now - run.started_at
    return timedelta(milliseconds=run.duration_ms or 0)


def _rounded(duration: timedelta) -> timedelta:
    return timedelta(seconds=round(duration.total_seconds()))


def of_services(reports: Iterable[Report], now: datetime) -> Iterator[Condition]:
    """Services that are silent, not ready, or keep events back."""
    by_service: dict[str, list[Report]] = {}
    for report in reports:
        by_service.setdefault(report.service, []).append(report)
    for service, told in by_service.items():
        heard = [report for report in told if now - report.reported_at < SILENT_AFTER]
        if not heard:
            latest = max(report.reported_at for report in told)
            silent = (
                f"{service} has said nothing since {latest:%Y-%m-%d %H:%M} UTC: it is down, or cut off from the "
                f"broker. {_without(service)}"
            )
            yield Condition("service_silent", service, "critical", silent, patience=SETTLING)
        yield from _of_problems(service, [report for report in heard if now - report.reported_at < STILL_SO])


def _of_problems(service: str, latest: Sequence[Report]) -> Iterator[Condition]:
    oldest = max((report.outbox_age_seconds or 0 for report in latest), default=0)
    if oldest > OLD_OUTBOX_SECONDS:
        message = (
            f"events of {service} have been waiting in its outbox for {oldest:.0f} s: they are written but not sent, "
            f"and posts may come late; nothing is lost. Its log says what the broker refuses: {_log_of(service)}"
        )
        yield Condition("outbox_old", service, "critical", message)
    for report in latest:
        problems = {name: text for name, text in report.problems.items() if name != "outbox"}
        if problems:
            said = "; ".join(f"{name}: {text}" for name, text in problems.items())
            subject = f"{service} {report.instance[:8]}"
            message = (
                f"{subject} is not ready: {said.rstrip('.')}. Its work waits, nothing is lost, and it goes on by "
                f"itself once that is mended. Its log: {_log_of(service)}"
            )
            yield Condition("service_not_ready", subject, "warning", message, patience=SETTLING)


def of_short_lives(ended: Mapping[str, int]) -> Iterator[Condition]:
    """Services whose processes end soon after their start, again and again; by how many did."""
    for service, processes in ended.items():
        if processes >= MANY_SHORT_LIVES:
            minutes = SHORT_LIVES_WITHIN // timedelta(minutes=1)
            message = (
                f"{service} starts and ends again: {processes} of its processes ended within their first minute in the "
                f"last {minutes} minutes. Between them nothing is done and posts come late; messages wait, nothing is "
                f"lost. The end of its log says why: {_log_of(service)}"
            )
            yield Condition("service_restarts", service, "critical", message, patience=SETTLING)


_WITHOUT = {
    "scheduler": "no post is scheduled or sent",
    "publisher": "no post goes out",
    "monitor": "no mention is found, while posts go out",
    "console": "page, HTTP API and command line do not answer, while posts go out",
}


def _without(service: str) -> str:
    """What it means that a service does not work, and the way out."""
    means = _WITHOUT.get(service, "its work is not done")
    return (
        f"Without it {means}; nothing is lost. Start it (`docker compose up -d {service}`), and see its log: "
        f"{_log_of(service)}"
    )


def _log_of(service: str) -> str:
    return f"`docker compose logs --tail 100 {service}`, or the terminal of `timeball up`"


def of_queues(queues: Iterable[QueueState]) -> Iterator[Condition]:
    """Queues that nobody consumes."""
    for queue in queues:
        if queue.consumers == 0:
            wait = f"{queue.messages} message{' waits' if queue.messages == 1 else 's wait'}"
            message = (
                f"nobody consumes {queue.name}, where {wait}: {queue.service} is down, or has lost its consumers. "
                f"{_without(queue.service)}"
            )
            yield Condition("queue_unconsumed", queue.name, "critical", message, patience=SETTLING)


def of_dead_letters(messages: Mapping[str, int]) -> Iterator[Condition]:
    """Services with dead letters; told again each time their number has doubled."""
    for service, count in messages.items():
        if count:
            message = (
                f"the queue {service}.dead holds {count} {'message' if count == 1 else 'messages'} that could not be "
                f"handled: what {'it asks' if count == 1 else 'they ask'} for, such as a post, is not done; nothing is "
                "lost. "
                f"`timeball dead-letters list {service}` says why; then replay or drop"
            )
            yield Condition("dead_letters", service, "warning", message, grade=count.bit_length())
