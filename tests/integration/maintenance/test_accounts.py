"""Tokens are refreshed ahead of their end, as far as account events tell of it."""

from datetime import timedelta
from typing import Any

from shared.events import Event
from shared.events.base import ErrorDetail
from shared.events.publisher import AccountConnected, AccountDisconnected, AccountRefreshed, AccountRefreshFailed
from tests.integration.maintenance.conftest import NOW, Replica, delivery

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)


def connected(**more: Any) -> AccountConnected:
    return AccountConnected.model_validate(
        {"account_id": "a", "platform": "x", "changed_at": NOW, "can_refresh": True} | more
    )


def failed(*, needs_reconnect: bool = False, after: timedelta = MINUTE) -> AccountRefreshFailed:
    error = ErrorDetail(kind="transient", code="not_renewed", message="no answer")
    return AccountRefreshFailed(
        account_id="a", platform="x", error=error, needs_reconnect=needs_reconnect, changed_at=NOW + after
    )


async def hear(replica: Replica, *facts: Event) -> None:
    for fact in facts:
        await replica.handlers.on_account_fact(delivery(fact))


async def asked(replica: Replica) -> int:
    """How many refreshes the check asks for."""
    before = len(await replica.told("account.refresh_requested"))
    await replica.timers.ask_for_refreshes()
    return len(await replica.told("account.refresh_requested")) - before


async def test_a_refresh_is_asked_for_half_an_hour_ahead(replica: Replica) -> None:
    await hear(replica, connected(token_expires_at=NOW + 31 * MINUTE))
    too_early = await asked(replica)
    replica.clock.advance(MINUTE)

    await replica.fire("token.refresh_check")

    assert too_early == 0
    assert [event.account_id for event in await replica.told("account.refresh_requested")] == ["a"]
    assert [event.job for event in await replica.told("job.succeeded")] == ["token.refresh_check"]


async def test_a_refresh_that_is_pending_is_not_asked_for_again(replica: Replica) -> None:
    await hear(replica, connected(token_expires_at=NOW + MINUTE))

    first, second = await asked(replica), await asked(replica)
    replica.clock.advance(timedelta(minutes=15))
    unanswered = await asked(replica)

    assert (first, second, unanswered) == (1, 0, 1)


async def test_a_failure_that_passes_is_tried_again_and_one_that_stays_is_not(replica: Replica) -> None:
    await hear(replica, connected(token_expires_at=NOW + MINUTE))
    first = await asked(replica)
    await hear(replica, failed())
    after_a_failure = await asked(replica)
    await hear(replica, failed(needs_reconnect=True, after=2 * MINUTE))

    after_a_refusal = await asked(replica)

    assert (first, after_a_failure, after_a_refusal) == (1, 1, 0)


async def test_a_refreshed_token_is_good_until_its_new_end(replica: Replica) -> None:
    refreshed = AccountRefreshed(
        account_id="a", platform="x", token_expires_at=NOW + 2 * timedelta(hours=1), changed_at=NOW + MINUTE
    )
    await hear(replica, connected(token_expires_at=NOW + MINUTE), refreshed)

    assert await asked(replica) == 0
    replica.clock.advance(timedelta(minutes=91))
    assert await asked(replica) == 1


async def test_older_news_does_not_undo_newer(replica: Replica) -> None:
    gone = AccountDisconnected(account_id="a", platform="x", changed_at=NOW + MINUTE)

    await hear(replica, gone, connected(token_expires_at=NOW + MINUTE))

    assert await asked(replica) == 0


async def test_a_clock_that_was_ahead_does_not_outdo_what_is_told_once_it_is_right(replica: Replica) -> None:
    await hear(replica, connected(token_expires_at=NOW + MINUTE, changed_at=NOW + timedelta(hours=1)))
    replica.clock.advance(MINUTE)
    later = NOW + timedelta(hours=9)
    await hear(replica, AccountRefreshed(account_id="a", platform="x", token_expires_at=later, changed_at=NOW + MINUTE))

    assert await asked(replica) == 0


async def test_an_account_that_cannot_refresh_is_not_asked_to(replica: Replica) -> None:
    end = NOW + MINUTE
    unmoved = AccountRefreshed(account_id="b", platform="x", token_expires_at=end, changed_at=NOW + MINUTE)
    known = connected(token_expires_at=end, can_refresh=False)
    await hear(replica, known, connected(account_id="b", token_expires_at=end, can_refresh=None))
    first = await asked(replica)
    await hear(replica, unmoved)

    assert (first, await asked(replica)) == (1, 0)


