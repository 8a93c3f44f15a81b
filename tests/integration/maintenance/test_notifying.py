"""Each target gets an alert once, however often another one refuses it."""

from dataclasses import replace
from datetime import timedelta

import pytest

from services.maintenance.alerting import RISEN_AFTER
from services.maintenance.domain import Alert
from services.maintenance.notifying import MOST_ATTEMPTS, Notifying
from shared.events.maintenance import AlertRaised
from shared.messaging.broker import QueueFigures
from shared.messaging.envelope import Delivery
from shared.messaging.verdict import Park, TryAgain
from shared.outbound.targets import Message, Outcome, Refused, Sent, Targets, Unconfirmed
from tests.fakes.mail import Mailbox
from tests.integration.maintenance.conftest import NOW, Replica

GOOD, BAD = "json://good/", "json://hush-hush@bad/"
BUSY = Refused("the target answered 503")
ALERT = Delivery(AlertRaised(severity="info", code="c", message="m", subject="s"), "m-1", "c-1")


class FakeTargets:
    """Takes messages, except at those that are down."""

    def __init__(self, *down: str, answer: Outcome = BUSY) -> None:
        self.down = set(down)
        self.answer = answer
        self.got: list[str] = []
        self.titles: list[str] = []
        self.bodies: list[str] = []

    async def tell(self, url: str, message: Message) -> Outcome:
        if url in self.down:
            return self.answer
        self.got.append(url)
        self.titles.append(message.title)
        self.bodies.append(message.body)
        return Sent()


@pytest.fixture(autouse=True)
async def alert_is_open(replica: Replica) -> None:
    """ALERT was raised and is not over."""
    async with replica.store.unit() as unit:
        await unit.save_alerts([Alert("c", "s", "info", "m", 0, seen_at=NOW, told_at=NOW)], [])


async def test_a_target_that_refuses_is_tried_again_without_the_others(replica: Replica) -> None:
    targets = FakeTargets(BAD)
    notifying = Notifying(replica.store, targets, [GOOD, BAD, GOOD], replica.clock, replica.now)
    with pytest.raises(TryAgain):
        await notifying.on_alert_raised(ALERT)
    targets.down.clear()

    await notifying.on_alert_raised(ALERT)
    await notifying.on_alert_raised(ALERT)

    assert targets.got == [GOOD, BAD]


async def test_a_target_that_never_takes_it_is_given_up(replica: Replica) -> None:
    notifying = Notifying(replica.store, FakeTargets(BAD), [GOOD, BAD], replica.clock, replica.now)
    for _ in range(MOST_ATTEMPTS - 1):
        with pytest.raises(TryAgain):
            await notifying.on_alert_raised(ALERT)

    with pytest.raises(Park) as given_up:
        await notifying.on_alert_raised(ALERT)

    assert "hush-hush" not in given_up.value.reason


async def refused_then_up(replica: Replica, alert: AlertRaised, message_id: str) -> tuple[Notifying, FakeTargets]:
    """A target refuses the alert, and is up again before the next attempt."""
    targets = FakeTargets(GOOD)
    notifying = Notifying(replica.store, targets, [GOOD], replica.clock, replica.now)
    with pytest.raises(TryAgain):
        await notifying.on_alert_raised(Delivery(alert, message_id, "c"))
    targets.down.clear()
    return notifying, targets


async def test_an_alert_that_is_over_before_a_target_takes_it_is_not_told_after_its_end(replica: Replica) -> None:
    await replica.report()
    replica.queues["publisher.dead"] = QueueFigures(1, 0)
    (raised,) = await replica.look()
    notifying, targets = await refused_then_up(replica, raised, "raised")
    replica.queues["publisher.dead"] = QueueFigures(0, 0)
    for _ in range(2):
        await replica.look()
    (resolved,) = [told for told in await replica.look(timedelta(minutes=2)) if told.code == raised.code]

    await notifying.on_alert_raised(Delivery(resolved, "resolved", "c"))
    await notifying.on_alert_raised(Delivery(raised, "raised", "c"))

    assert targets.titles == ["Timeball resolved: dead_letters (publisher)"]


async def test_an_alert_that_has_grown_worse_before_a_target_takes_it_is_told_as_it_is_now(replica: Replica) -> None:
    await replica.report()
    replica.queues["publisher.dead"] = QueueFigures(1, 0)
    (one,) = await replica.look()
    first = Delivery(one, "one", "c", sent_at=replica.clock.now())
    notifying, targets = await refused_then_up(replica, one, "one")
    replica.queues["publisher.dead"] = QueueFigures(2, 0)
    replica.clock.advance(RISEN_AFTER)
    await replica.report()
    two = next(alert for alert in await replica.look() if alert.code == "dead_letters")

    await notifying.on_alert_raised(Delivery(two, "two", "c", sent_at=replica.clock.now()))
    await notifying.on_alert_raised(first)

    assert [body[:34] for body in targets.bodies] == ["The queue publisher.dead holds 2 m"]


async def test_the_end_of_an_alert_is_not_told_after_it_has_been_raised_anew(replica: Replica) -> None:
    over = AlertRaised(severity="info", code="dead_letters", subject="publisher", message="over", state="resolved")
    notifying, targets = await refused_then_up(replica, over, "over")
    await replica.report()
    replica.queues["publisher.dead"] = QueueFigures(1, 0)
    (raised,) = await replica.look()

    await notifying.on_alert_raised(Delivery(raised, "raised", "c"))
    await notifying.on_alert_raised(Delivery(over, "over", "c"))

    assert targets.titles == ["Timeball warning: dead_letters (publisher)"]


async def test_an_alert_says_when_it_was_raised_and_not_when_it_is_told(replica: Replica) -> None:
    targets = FakeTargets()
    notifying = Notifying(replica.store, targets, [GOOD], replica.clock, replica.now)

    await notifying.on_alert_raised(replace(ALERT, sent_at=NOW - timedelta(minutes=40)))

    assert "2027-03-28 11:20 UTC" in targets.bodies[0]


async def test_an_alert_that_may_have_arrived_is_told_again(replica: Replica) -> None:
    targets = FakeTargets(BAD, answer=Unconfirmed("the target did not answer within 30 s"))
    notifying = Notifying(replica.store, targets, [BAD], replica.clock, replica.now)
    with pytest.raises(TryAgain):
        await notifying.on_alert_raised(ALERT)
    targets.down.clear()

    await notifying.on_alert_raised(ALERT)

    assert targets.got == [BAD]


async def test_a_target_that_refuses_for_good_is_given_up_at_once(replica: Replica) -> None:
    targets = FakeTargets(BAD, answer=Refused("the target answered 404", for_good=True))
    notifying = Notifying(replica.store, targets, [BAD, GOOD], replica.clock, replica.now)

    with pytest.raises(Park, match="json"):
        await notifying.on_alert_raised(ALERT)

    assert targets.got == [GOOD]


async def test_an_operators_target_on_a_private_address_is_told_only_where_allowed(replica: Replica) -> None:
    async with Mailbox().serving() as mailbox:
        for allow in (False, True):
            targets = Targets(allow_private_addresses=allow)
            notifying = Notifying(replica.store, targets, [mailbox.url], replica.clock, replica.now)
            alert = replace(ALERT, message_id=f"allowed: {allow}")
            if allow:
                await notifying.on_alert_raised(alert)
            else:
                with pytest.raises(Park):
                    await notifying.on_alert_raised(alert)
            await targets.close()

    (mail,) = mailbox.mails
    assert mail["subject"] == "Timeball info: c (s)"
