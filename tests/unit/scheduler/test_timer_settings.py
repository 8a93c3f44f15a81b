"""TIMEBALL_TIMERS overrides, adds and switches off; what is wrong with it is said before anything starts."""

import re

import pytest
from pydantic import ValidationError

from services.scheduler.settings import Settings
from services.scheduler.timers.settings import DEFAULTS, timers_in
from services.scheduler.timers.timer import Timer

GIVE_A_CRON = "give minute, hour, day of the month, month and day of the week, such as '*/5 * * * *'"


def named(text: str) -> dict[str, Timer]:
    return {timer.name: timer for timer in timers_in(text)}


@pytest.mark.parametrize("text", ["", "  ", "{}"])
def test_without_a_word_the_defaults_hold_in_utc(text: str) -> None:
    assert named(text) == {name: Timer(name, cron, "UTC") for name, cron in DEFAULTS.items()}


def test_a_timer_is_overridden_added_or_moved_to_another_zone() -> None:
    timers = named(
        """{
        "monitor.check": "*/10  * * * *",
        "analytics.aggregate": {"zone": "Europe/Berlin"},
        "tea": {"cron": "0 16 * * MON-FRI", "zone": "Europe/London"}
        }"""
    )

    assert timers["monitor.check"] == Timer("monitor.check", "*/10 * * * *", "UTC")
    assert timers["analytics.aggregate"] == Timer("analytics.aggregate", "0 0 * * *", "Europe/Berlin")
    assert timers["tea"] == Timer("tea", "0 16 * * MON-FRI", "Europe/London")
    assert timers.keys() == DEFAULTS.keys() | {"tea"}


@pytest.mark.parametrize("off", ["null", '""', '"  "', '{"cron": null}'])
def test_a_timer_is_switched_off(off: str) -> None:
    assert named(f'{{"digest.send": {off}}}').keys() == DEFAULTS.keys() - {"digest.send"}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"tea": "0 16"}', f"tea: '0 16' is no cron expression (too few fields): {GIVE_A_CRON}"),
        ('{"tea": "61 * * * *"}', f"tea: '61 * * * *' is no cron expression (bad minute): {GIVE_A_CRON}"),
        ('{"tea": "0 0 30 2 *"}', f"tea: '0 0 30 2 *' is no cron expression (bad day-of-month): {GIVE_A_CRON}"),
        (
            '{"tea": "0 0 15W * *"}',
            "tea: '0 0 15W * *': the weekday nearest to a day (15W) is not supported",
        ),
        ('{"tea": "0 0 L-3 * *"}', "tea: '0 0 L-3 * *': days before the last (L-3) are not supported: give L for the"),
        ('{"tea": "0 0 * * L"}', "tea: '0 0 * * L': say of which day of the week the last is meant: 6L or SATL"),
        ('{"tea": "0 25-3 * * *"}', "tea: '0 25-3 * * *': 25-3 is no hour: they go from 0 to 23"),
        ('{"tea": "@reboot"}', f"tea: '@reboot' is no cron expression (too few fields): {GIVE_A_CRON}"),
        ('{"tea": "0 0 12 * * ? 2030"}', "tea: '0 0 12 * * ? 2030' is no cron expression (too many fields): give"),
        ('{"tea": 5}', 'tea: 5 is no cron expression: give a text such as "*/5 * * * *"'),
        ('{"tea": {"zone": "UTC"}}', 'tea: the cron expression is missing: give {"cron": "*/5 * * * *"}'),
        ('{"tea": {"cron": "* * * * *", "tz": "UTC"}}', "tea: 'tz' is unknown: give cron and zone"),
        (
            '{"tea": {"cron": "* * * * *", "zone": "Mars"}}',
            "tea: unknown time zone 'Mars': use an IANA name such as 'Europe/Berlin' or 'UTC'",
        ),
        ('{"a b": null}', "'a b' is no name of a timer: use 1 to 100 letters, digits and the signs _ . : -"),
        *(
            (
                f'{{"monitor.chek": {off}}}',
                "monitor.chek: no timer of this name can be switched off; there are monitor.check, digest.send, ",
            )
            for off in ("null", '""', '{"cron": null}')
        ),
        ("[1]", "[1] is no JSON object; give one such as {"),
        ("{", "no JSON (Expecting property name enclosed in double quotes"),
    ],
)
def test_what_is_wrong_is_named_with_the_way_out(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(reason)}"):
        timers_in(text)


def test_an_expression_that_never_comes_is_refused() -> None:
    with pytest.raises(ValueError, match="tea: '0 0 31 4 \\*' is no cron expression"):
        timers_in('{"tea": "0 0 31 4 *"}')


def test_the_environment_is_read_and_refused_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIMEBALL_BROKER_URL", "amqp://localhost")
    monkeypatch.delenv("TIMEBALL_TIMERS", raising=False)
    assert Settings().timers == timers_in("")

    monkeypatch.setenv("TIMEBALL_TIMERS", '{"tea": "0 16 * * *"}')
    assert Timer("tea", "0 16 * * *") in Settings().timers

    monkeypatch.setenv("TIMEBALL_TIMERS", '{"tea": "daily"}')
    with pytest.raises(ValidationError) as refused:
        Settings()

    (error,) = refused.value.errors()
    assert error["loc"] == ("TIMEBALL_TIMERS",)
    assert "tea: 'daily' is no cron expression" in error["msg"]
