"""The last look before a send knows the withdrawals of a moment ago, and no others."""

import asyncio

import pytest

from services.publisher.sending.withdrawals import REMEMBERED_SECONDS, Withdrawals
from tests.support.publications import a_publication

KEY = ("post", "account")
LONG = REMEMBERED_SECONDS + 1


@pytest.fixture
async def later(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What is put into it passes."""
    loop, passed = asyncio.get_running_loop(), list[float]()
    began = loop.time()
    monkeypatch.setattr(loop, "time", lambda: began + sum(passed))
    return passed


async def test_revisions_up_to_the_highest_that_was_withdrawn_must_not_be_sent(later: list[float]) -> None:
    withdrawals = Withdrawals()
    withdrawals.note(KEY, 2, "superseded")
    withdrawals.note(KEY, 1, "cancelled")

    told = [withdrawals.reason(a_publication(revision=revision)) for revision in (1, 2, 3)]

    assert told == ["superseded", "superseded", None]
    assert withdrawals.reason(a_publication(post_id="another")) is None


async def test_a_post_whose_id_was_used_long_ago_is_not_stopped_by_what_was_withdrawn_then(later: list[float]) -> None:
    """When all that was kept of it has been deleted, its revisions begin anew."""
    withdrawals = Withdrawals()
    withdrawals.note(KEY, 5, "cancelled")
    later.append(LONG)

    assert withdrawals.reason(a_publication(revision=1)) is None


async def test_a_withdrawal_counts_though_a_higher_revision_was_withdrawn_long_ago(later: list[float]) -> None:
    withdrawals = Withdrawals()
    withdrawals.note(KEY, 5, "cancelled")
    later.append(LONG)
    withdrawals.note(KEY, 1, "superseded")

    assert withdrawals.reason(a_publication(revision=1)) == "superseded"


async def test_one_that_comes_again_counts_from_then_on(later: list[float]) -> None:
    withdrawals = Withdrawals()
    for _ in range(3):
        withdrawals.note(KEY, 1, "cancelled")
        later.append(REMEMBERED_SECONDS * 0.6)

    assert withdrawals.reason(a_publication(revision=1)) == "cancelled"