async def test_a_refresh_that_is_told_twice_is_no_end_that_no_refresh_moves(replica: Replica) -> None:
    """The broker delivers it again, or the publisher tells how an account is that nobody asked about."""
    await hear(replica, connected(token_expires_at=NOW + MINUTE))
    await replica.fire("token.refresh_check")
    renewed = AccountRefreshed(account_id="a", platform="x", token_expires_at=NOW + 60 * MINUTE, changed_at=NOW)
    await hear(replica, renewed, renewed, renewed.model_copy(update={"changed_at": NOW + MINUTE}))

    told = await replica.look()
    replica.clock.advance(40 * MINUTE)

    assert told == []
    assert await asked(replica) == 1


async def test_a_token_that_nobody_renews_is_told_until_it_is_renewed(replica: Replica) -> None:
    """The answers never come, or only that it failed for now."""
    await hear(replica, connected(token_expires_at=NOW + 30 * MINUTE))
    await replica.fire("token.refresh_check")

    told = [[alert.code for alert in await replica.look(MINUTE)] for _ in range(115)]
    at = replica.clock.now()
    later = at + timedelta(hours=2)
    await hear(replica, AccountRefreshed(account_id="a", platform="x", token_expires_at=later, changed_at=at))
    over = [alert.state for _ in range(4) for alert in await replica.look(MINUTE)]

    assert [minute for minute, codes in enumerate(told, start=1) if codes] == [30 + 60 + 20]
    assert told[109] == ["account_not_renewed"]
    assert over == ["resolved"]


async def test_an_end_that_no_refresh_moves_is_told_14_7_and_1_days_before_each_once(replica: Replica) -> None:
    await hear(replica, connected(token_expires_at=NOW + DAY, refresh_expires_at=NOW + 20 * DAY))

    told = {day: [alert.code for alert in await replica.look(DAY)] for day in range(1, 20)}

    assert {day: codes for day, codes in told.items() if codes} == {
        6: ["account_access_ends"],
        13: ["account_access_ends"],
        19: ["account_access_ends"],
    }
    messages = [alert.message for alert in await replica.told("alert.raised")]
    assert "ends on 2027-04-17 (within 14 days)" in messages[0]
    assert "within 1 day)" in messages[-1]


async def test_access_that_has_ended_needs_a_person_until_it_is_connected_again(replica: Replica) -> None:
    await hear(replica, connected(token_expires_at=NOW + MINUTE, can_refresh=False))
    before = await replica.look(timedelta(0))
    ended = await replica.look(MINUTE)
    await hear(replica, connected(token_expires_at=NOW + 60 * DAY, can_refresh=False, changed_at=NOW + 2 * MINUTE))

    over = [*await replica.look(), *await replica.look(timedelta(minutes=2))]

    assert [(alert.code, alert.severity) for alert in before] == [("account_access_ends", "critical")]
    assert [(alert.code, alert.severity) for alert in ended] == [("account_needs_reconnect", "critical")]
    assert {(alert.code, alert.state, alert.severity) for alert in over} == {
        ("account_access_ends", "resolved", "info"),
        ("account_needs_reconnect", "resolved", "info"),
    }


async def test_what_only_the_connection_tells_is_known_though_a_renewal_came_first(replica: Replica) -> None:
    renewed = AccountRefreshed(account_id="a", platform="x", token_expires_at=NOW + MINUTE, changed_at=NOW + MINUTE)
    ends_at = NOW + 7 * DAY

    await hear(replica, renewed, connected(can_refresh=False, token_expires_at=NOW, refresh_expires_at=ends_at))

    async with replica.store.unit() as unit:
        account = await unit.account_to_change("a")
    assert account is not None
    assert (account.can_refresh, account.token_expires_at) == (False, NOW + MINUTE)
    assert (account.refresh_expires_at, account.changed_at) == (ends_at, NOW + MINUTE)
    assert await asked(replica) == 0


async def test_a_renewal_that_comes_before_its_connection_says_no_more_once_that_is_over(replica: Replica) -> None:
    gone = AccountDisconnected(account_id="a", platform="x", changed_at=NOW + 2 * MINUTE)
    renewed = AccountRefreshed(account_id="a", platform="x", token_expires_at=NOW + MINUTE, changed_at=NOW + MINUTE)

    await hear(replica, renewed, gone, connected(token_expires_at=NOW))

    assert await asked(replica) == 0
