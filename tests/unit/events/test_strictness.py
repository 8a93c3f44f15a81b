"""An event is what its schema says or it is refused, with a text that names the field, the value and the way out."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from shared.connections.paths import STEPS_IN_A_PATH
from shared.contract.examples import EXAMPLES
from shared.events import EVENTS, Event
from shared.events.base import MAX_OPTIONS_LENGTH, MAX_TEXT_LENGTH, MOST_COUNTED
from shared.events.explaining import explain
from shared.events.publisher import PublishSucceeded
from shared.events.requests import LocalTime, ScheduleRequested, Target, WorkspaceConfigured
from shared.events.scheduler import PublishRequested
from shared.events.trials import KeywordsTryRequested

NO_INSTANT = "an instant is RFC 3339 text with an offset, such as 2027-03-28T09:00:00+02:00"
POST: dict[str, Any] = {"post_id": "post-1", "content": "Hello", "targets": [{"account_id": "acct-1"}]}


def read(**changes: object) -> ScheduleRequested:
    return ScheduleRequested.model_validate_json(json.dumps(POST | changes))


def refusal(**changes: object) -> str:
    with pytest.raises(ValidationError) as refused:
        read(**changes)
    return explain(refused.value)


def options(value: object) -> dict[str, object]:
    return {"targets": [{"account_id": "acct-1", "options": value}]}


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"post_id": 5}, "post_id: Input should be a valid string (got 5)"),
        ({"post_id": ""}, "post_id: it must not be empty (got '')"),
        ({"post_id": "a\nb"}, r"post_id: leave out line breaks, tabs and other control characters (got 'a\nb')"),
        ({"post_id": "ab\n"}, r"post_id: leave out line breaks, tabs and other control characters (got 'ab\n')"),
        ({"post_id": "."}, "post_id: no address can name `.` and `..`; choose another one (got '.')"),
        ({"post_id": ".."}, "post_id: no address can name `.` and `..`; choose another one (got '..')"),
        ({"targets": [{"account_id": ".."}]}, "targets[0].account_id: no address can name `.` and `..`"),
        ({"post_id": "  "}, "post_id: nobody can see a name of blanks alone; choose another one (got '  ')"),
        ({"targets": [{"account_id": "\u2003"}]}, "targets[0].account_id: nobody can see a name of blanks alone"),
        ({"post_id": None}, "post_id: Input should be a valid string (got null)"),
        ({"content": None}, "content: Input should be a valid string (got null)"),
        ({"content": ["a"]}, "content: Input should be a valid string (got ['a'])"),
        ({"targets": []}, "targets: List should have at least 1 item, not 0 (got [])"),
        ({"targets": "acct-1"}, "targets: Input should be a valid array (got 'acct-1')"),
        ({"targets": [{}]}, "targets[0].account_id: this field is required"),
        ({"targets": [None]}, 'targets[0]: Input should be an object: write {"account_id": "…"} (got null)'),
        ({"media": ["https://x"]}, 'media[0]: Input should be an object: write {"url": "https://…"} (got '),
        (
            {"publish_at": "2027-03-28T09:00:00 02:00"},
            "publish_at: no such instant: its + has become a blank, as it does in an address: write %2B there (got ",
        ),
        (
            {"media": [{"url": "ftp://x"}]},
            "media[0].url: write an address without spaces that begins with http:// or https://",
        ),
        ({"media": [{"url": "https://x/a b"}]}, "media[0].url: write an address without spaces"),
        ({"media": [{"url": "https://x", "mime": 5}]}, "media[0].mime: Input should be a valid string (got 5)"),
        (
            {"media": [{"url": "https://x", "mime": "a b"}]},
            "media[0].mime: write a MIME type, such as image/jpeg (got 'a b')",
        ),
        ({"media": [{"url": "https://x"}] * 21}, "media: List should have at most 20 items, not 21 (got "),
        ({"callback_url": "javascript:alert(1)"}, "callback_url: write an address without spaces"),
        ({"callback_url": "http://["}, "callback_url: nobody can call this address: Invalid IPv6 URL"),
        (
            {"callback_url": "https://host:port/"},
            "callback_url: nobody can call this address: its port is none: give a number from 1 to 65535, or leave it",
        ),
        *(
            ({field: value}, f"{place}: nobody can call this address: its port is none")
            for port in ("0", "65536", "99999", "-1", "٣")
            for field, place, value in (
                ("callback_url", "callback_url", f"https://user:s3cret@example.org:{port}?a=b"),
                ("media", "media[0].url", [{"url": f"https://[::1]:{port}/a.png"}]),
            )
        ),
        ({"media": [{"url": "https:///a.png"}]}, "media[0].url: the address names no host"),
        ({"callback_url": "https:///path"}, "callback_url: the address names no host"),
        (
            {"late_policy": {"mode": "drop"}},
            "late_policy.mode: Input should be 'publish', 'skip' or 'hold' (got 'drop')",
        ),
        (
            {"late_policy": {"grace_seconds": -1}},
            "late_policy.grace_seconds: Input should be greater than or equal to 0",
        ),
        (
            {"late_policy": {"grace_seconds": float("nan")}},
            "late_policy.grace_seconds: Input should be a finite number",
        ),
        (
            {"late_policy": {"grace_seconds": "60"}},
            "late_policy.grace_seconds: Input should be a valid number (got '60')",
        ),
        *(
            ({"retry": {"attempts": attempts}}, f"retry.attempts: Input should be {bound}")
            for attempts, bound in ((0, "greater than or equal to 1"), (101, "less than or equal to 100"))
        ),
        (
            {"retry": {"first_delay_seconds": 0}},
            "retry.first_delay_seconds: Input should be greater than 0 (got 0)",
        ),
        (
            {"retry": {"first_delay_seconds": 20, "longest_delay_seconds": 10}},
            "retry: first_delay_seconds is more than longest_delay_seconds; raise the longest",
        ),
        ({"expected_revision": -1}, "expected_revision: Input should be greater than or equal to 0 (got -1)"),
        (
            {"expected_revision": 2**31},
            "expected_revision: no database counts beyond 2,147,483,647",
        ),
        (
            {"publish_at": "2027-03-28T02:30"},
            "publish_at: the instant has no offset; add one, such as +02:00 or Z (got '2027-03-28T02:30')",
        ),
        ({"publish_at": 1806200000}, f"publish_at: {NO_INSTANT} (got 1806200000)"),
        ({"publish_at": True}, f"publish_at: {NO_INSTANT} (got true)"),
        *(
            ({"publish_at": text}, f"publish_at: {NO_INSTANT} (got {text!r})")
            for text in ("tomorrow", "1806200000", "-1", "1806200000000.5", " 1806200000", "", "10000-01-01T00:00Z")
        ),
        ({"publish_at": "2027-03-28"}, f"publish_at: {NO_INSTANT} (got '2027-03-28')"),
        ({"publish_at": "2027-02-30T00:00Z"}, "publish_at: no such instant: day "),
        (
            {"publish_at": "9999-12-31T23:59:59-05:00"},
            "publish_at: the instant is outside the years 1 to 9999 in UTC (got '9999-12-31T23:59:59-05:00')",
        ),
        ({"publish_at": "0001-01-01T00:00:00+14:00"}, "publish_at: the instant is outside the years 1 to 9999 in UTC"),
        ({"publish_at": "2027-03-28T02:30+25:00"}, "publish_at: no such instant: its offset is a day or more; write"),
        ({"publish_at": "2027-03-28T02:30+2:00"}, "publish_at: no such instant: write it as 2027-03-28T09:00:00+02:00"),
        ({"publish_at": {"local": "2027-03-28T02:30"}}, "publish_at.zone: this field is required"),
        (
            {"publish_at": {"local": "2027-03-28 02:30", "zone": "UTC"}},
            "publish_at.local: write a time on the clock, such as 2027-03-28T09:00",
        ),
        (
            {"publish_at": {"local": "2027-03-28T02:30Z", "zone": "UTC"}},
            "publish_at.local: write a time on the clock, such as 2027-03-28T09:00",
        ),
        ({"publish_at": {"local": "2027-03-28T02:30", "zone": ""}}, "publish_at.zone: it must not be empty"),
    ],
)
def test_what_is_wrong_is_named_with_its_value(changes: dict[str, object], text: str) -> None:
    assert refusal(**changes).startswith(text)


@pytest.mark.parametrize("field", ["post_id", "content", "targets"])
def test_a_missing_field_is_named(field: str) -> None:
    with pytest.raises(ValidationError) as refused:
        ScheduleRequested.model_validate_json(json.dumps({name: part for name, part in POST.items() if name != field}))

    assert explain(refused.value) == f"{field}: this field is required"


def test_a_thousand_targets_are_read_and_one_more_is_refused() -> None:
    targets = [{"account_id": f"acct-{number}"} for number in range(1001)]

    assert len(read(targets=targets[:1000]).targets) == 1000
    assert refusal(targets=targets).startswith("targets: List should have at most 1000 items, not 1001 (got ")


def test_an_account_listed_twice_is_named() -> None:
    targets = [{"account_id": "acct-1"}, {"account_id": "acct-2"}, {"account_id": "acct-1", "content": "Other"}]

    assert refusal(targets=targets) == "targets[2].account_id: 'acct-1' is listed twice; name it once"


def test_texts_for_all_accounts_together_have_at_most_20_million_characters() -> None:
    text, accounts = "x" * MAX_TEXT_LENGTH, [{"account_id": f"acct-{number}"} for number in range(201)]
    brief = {"account_id": "acct-brief", "content": "Brief"}

    assert len(read(content=text, targets=accounts[:200]).targets) == 200
    assert refusal(content=text, targets=accounts).startswith("targets: 20,100,000 characters for all accounts are")
    assert refusal(content=text, targets=[*accounts[:200], brief]).startswith("targets: 20,000,005 characters for all")
    alt = [{"url": "https://example.org/a.png", "alt": text}]
    assert refusal(content="x", media=alt, targets=accounts).startswith("targets: 20,105,226 characters for all")


def test_an_identifier_has_at_most_200_characters() -> None:
    assert read(post_id="ü" * 200).post_id == "ü" * 200
    assert refusal(post_id="ü" * 201).startswith("post_id: at most 200 characters are possible (got 'üüü")


def test_a_text_has_at_most_100_000_characters() -> None:
    assert len(read(content="x" * MAX_TEXT_LENGTH).content) == MAX_TEXT_LENGTH
    assert refusal(content="x" * (MAX_TEXT_LENGTH + 1)).startswith("content: at most 100,000 characters are possible")


def test_a_text_with_nul_is_refused_as_no_database_stores_it() -> None:
    text = refusal(content="a\x00b")

    assert text.startswith("content: the text contains the character U+0000, which no database stores; remove it")


@pytest.mark.parametrize("value", [{"a": "x\x00"}, {"a\x00": 1}, {"a": [{"b": ["\x00"]}]}, {"a": {"\x00": {}}}])
def test_options_with_nul_are_refused(value: object) -> None:
    assert refusal(**options(value)).startswith("targets[0].options: it contains the character U+0000; remove it")


@pytest.mark.parametrize("value", [{"a": r"\x00"}, {"a": "nan"}, {"info": "Infinity"}, {"a": [None, {"b": None}]}])
def test_options_that_only_look_like_trouble_are_kept(value: dict[str, object]) -> None:
    assert read(**options(value)).targets[0].options == value


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
@pytest.mark.parametrize("place", ['{"a": %s}', '{"a": [{"b": %s}]}'])
def test_a_number_that_json_does_not_know_is_refused(number: str, place: str) -> None:
    body = '{"post_id": "p", "content": "c", "targets": [{"account_id": "a", "options": %s}]}' % (place % number)

    with pytest.raises(ValidationError) as refused:
        ScheduleRequested.model_validate_json(body)

    assert "remove it" in explain(refused.value)


def test_options_have_a_limit() -> None:
    room = MAX_OPTIONS_LENGTH - len(repr({"a": ""}))

    assert read(**options({"a": "x" * room}))
    assert refusal(**options({"a": "x" * (room + 1)})).startswith(
        "targets[0].options: it is longer than 20,000 characters in all; shorten it (got {'a': 'xxx"
    )


def test_a_long_value_is_shortened_with_its_length() -> None:
    text = refusal(post_id="x" * 5000)

    assert text.endswith("… (5,000 characters))")
    assert len(text) < 200


def test_of_many_problems_three_are_told() -> None:
    text = refusal(post_id=1, content=2, media=3, targets=4, callback_url=5)

    assert text.count(";") == 3
    assert text.endswith("; and 2 more")


def test_a_list_of_unreadable_items_is_not_called_empty_as_well() -> None:
    assert refusal(targets=[{"account_id": 1}]) == "targets[0].account_id: Input should be a valid string (got 1)"


@pytest.mark.parametrize("body", ["[]", "1", "null", '"text"'])
def test_what_is_no_object_is_refused(body: str) -> None:
    with pytest.raises(ValidationError) as refused:
        ScheduleRequested.model_validate_json(body)

    assert explain(refused.value) == "Input should be an object"


@pytest.mark.parametrize("event", EVENTS.values(), ids=list(EVENTS))
def test_no_event_is_ever_changed(event: type[Event]) -> None:
    assert event.model_config["frozen"]


@pytest.mark.parametrize("event", EVENTS.values(), ids=list(EVENTS))
def test_no_event_that_says_something_is_read_from_nothing(event: type[Event]) -> None:
    if not event.model_fields:
        event.model_validate_json(b"{}")
        return
    with pytest.raises(ValidationError):
        event.model_validate_json(b"{}")


@pytest.mark.parametrize("offset", ["Z", "+00:00", "-00:00"])
def test_instants_are_held_in_utc(offset: str) -> None:
    request = read(publish_at=f"2027-03-28T02:30:00{offset}")

    assert request.publish_at == datetime(2027, 3, 28, 2, 30, tzinfo=UTC)
    assert isinstance(request.publish_at, datetime)
    assert request.publish_at.tzinfo is UTC


def test_a_local_time_is_kept_as_it_was_said() -> None:
    request = read(publish_at={"local": "2027-03-28T02:30", "zone": "Europe/Berlin"})

    assert request.publish_at == LocalTime(local="2027-03-28T02:30", zone="Europe/Berlin")


def unbounded(event: type[Event]) -> list[str]:
    """The fields of an event that take any number."""
    parts = event.model_json_schema().get("properties", {})
    return [
        name
        for name, part in parts.items()
        if any(one.get("type") == "number" and "maximum" not in one for one in (part, *part.get("anyOf", ())))
    ]


@pytest.mark.parametrize("number", ["1e308", "-1e308", "1e400", "NaN"])
@pytest.mark.parametrize(
    ("event", "field"), [(event, field) for event in EVENTS.values() for field in unbounded(event)]
)
def test_a_time_that_no_clock_measures_is_refused(event: type[Event], field: str, number: str) -> None:
    body = json.dumps({**EXAMPLES[event.type], field: "…"}).replace('"\\u2026"', number)

    with pytest.raises(ValidationError) as refused:
        event.model_validate_json(body)

    assert explain(refused.value).startswith(
        (f"{field}: no clock measures beyond 10,000,000,000,000; give", f"{field}: Input should be a finite number")
    )


def test_a_figure_that_is_no_number_is_never_sent() -> None:
    with pytest.raises(ValidationError):
        PublishSucceeded(
            post_id="p",
            account_id="a",
            revision=1,
            platform="sandbox",
            published_at=datetime(2027, 1, 1, tzinfo=UTC),
            lateness_ms=float("nan"),
            attempts=1,
        )


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_characters="\x00", codec="utf-8"), max_size=20),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(st.text(st.characters(exclude_characters="\x00", codec="utf-8"), max_size=5), inner, max_size=4),
    max_leaves=10,
)  # fmt: skip
TEXT = st.text(st.characters(exclude_characters="\x00", codec="utf-8"), max_size=50)
ID = st.text(
    st.characters(exclude_categories=["Cs"], min_codepoint=0x20, exclude_characters="\x7f"), min_size=1, max_size=50
).filter(lambda identity: identity not in STEPS_IN_A_PATH)


@given(
    st.builds(
        PublishRequested,
        post_id=ID,
        account_id=ID,
        revision=st.integers(1, MOST_COUNTED),
        publish_at=st.datetimes(timezones=st.just(UTC)),
        content=TEXT,
        options=st.dictionaries(TEXT, JSON, max_size=3),
    )
)
def test_what_is_sent_is_read_as_it_was(event: PublishRequested) -> None:
    assert PublishRequested.model_validate_json(event.body()) == event


@given(ID, st.none() | TEXT, st.none() | st.datetimes(timezones=st.just(UTC)))
def test_a_target_is_read_as_it_was_written(account_id: str, content: str | None, at: datetime | None) -> None:
    target = Target(account_id=account_id, content=content, publish_at=at)

    assert Target.model_validate_json(target.model_dump_json(exclude_none=True)) == target


def test_the_reasons_against_countless_wrong_items_fit_in_a_line() -> None:
    given = {"workspace_id": "w", "monitoring_enabled": True, "subreddits": [7] * 100_000, "keywords": []}

    with pytest.raises(ValidationError) as refused:
        WorkspaceConfigured.model_validate_json(json.dumps(given))

    assert len(explain(refused.value)) < 1_000
    assert explain(refused.value).endswith("and 99997 more")


@pytest.mark.parametrize("event", [WorkspaceConfigured, KeywordsTryRequested])
@pytest.mark.parametrize("name", ["r/sailing", "/r/sailing", "R/Sailing"])
def test_a_subreddit_is_named_without_its_prefix(event: type[Event], name: str) -> None:
    given = {"workspace_id": "w", "monitoring_enabled": True, "subreddits": [name], "keywords": []}

    with pytest.raises(ValidationError) as refused:
        event.model_validate_json(json.dumps(given))

    assert explain(refused.value) == f"subreddits[0]: write the subreddit's name without `r/` (got {name!r})"
