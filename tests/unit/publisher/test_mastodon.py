"""What servers with Mastodon's API say of themselves and of statuses, and options that cannot work."""

from typing import Any

import pytest

from services.publisher.platforms.base import Published
from services.publisher.platforms.errors import Rejected
from services.publisher.platforms.mastodon import checked_options, published_as
from services.publisher.platforms.mastodon_instance import rules_of

V2 = {
    "configuration": {
        "statuses": {"max_characters": 5000, "max_media_attachments": 6, "characters_reserved_per_url": 25},
        "media_attachments": {"image_size_limit": 16_777_216, "description_limit": 2000},
    }
}


def test_a_servers_own_limits_are_its_rules() -> None:
    rules = rules_of(V2)

    assert rules.text is not None
    assert rules.media is not None
    assert rules.media.alt is not None
    assert (rules.text.most, rules.text.link_length, rules.text.short_mentions) == (5000, 25, True)
    assert (rules.media.most, rules.media.most_bytes, rules.media.alt.most) == (6, 16_777_216, 2000)


@pytest.mark.parametrize(
    ("instance", "most"),
    [
        ({}, 500),
        ({"max_toot_chars": 3000}, 3000),
        ({"configuration": {"statuses": {"max_characters": "many"}}}, 500),
        ({"configuration": None}, 500),
        ({"configuration": {"statuses": {"max_characters": -1}}}, 500),
    ],
)
def test_a_server_that_says_nothing_has_mastodons_limits(instance: dict[str, Any], most: int) -> None:
    rules = rules_of(instance)

    assert rules.text is not None
    assert (rules.text.most, rules.text.link_length) == (most, 23)


@pytest.mark.parametrize(
    ("status", "published"),
    [
        ({"id": "110", "url": "https://a.example/@b/110"}, Published("110", "https://a.example/@b/110")),
        (
            {"id": "AsVEXxsyxkBREBLMrI", "url": None, "uri": "https://a.example/o/1"},
            Published("AsVEXxsyxkBREBLMrI", "https://a.example/o/1"),
        ),
        ({"id": "01H0ZZ"}, Published("01H0ZZ", None)),
        ({"id": 7}, Published("7", None)),
        ({"url": "https://a.example"}, None),
    ],
)
def test_ids_may_be_anything_and_an_address_may_be_missing(status: dict[str, Any], published: Published | None) -> None:
    assert published_as(status) == published


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"visibility": "everybody"}, "options.visibility: 'everybody' is none of public"),
        ({"sensitive": "yes"}, "options.sensitive: 'yes' is neither"),
        ({"spoiler_text": 7}, "options.spoiler_text: 7 is no text"),
        ({"poll": {}}, "options.poll: is not known"),
    ],
)
def test_an_option_that_cannot_work_is_named(options: dict[str, Any], reason: str) -> None:
    with pytest.raises(Rejected, match=reason):
        checked_options(options)


def test_options_that_are_not_set_are_left_out() -> None:
    assert checked_options({"visibility": None, "language": "de"}) == {"language": "de"}
