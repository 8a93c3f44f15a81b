"""What is said of timers and jobs, and what is left unsaid."""

from datetime import UTC, datetime
from typing import Any

import pytest

from services.console.cli.client import Happening
from services.console.cli.sentences import sentence
from services.console.cli.watching import tell_news

NOON = datetime(2027, 3, 28, 12, 0, tzinfo=UTC)


def happening(type_: str, **data: Any) -> Happening:
    return Happening(type_, "c", data, {})


@pytest.mark.parametrize(
    ("type_", "data", "said"),
    [
        ("timer.fired", {"timer": "digest.send", "missed": 0, "manual": False}, "ticked      digest.send"),
        ("timer.fired", {"timer": "digest.send", "missed": 3}, "ticked      digest.send, 3 before it missed"),
        ("timer.fired", {"timer": "digest.send", "missed": 0, "manual": True}, "ticked      digest.send by hand"),
        ("job.started", {"job": "digest.send"}, "job begun   digest.send"),
        ("job.succeeded", {"job": "digest.send", "duration_ms": 12.4}, "job done    digest.send after 12 ms"),
        (
            "job.failed",
            {"job": "digest.send", "duration_ms": 12.4, "error": "OSError: no"},
            "job failed  digest.send after 12 ms: OSError: no",
        ),
        ("job.skipped", {"job": "digest.send", "reason": "at work"}, "job skipped digest.send: at work"),
    ],
)
def test_timers_and_jobs_are_told_in_a_line(type_: str, data: dict[str, Any], said: str) -> None:
    assert sentence(happening(type_, **data), NOON).plain.endswith(f"  {said}")


@pytest.mark.parametrize(
    ("type_", "is_told"), [("timer.configured", False), ("service.reported", False), ("timer.fired", True)]
)
def test_what_services_only_repeat_is_left_unsaid(
    type_: str, is_told: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    tell_news(happening(type_, timer="digest.send"))

    assert bool(capsys.readouterr().out) is is_told
