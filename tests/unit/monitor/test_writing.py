"""Digests are cut into parts that fit, and never shortened without a word."""

import json
import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.monitor.domain import StoredMention
from services.monitor.writing import MOST_PARTS, SMALLEST, Digest, digest_messages, mention_message
from shared.outbound.targets import Form, Message

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
MAIL, CHAT, SHORT = Form(is_html=True, most=400_000), Form(is_html=False, most=1600), Form(is_html=False, most=120)


def a_mention(number: int, *keywords: str, title: str = "The time ball drops", excerpt: str = "") -> StoredMention:
    return StoredMention(
        workspace_id="team",
        item_id=f"t3_{number}",
        kind="post",
        subreddit="sailing",
        title=title,
        excerpt=excerpt,
        url=f"https://www.reddit.com/r/sailing/comments/{number}/",
        author="ann",
        phrases=json.dumps(keywords or ("time ball",)),
        created_at=NOON,
        found_at=NOON,
        day="2026-11-22",
    )


def a_digest(mentions: list[StoredMention], *, total: int | None = None) -> Digest:
    return Digest("team", "2026-11-22", mentions, len(mentions) if total is None else total)


def told_in(messages: list[Message]) -> list[str]:
    return [found for message in messages for found in re.findall(r"comments/(\d+)/", message.body)]


@pytest.mark.parametrize("form", [MAIL, CHAT, Form(is_html=False, most=26_000)])
@pytest.mark.parametrize("count", [1, 2, 150])
def test_every_mention_stands_in_one_part(form: Form, count: int) -> None:
    messages = digest_messages(a_digest([a_mention(number) for number in range(count)]), form)

    assert told_in(messages) == [str(number) for number in range(count)]
    assert all("more:" not in message.body for message in messages)


def test_a_mail_holds_hundreds_of_mentions() -> None:
    (mail,) = digest_messages(a_digest([a_mention(number) for number in range(1200)]), MAIL)

    assert mail.title.startswith("1,200 mentions up to 2026-11-22: time ball")
    assert len(set(told_in([mail]))) == 1200


def test_what_does_not_fit_is_counted_and_its_place_is_named() -> None:
    digest = a_digest([a_mention(number) for number in range(2000)], total=7000)

    messages = digest_messages(digest, CHAT)

    assert len(messages) == MOST_PARTS
    left_out = 7000 - len(told_in(messages))
    assert messages[-1].body.endswith(f"… and {left_out:,} more: timeball workspaces mentions team")
    assert [message.title.partition(":")[0] for message in messages[:2]] == [
        "7,000 mentions up to 2026-11-22, part 1 of 20",
        "7,000 mentions up to 2026-11-22, part 2 of 20",
    ]


def test_a_target_for_a_line_is_told_how_many_and_where() -> None:
    (message,) = digest_messages(a_digest([a_mention(number) for number in range(700)]), SHORT)

    assert message.title == "700 mentions up to 2026-11-22: time ball"
    assert message.body == "See them with: timeball workspaces mentions team"


def test_a_mention_of_several_keywords_stands_under_each_and_counts_once() -> None:
    (message,) = digest_messages(a_digest([a_mention(1, "ball", "time"), a_mention(2, "time")]), CHAT)

    assert message.title.startswith("2 mentions")
    assert "ball (1)" in message.body
    assert "time (2)" in message.body


texts = st.text(alphabet=st.sampled_from("ab <&\"'\n\x00é😀"), max_size=400)
keywords = st.sampled_from(["ball", "time <b>", "x" * 500])
forms = st.builds(Form, is_html=st.booleans(), most=st.integers(SMALLEST, 30_000))


@given(
    st.lists(st.tuples(texts, texts, st.sets(keywords, min_size=1)), min_size=1, max_size=40),
    forms,
    st.integers(0, 10_000),
)
def test_parts_fit_and_everything_is_told_or_counted(
    given_mentions: list[tuple[str, str, set[str]]], form: Form, unread: int
) -> None:
    mentions = [
        a_mention(number, *found, title=title, excerpt=excerpt)
        for number, (title, excerpt, found) in enumerate(given_mentions)
    ]

    messages = digest_messages(a_digest(mentions, total=len(mentions) + unread), form)

    counted = re.search(r"and ([\d,]+) more: timeball workspaces mentions team", messages[-1].body)
    left_out = int(counted[1].replace(",", "")) if counted else 0
    assert len(set(told_in(messages))) + left_out == len(mentions) + unread
    assert len(messages) <= MOST_PARTS
    assert all(len(message.title) + len(message.body) <= form.most for message in messages if _is_several(message))


def _is_several(message: Message) -> bool:
    """One mention that is longer than a message is left to the target's own splitting."""
    return len(told_in([message])) > 1


def test_one_mention_is_told_whole() -> None:
    message = mention_message(a_mention(1, excerpt="It drops at one."), CHAT)

    assert message.title == "time ball in r/sailing"
    assert message.body.endswith("comments/1/\n\nIt drops at one.")


@pytest.mark.parametrize(
    "call", ["@everyone", "@HERE", "@channel", "<!channel>", "<@U024BE7LH>", "<@&67890>", "<#C024>"]
)
def test_what_a_stranger_writes_calls_nobody(call: str) -> None:
    """Discord and Slack would call everybody in the channel that is told of it."""
    mention = a_mention(1, title=f"{call} the time ball", excerpt=f"Look, {call}")
    messages = [mention_message(mention, CHAT), *digest_messages(a_digest([mention]), CHAT)]

    assert all(call not in message.body for message in messages)
    assert all(call in message.body.replace("\u200b", "") for message in messages)


def test_an_address_and_a_heart_stay_as_they_are() -> None:
    mention = a_mention(1, title="ann@harbour.example <3 everyone")

    assert mention.title in mention_message(mention, CHAT).body
