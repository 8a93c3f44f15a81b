"""A workspace that is removed while somebody configures it: what the monitor says is the answer."""

from collections.abc import Sequence
from typing import Any

import pytest

from services.console.requests.sender import Answers
from shared.events import Event
from shared.events.monitor import WorkspaceAccepted, WorkspaceRejected
from shared.secrets.sealing import SealingKey
from tests.integration.console.consoles import ADMIN_TOKEN, NOW, Replica

WATCH = {"subreddits": ["sailing"], "keywords": [{"phrase": "time ball"}]}
REMOVED = WorkspaceRejected(workspace_id="w", reason="it was removed since this was asked for")


class Sender:
    """Answers with these facts; the console knows no workspace by then."""

    def __init__(self, *facts: Event) -> None:
        self._facts: Sequence[Event] = facts

    async def send_and_wait(self, *_: Any) -> Answers:
        return Answers("c", NOW, self._facts, is_complete=bool(self._facts))


@pytest.mark.parametrize(
    ("facts", "status", "says"),
    [
        ([REMOVED], 400, "it was removed since this was asked for"),
        ([WorkspaceAccepted(workspace_id="w")], 409, "was removed meanwhile"),
        ([], 409, "was removed meanwhile"),
    ],
)
async def test_it_is_told_and_no_error_of_the_console(
    replica: Replica, facts: list[Event], status: int, says: str
) -> None:
    vars(replica.console)["requests"] = Sender(*facts)

    async with replica.client(ADMIN_TOKEN) as http:
        answer = await http.put("/v1/workspaces/w", json=WATCH)

    assert answer.status_code == status
    assert says in answer.json()["detail"]


async def test_what_is_wrong_is_named_as_whoever_asked_has_written_it(replica: Replica) -> None:
    rejected = WorkspaceRejected(workspace_id="w", reason="sealed_notify[0]: no target")
    vars(replica.console)["requests"] = Sender(rejected)
    vars(replica.console)["public_keys"] = {"monitor": SealingKey.generate().public_key}

    async with replica.client(ADMIN_TOKEN) as http:
        answer = await http.put("/v1/workspaces/w", json=WATCH | {"notify_urls": ["json://h:0"]})

    assert (answer.json()["detail"], answer.json()["field"]) == ("notify_urls[0]: no target", "notify_urls[0]")
