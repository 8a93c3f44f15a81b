"""Whoever schedules a post learns at once that its network can never take it, and what else is near it."""

from datetime import datetime
from pathlib import Path
from typing import Any

from tests.integration.console.conftest import Api, api_of
from tests.nodes import Broker
from tests.support.system import in_seconds, running_system
from tests.support.waiting import eventually

RULES = {"text": {"most": 20, "counted_in": "graphemes"}}


def a_post(post_id: str, content: str, due_at: datetime) -> dict[str, Any]:
    """A post for the account with rules."""
    target = {"account_id": "strict"}
    return {"post_id": post_id, "content": content, "publish_at": due_at.isoformat(), "targets": [target]}


async def test_a_post_that_can_never_be_published_is_refused_over_http_with_the_reason(
    broker_node: Broker, tmp_path: Path
) -> None:
    due_at, env = in_seconds(3600), {"TIMEBALL_SCHEDULER_CROWDED_MINUTE": "1"}
    async with running_system(tmp_path, broker_node, "scheduler", "publisher", "console", env=env) as running:
        *_, console = running.processes
        async with api_of(console, running) as api:
            await running.connect("strict", rules=RULES)
            await eventually(lambda: _is_known(api), what="the scheduler knows the account")

            status, error = await api.refused("POST", "/v1/posts", a_post("long", "👩‍👩‍👧‍👦" * 21, due_at))
            fitting = await api.call("POST", "/v1/posts", a_post("fits", "👩‍👩‍👧‍👦" * 20, due_at))
            again = await api.call("POST", "/v1/posts", a_post("again", "👩‍👩‍👧‍👦" * 20, due_at))

    assert (status, error["code"]) == (400, "content_too_long")
    assert error["detail"] == (
        "content: the text has 21 characters as readers see them, and at most 20 are possible; shorten it"
    )
    assert [one["warning"] for one in fitting["accepted"]] == [None]
    assert [one["warning"] for one in again["accepted"]] == ["duplicate_text, crowded_minute"]


async def _is_known(api: Api) -> bool:
    """A post that is changed again and again is nobody's neighbour but its own."""
    probe = await api.call("POST", "/v1/posts", a_post("probe", "Hello", in_seconds(86400)))
    return bool(probe["accepted"][0]["warning"] is None)
