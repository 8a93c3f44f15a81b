"""A condition is told once, again when it is worse or a day old, and told to be over when it has stayed away."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.maintenance.alerting import BLIND_AFTER, CALM, REMIND_AFTER, RISEN_AFTER, Key, judge
from services.maintenance.domain import Alert, Condition
from shared.events.maintenance import AlertRaised

NOW = datetime(2027, 3, 28, 12, 0, tzinfo=UTC)
STEP = timedelta(minutes=1)


def condition(code: str = "code", *, grade: int = 0, patience: timedelta = timedelta(0)) -> Condition:
    return Condition(code, "subject", "warning", f"grade {grade}", grade=grade, patience=patience)


def through(looks: list[list[Condition]], *, step: timedelta = STEP) -> list[list[AlertRaised]]:
    """What is told at each look, a minute apart."""
    known: dict[Key, Alert] = {}
    told = []
    for number, conditions in enumerate(looks):
        looked_at = NOW + step * (number - 1) if number else None
        verdict = judge(known, conditions, NOW + step * number, looked_at=looked_at)
        known = {alert.key: alert for alert in verdict.kept}
        told.append(verdict.told)
    return told


def test_what_passes_within_its_patience_is_never_told() -> None:
    brief = condition(patience=2 * STEP)

    assert through([[brief], [brief], [], [brief], [brief], []]) == [[]] * 6


def test_what_lasts_longer_than_its_patience_is_told_once() -> None:
    lasting = condition(patience=2 * STEP)

    assert [len(told) for told in through([[lasting]] * 6)] == [0, 0, 1, 0, 0, 0]


def test_what_people_are_told_begins_with_a_capital() -> None:
    looks = through([[condition()], *[[]] * 4])

    assert [alert.message for told in looks for alert in told] == ["Grade 0", "Over: Grade 0"]


def test_patience_begins_anew_after_a_time_in_which_nobody_looked() -> None:
    lasting = condition(patience=2 * STEP)

    assert [len(told) for told in through([[lasting]] * 4, step=BLIND_AFTER + STEP)] == [0, 0, 0, 0]
    assert [len(told) for told in through([[lasting]] * 2, step=BLIND_AFTER)] == [0, 1]


def test_what_was_told_is_not_told_again_because_nobody_looked_for_a_while() -> None:
    assert [len(told) for told in through([[condition()]] * 3, step=BLIND_AFTER + STEP)] == [1, 0, 0]


def test_what_grows_worse_is_told_again_and_what_gets_better_is_not() -> None:
    told = through([[condition(grade=grade)] for grade in (1, 1, 2, 1, 2, 3)], step=RISEN_AFTER)

    assert [alert.message for alerts in told for alert in alerts] == ["Grade 1", "Grade 2", "Grade 3"]


def test_each_time_it_is_told_it_is_said_since_when_it_is_so() -> None:
    looks = [[condition(grade=1)], [condition(grade=2)], [], [], [], [], [condition(grade=1)]]
    told = [alert for alerts in through(looks, step=RISEN_AFTER) for alert in alerts]

    assert [(alert.state, alert.since) for alert in told] == [
        ("raised", NOW), ("raised", NOW), ("resolved", NOW), ("raised", NOW + 6 * RISEN_AFTER),
    ]  # fmt: skip


def test_what_grows_fast_is_told_as_it_is_a_while_later() -> None:
    told = through([[condition(grade=grade)] for grade in range(1, RISEN_AFTER // STEP + 3)])

    assert [alert.message for alerts in told for alert in alerts] == ["Grade 1", f"Grade {RISEN_AFTER // STEP + 1}"]


def test_what_comes_and_goes_is_one_alert() -> None:
    told = through([[condition()], [], [condition()], [], [condition()]])

    assert sum(map(len, told)) == 1


@given(st.lists(st.sets(st.sampled_from("abc")), max_size=60))
def test_each_is_told_to_be_over_once_for_each_time_it_is_told(looks: list[set[str]]) -> None:
    calm: list[list[Condition]] = [[]] * (CALM // STEP + 2)
    alerts = through([[condition(code) for code in sorted(look)] for look in looks] + calm)
    told = [alert for told in alerts for alert in told]

    for code in "abc":
        states = [alert.state for alert in told if alert.code == code]
        assert states == ["raised", "resolved"] * (len(states) // 2)
    assert len(looks) * STEP < REMIND_AFTER


def test_a_clock_that_is_set_back_delays_nothing() -> None:
    """What was seen, or gone, under a clock that was ahead has been so since now at the latest."""
    lasting, ahead = condition(patience=2 * STEP), NOW + timedelta(hours=1)
    seen = judge({}, [lasting], ahead, looked_at=ahead - STEP)

    (known,), told = seen.kept, list[AlertRaised]()
    for number in range(4):
        verdict = judge({known.key: known}, [lasting], NOW + number * STEP, looked_at=NOW + (number - 1) * STEP)
        (known,), told = verdict.kept, [*told, *verdict.told]
    assert [alert.state for alert in told] == ["raised"]

    gone = judge({known.key: known}, [], ahead, looked_at=ahead - STEP)
    (known,) = gone.kept
    (known,) = judge({known.key: known}, [], NOW, looked_at=ahead).kept
    (over,) = judge({known.key: known}, [], NOW + CALM, looked_at=NOW).told
    assert (over.state, over.since) == ("resolved", NOW)


def test_since_when_it_is_so_stays_what_was_told_when_the_clock_is_set_back() -> None:
    """By that the console knows which one is over."""
    ahead = NOW + timedelta(hours=1)
    (known,) = judge({}, [condition()], ahead, looked_at=ahead - STEP).kept

    (known,) = judge({known.key: known}, [condition()], NOW, looked_at=ahead).kept
    assert known.seen_at == ahead
