"""What servers with Mastodon's API say of themselves and of statuses, and options that cannot work."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from services.publisher.media.limits import PictureLimits
from services.publisher.platforms.base import Post, Published
from services.publisher.platforms.errors import Rejected
from services.publisher.platforms.mastodon.options import OPTIONS
from services.publisher.platforms.mastodon.post import published_as, seen_as
from services.publisher.platforms.mastodon.rules import PICTURES, pictures_of, rules_of
from services.publisher.platforms.recognition import recognised
from shared.posting.rules import problem
from tests.support.publications import a_post

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
    ("media", "limits"),
    [
        ({}, PICTURES),
        ({"image_size_limit": 2_000_000}, replace(PICTURES, most_bytes=2_000_000)),
        ({"image_matrix_limit": 33_177_600}, replace(PICTURES, most_side=None, most_pixels=33_177_600)),
        (
            {"supported_mime_types": ["image/png", "image/heic", "video/mp4", "image/jpeg"]},
            replace(PICTURES, types=("image/jpeg", "image/png")),
        ),
        ({"supported_mime_types": "image/png", "image_size_limit": "large", "image_matrix_limit": 0}, PICTURES),
        ({"supported_mime_types": ["image/heic"]}, PICTURES),
    ],
)
def test_pictures_are_made_to_fit_what_the_server_says(media: dict[str, Any], limits: PictureLimits) -> None:
    assert pictures_of({"configuration": {"media_attachments": media}}) == limits


@pytest.mark.parametrize(
    "instance",
    [
        {},
        {"configuration": {"statuses": {"max_characters": "many"}}},
        {"configuration": None},
        {"configuration": {"statuses": {"max_characters": -1}}},
    ],
)
def test_a_server_that_says_nothing_refuses_no_text_ahead(instance: dict[str, Any]) -> None:
    assert rules_of(instance).text is None


def test_what_older_servers_say_at_the_top_counts() -> None:
    rules = rules_of({"max_toot_chars": 3000, "description_limit": 700})

    assert rules.text is not None
    assert rules.media is not None
    assert rules.media.alt is not None
    assert (rules.text.most, rules.text.link_length, rules.media.alt.most) == (3000, 23, 700)


@pytest.mark.parametrize(
    ("content", "media", "options"),
    [
        (" ", [], {}),
        ("Hi", [], {"poll": {}}),
        ("a" * 4800, [], {"spoiler_text": "b" * 201}),
        ("Hi", [{"url": "https://a.example/b", "mime": "video/mp4"}], {}),
    ],
)
def test_what_the_server_would_refuse_the_rules_refuse(
    content: str, media: list[dict[str, Any]], options: dict[str, Any]
) -> None:
    assert problem(rules_of(V2), content, media, options) is not None


def test_pixelfed_needs_a_picture() -> None:
    pixelfed = V2 | {"version": "3.5.3 (compatible; Pixelfed 0.12.5)"}

    assert problem(rules_of(pixelfed), "Hi", [], {}) is not None
    assert problem(rules_of(pixelfed), "Hi", [{"url": "https://a.example/b.png"}], {}) is None
    assert problem(rules_of(V2 | {"version": "4.5.0"}), "Hi", [], {}) is None


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
        ({"visibility": "everybody"}, "options.visibility: 'everybody' is not public"),
        ({"sensitive": "yes"}, "options.sensitive: 'yes' is not true or false"),
        ({"spoiler_text": 7}, "options.spoiler_text: 7 is not a text"),
        ({"poll": {}}, "options.poll: is not known"),
    ],
)
def test_an_option_that_cannot_work_is_named(options: dict[str, Any], reason: str) -> None:
    with pytest.raises(Rejected, match=reason):
        OPTIONS.checked(a_status(options))


def test_options_that_are_not_set_are_left_out() -> None:
    assert OPTIONS.checked(a_status({"visibility": None, "sensitive": "", "language": "de"})).options == {
        "language": "de"
    }


def test_a_flag_may_be_given_as_text() -> None:
    assert OPTIONS.checked(a_status({"sensitive": "false"})).options == {"sensitive": False}


def is_found(post: Post, status: dict[str, Any]) -> bool:
    return recognised([seen_as(status, post)], post.publish_at, is_all=True) is not None


PICTURE = {"url": "https://a.example/b.png", "alt": "A ball"}
MADE = {"created_at": "2100-01-01T00:00:00Z", "content": "<p>Hi</p>", "visibility": "public", "spoiler_text": ""}
SHOWN = [{"type": "image", "description": "A ball"}]


@pytest.mark.parametrize(
    ("media", "options", "status"),
    [
        ([PICTURE], {}, MADE),
        ([], {}, {**MADE, "media_attachments": SHOWN}),
        ([PICTURE], {}, {**MADE, "media_attachments": [{"description": "A flag"}]}),
        ([], {"spoiler_text": "Noon"}, MADE),
        ([], {}, {**MADE, "spoiler_text": "Noon"}),
        ([], {"visibility": "direct"}, MADE),
        ([], {"visibility": "private"}, {**MADE, "visibility": "unlisted"}),
        ([], {"visibility": "public"}, {**MADE, "visibility": "list"}),
    ],
)
def test_an_equal_text_alone_makes_no_status_the_post(
    media: list[dict[str, Any]], options: dict[str, Any], status: dict[str, Any]
) -> None:
    post = a_status(options, media)

    assert not is_found(post, status)


@pytest.mark.parametrize(
    ("media", "options", "status"),
    [
        ([PICTURE], {}, {**MADE, "media_attachments": SHOWN}),
        ([], {"spoiler_text": "Tea & cake"}, {**MADE, "spoiler_text": "Tea & cake"}),
        ([], {"visibility": "public"}, {**MADE, "visibility": "unlisted"}),
        ([], {"visibility": "public"}, {**MADE, "visibility": "private"}),
        ([], {"visibility": "unlisted"}, {**MADE, "visibility": "private"}),
    ],
)
def test_a_status_that_shows_all_of_it_is_the_post(
    media: list[dict[str, Any]], options: dict[str, Any], status: dict[str, Any]
) -> None:
    post = a_status(options, media)

    assert is_found(post, status)


def a_status(options: dict[str, Any], media: Sequence[dict[str, Any]] = ()) -> Post:
    return replace(a_post(), content="Hi", media=list(media), options=options)
