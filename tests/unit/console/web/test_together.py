"""What a post says on all of its accounts on which it is still to come."""

from datetime import UTC, datetime
from typing import Any

from services.console.api.views import PostView
from services.console.web.together import MOST, Together, together
from shared.events.progress import State

NOON = datetime(2027, 1, 1, 12, tzinfo=UTC)


def view(account_id: str, **differs: Any) -> PostView:
    usual = dict.fromkeys(PostView.model_fields) | {
        "post_id": "p", "account_id": account_id, "state": State.SCHEDULED, "revision": 1, "publish_at": NOON,
        "content": "Noon", "media": [], "options": {}, "attempts": 0, "in_doubt": False, "updated_at": NOON,
    }  # fmt: skip
    return PostView.model_validate(usual | differs)


def test_what_is_the_same_everywhere_is_told_and_what_differs_is_left_empty() -> None:
    found = together([view("a"), view("b", content="Other", revision=3), view("c", publish_at=NOON)])

    assert found == Together(["a", "b", "c"], "", [], NOON, 3)


def test_only_accounts_on_which_it_is_to_come_are_meant() -> None:
    found = together([view("a"), view("b"), view("out", state=State.PUBLISHED, content="Out")])

    assert found
    assert (found.account_ids, found.content) == (["a", "b"], "Noon")


def test_one_account_and_very_many_are_not_changed_together() -> None:
    assert together([view("a")]) is None
    assert together([view(str(number)) for number in range(MOST + 1)]) is None
