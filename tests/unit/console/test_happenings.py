"""A post's timeline in words."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from services.console.web.happenings import told_in

NOW = datetime(2027, 3, 28, 12, tzinfo=UTC)


def said(event_type: str, **told: Any) -> tuple[str, str]:
    (one,) = told_in([{"type": event_type, "told": json.dumps(told), "seen_at": NOW}])
    return one.said, one.detail


@pytest.mark.parametrize(
    ("event_type", "told", "expected"),
    [
        ("schedule.accepted", {"revision": 1, "changed": True}, ("Accepted", "")),
        (
            "schedule.accepted",
            {"revision": 1, "changed": True, "warning": "duplicate_text, crowded_minute"},
            ("Accepted", "duplicate text, crowded minute"),
        ),
        ("schedule.accepted", {"revision": 3, "changed": True}, ("Changed: revision 3", "")),
        ("schedule.accepted", {"revision": 1, "changed": False}, ("Asked for again, nothing changed: revision 1", "")),
        ("schedule.superseded", {"revision": 1, "by": 2}, ("Revision 1 gave way to 2", "")),
        ("publish.skipped", {"revision": 1, "reason": "too_late"}, ("Skipped: too late", "")),
        (
            "publish.retrying",
            {
                "revision": 1,
                "attempt": 2,
                "in_doubt": True,
                "error": {"class": "x", "code": "reset", "message": "gone"},
            },
            ("Attempt 2 did not succeed, tried again later; it may be out already", "gone"),
        ),
        ("publish.resolve_requested", {"outcome": "not_published"}, ("Settled by hand: not out", "")),
        ("publish.resolve_requested", {"outcome": "ask_network"}, ("Asked of the network", "")),
        ("something.new", {}, ("something.new", "")),
    ],
)
def test_what_happened_is_said(event_type: str, told: dict[str, Any], expected: tuple[str, str]) -> None:
    assert said(event_type, **told) == expected


def test_a_publication_stands_at_its_own_instant() -> None:
    told = {"revision": 1, "published_at": "2027-03-28T11:59:59.500000Z", "lateness_ms": 0.4}
    (one,) = told_in([{"type": "publish.succeeded", "told": json.dumps(told), "seen_at": NOW}])

    assert (one.at.isoformat(), one.said) == ("2027-03-28T11:59:59.500000+00:00", "Published +0.4 ms")
