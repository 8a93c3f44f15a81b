"""Each target gets an alert once, however often another one refuses it."""

import pytest

from services.maintenance.notifying import MOST_ATTEMPTS, Notifying
from shared.events.maintenance import AlertRaised
from shared.messaging.envelope import Delivery
from shared.messaging.verdict import Park, TryAgain
from shared.outbound.notify import Message, NotSent
from tests.integration.maintenance.conftest import Replica

GOOD, BAD = "json://good/", "json://hush-hush@bad/"
ALERT = Delivery(AlertRaised(severity="info", code="c", message="m", subject="s"), "m-1", "c-1")


class Targets:
    """Takes messages, except at those that are down."""

    def __init__(self, *down: str) -> None:
        self.down = set(down)
        self.got: list[str] = []

    async def send(self, url: str, message: Message) -> None:
        if url in self.down:
            raise NotSent("json: the target did not take the message")
        self.got.append(url)


async def test_a_target_that_refuses_is_tried_again_without_the_others(replica: Replica) -> None:
    targets = Targets(BAD)
    notifying = Notifying(replica.store, targets, [GOOD, BAD, GOOD], replica.clock)
    with pytest.raises(TryAgain):
        await notifying.on_alert_raised(ALERT)
    targets.down.clear()

    await notifying.on_alert_raised(ALERT)
    await notifying.on_alert_raised(ALERT)

    assert targets.got == [GOOD, BAD]


async def test_a_target_that_never_takes_it_is_given_up(replica: Replica) -> None:
    notifying = Notifying(replica.store, Targets(BAD), [GOOD, BAD], replica.clock)
    for _ in range(MOST_ATTEMPTS - 1):
        with pytest.raises(TryAgain):
            await notifying.on_alert_raised(ALERT)

    with pytest.raises(Park) as given_up:
        await notifying.on_alert_raised(ALERT)

    assert "hush-hush" not in given_up.value.reason
