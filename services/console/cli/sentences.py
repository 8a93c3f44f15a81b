"""Events as a person reads them: one line each."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rich.text import Text

from services.console.cli.client import RESET, STATE, LiveEvent
from services.console.shown_times import duration, on_clock

Data = Mapping[str, Any]
Says = Callable[[Data], str]

_MOST_CHARACTERS = 400


@dataclass(frozen=True, slots=True)
class Style:
    """The word an event is known by, its colour, and what is worth saying of it."""

    word: str
    colour: str
    says: Says
    instant: str | None = None
    """The field with an instant, which `says` gets as a time on the clock."""


def sentence(event: LiveEvent, at: datetime) -> Text:
    """`12:00:04.001  published   demo-1 on demo-one, 0.8 ms late: https://…`"""
    style = _STYLES.get(event.type) or Style(event.type, "dim", _anything)
    said = style.says(_on_the_clock(event.data, style.instant, at)).replace("\n", " ")
    line = Text(no_wrap=True, overflow="ignore")
    line.append(f"{at.astimezone():%H:%M:%S}.{at.microsecond // 1000:03d}  ", "dim")
    line.append(f"{style.word:<11} ", style.colour)
    line.append(said if len(said) <= _MOST_CHARACTERS else said[: _MOST_CHARACTERS - 1] + "…")
    return line


def said_by_the_console(event: LiveEvent) -> str | None:
    """What the console says of the broker or of the stream itself; None of an event of the services."""
    if event.type == RESET:
        return (
            "some events that were missed meanwhile are deleted, and not shown; `timeball status` tells how posts stand"
        )
    return _state_of_the_broker(event.data) if event.type == STATE else None


def _state_of_the_broker(state: Data) -> str:
    if state.get("broker") == "away":
        return f"no events of the services arrive: {state.get('reason', 'no reason is given')}"
    return "events of the services arrive again"


def _on_the_clock(data: Data, instant: str | None, at: datetime) -> Data:
    return {**data, instant: clock_time(data.get(instant), at)} if instant else data


def clock_time(instant: str | None, at: datetime) -> str:
    """The instant on the clock of this machine, with its date where that is another day than `at`."""
    if not instant:
        return "?"
    local = on_clock(datetime.fromisoformat(instant))
    return f"{local:%H:%M:%S}" if local.date() == at.astimezone().date() else f"{local:%Y-%m-%d %H:%M:%S}"


def lateness(milliseconds: float | None) -> str:
    """`0.8 ms late`, `3.3 min late`"""
    if milliseconds is None:
        return "lateness unknown"
    return f"{duration(abs(milliseconds))} {'late' if milliseconds >= 0 else 'early'}"


def _place(data: Data) -> str:
    return f"{data.get('post_id')} on {data.get('account_id')}"


def _asked(data: Data) -> str:
    return f"{data['post_id']} for {', '.join(target['account_id'] for target in data['targets'])}"


def _accepted(data: Data) -> str:
    again = "" if data.get("changed") else ", unchanged"
    warning = f" ({data['warning']})" if data.get("warning") else ""
    return f"{_place(data)}, due {data['publish_at']}, revision {data['revision']}{again}{warning}"


def _rejected(data: Data) -> str:
    where = f" on {data['account_id']}" if data.get("account_id") else ""
    return f"{data['post_id']}{where}: {data['reason']}"


def _settled(data: Data) -> str:
    waiting = f", {len(data['pending'])} wait for the publisher" if data.get("pending") else ""
    return f"{data['batch_id']}: {len(data['accepted'])} accepted, {len(data['rejected'])} rejected{waiting}"


def _superseded(data: Data) -> str:
    return f"{_place(data)}, revision {data['revision']} by revision {data['by']}"


def _withdrawn(data: Data) -> str:
    return f"to take back {_place(data)}, revision {data['revision']}: {data['reason']}"


def _published(data: Data) -> str:
    url = f": {data['url']}" if data.get("url") else ""
    return f"{_place(data)}, {lateness(data['lateness_ms'])}{url}"


def _retrying(data: Data) -> str:
    doubt = ", may be out already" if data.get("in_doubt") else ""
    return f"{_place(data)} at {data['next_attempt_at']}{doubt}: {_error(data)}"


def _failed(data: Data) -> str:
    return f"{_place(data)}: {_error(data)}"


def _error(data: Data) -> str:
    error = data.get("error") or {}
    return f"{error.get('message', '')} ({error.get('code', 'no code')})"


def _because(data: Data) -> str:
    return f"{_place(data)}: {data.get('reason')}"


def _account(data: Data) -> str:
    platform = f" on {data['platform']}" if data.get("platform") else ""
    return f"{data['account_id']}{platform}"


def _account_failed(data: Data) -> str:
    return f"{_account(data)}: {_error(data)}"


def _ticked(data: Data) -> str:
    missed = f", {data['missed']} before it missed" if data.get("missed") else ""
    return f"{data['timer']}{' by hand' if data.get('manual') else missed}"


def _job(data: Data) -> str:
    took = f" after {data['duration_ms']:.0f} ms" if data.get("duration_ms") is not None else ""
    why = data.get("error") or data.get("reason")
    return f"{data['job']}{took}{f': {why}' if why else ''}"


def _mention(data: Data) -> str:
    return f"{', '.join(data['keywords'])} in r/{data['subreddit']} for {data['workspace_id']}: {data['url']}"


def _checked(data: Data) -> str:
    failed = f", {len(data['failed'])} not in full" if data["failed"] else ""
    return f"{data['checked']} workspaces, {data['found']} mentions{failed}"


def _parked(data: Data) -> str:
    again = f", after {data['replays']} replays" if data.get("replays") else ""
    return f"{data['message_type']} in {data['service']}{again}: {data['reason']}"


def _letters(data: Data) -> str:
    return f"{data['count']} dead letters of {data['service']}"


def _anything(data: Data) -> str:
    return " ".join(f"{name}={value}" for name, value in data.items() if not isinstance(value, list | dict))


_STYLES: Mapping[str, Style] = {
    "schedule.requested": Style("asked", "cyan", _asked),
    "schedule.batch_requested": Style("asked", "cyan", lambda data: f"batch {data['batch_id']}"),
    "schedule.cancel_requested": Style("asked", "cyan", lambda data: f"to cancel {data['post_id']}"),
    "schedule.accepted": Style("accepted", "blue", _accepted, "publish_at"),
    "schedule.rejected": Style("rejected", "red", _rejected),
    "schedule.batch_settled": Style("settled", "blue", _settled),
    "schedule.cancelled": Style("cancelled", "yellow", _because),
    "schedule.superseded": Style("superseded", "yellow", _superseded),
    "publish.withdraw_requested": Style("asked", "dim", _withdrawn),
    "publish.requested": Style(
        "released", "magenta", lambda data: f"{_place(data)}, due {data['publish_at']}", "publish_at"
    ),
    "publish.retrying": Style("retrying", "yellow", _retrying, "next_attempt_at"),
    "publish.succeeded": Style("published", "bold green", _published),
    "publish.failed": Style("failed", "bold red", _failed),
    "publish.unknown": Style("unknown", "bold yellow", _failed),
    "publish.skipped": Style("skipped", "yellow", _because),
    "publish.held": Style("held", "yellow", _because),
    "account.connect_requested": Style("asked", "cyan", lambda data: f"to connect {_account(data)}"),
    "account.disconnect_requested": Style("asked", "cyan", lambda data: f"to disconnect {_account(data)}"),
    "account.connected": Style("connected", "green", _account),
    "account.connect_failed": Style("no access", "bold red", _account_failed),
    "account.disconnected": Style("disconnected", "yellow", _account),
    "account.disconnect_failed": Style("kept", "yellow", _account_failed),
    "account.refreshed": Style("refreshed", "green", _account),
    "keys.rotate_requested": Style("asked", "cyan", lambda _: "to encrypt secrets with the first key"),
    "keys.rotated": Style("rotated", "green", lambda data: f"{data['rotated']} secrets of {data['service']}"),
    "account.refresh_failed": Style("not renewed", "bold red", _account_failed),
    "workspace.accepted": Style("watching", "green", lambda data: f"{data['workspace_id']}"),
    "workspace.rejected": Style("rejected", "red", lambda data: f"{data['workspace_id']}: {data['reason']}"),
    "mention.found": Style("found", "green", _mention),
    "digest.sent": Style("digest", "green", lambda data: f"{data['mentions']} mentions for {data['workspace_id']}"),
    "monitor.completed": Style("checked", "dim", _checked),
    "timer.fired": Style("ticked", "cyan", _ticked),
    "job.started": Style("job begun", "dim", _job),
    "job.succeeded": Style("job done", "green", _job),
    "job.failed": Style("job failed", "bold red", _job),
    "job.released": Style("job released", "yellow", _job),
    "job.skipped": Style("job skipped", "yellow", _job),
    "dead_letter.replay_requested": Style("asked", "cyan", lambda data: f"to replay dead letters of {data['service']}"),
    "dead_letter.drop_requested": Style("asked", "cyan", lambda data: f"to drop dead letters of {data['service']}"),
    "dead_letter.parked": Style("parked", "bold red", _parked),
    "dead_letter.replayed": Style("replayed", "green", _letters),
    "dead_letter.dropped": Style("dropped", "yellow", _letters),
    "alert.raised": Style("alert", "bold red", lambda data: f"{data['severity']}: {data['message']}"),
}
