"""A status is known by its text, whatever markup a server has put around it."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.publisher.platforms.mastodon.text import is_shown_as, plain_text
from tests.fakes.networks.mastodon import html_of

LONG_LINK = "https://example.com/a/long/way/to/the/ball?at=noon&from=harbour"
TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=80)


@pytest.mark.parametrize(
    "text",
    [
        "The ball drops.",
        "One\n\nTwo\nThree",
        f"See {LONG_LINK}!",
        "Hi @alice and @bob@other.example",
        "Ahoy #timeball #2026",
        'Tea & <cake> "now" it\'s 5 > 4',
        "👨‍👩‍👧 שלום cafe\u0301",
        ":blobcat: is an emoji here",
    ],
)
def test_a_status_is_found_in_the_servers_markup(text: str) -> None:
    assert is_shown_as(text, html_of(text))
    assert not is_shown_as(text, html_of(f"{text} not"))


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>One</p><p>Two<br>Three<br />Four</p>", "One\nTwo\nThree\nFour"),
        ("plain, as Pleroma has it", "plain, as Pleroma has it"),
        ("<p>a&nbsp;&amp;&#39;b&#39;</p>", "a\u00a0&'b'"),
        (
            f"<a><span class='invisible'>https://</span><span>{LONG_LINK[8:20]}</span><b>{LONG_LINK[20:]}</b></a>",
            LONG_LINK,
        ),
        ("<p>never closed", "never closed"),
        ("", ""),
    ],
)
def test_html_becomes_the_text_a_reader_sees(html: str, text: str) -> None:
    assert plain_text(html) == text


def test_spaces_composition_and_a_mentions_server_make_no_difference() -> None:
    assert is_shown_as("Cafe\u0301  @bob@other.example\n", "<p>Café @bob</p>")
    assert not is_shown_as("Café @bob", "<p>Café @alice</p>")


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("**Noon** is _here_", "<p><strong>Noon</strong> is <em>here</em></p>"),
        ("# Noon\n- one\n- two", "<h1>Noon</h1><ul><li>one</li><li>two</li></ul>"),
        ("See [the ball](https://ball.example/a)", '<p>See <a href="https://ball.example/a">the ball</a></p>'),
        ('"Noon" -- it\'s...', "<p>\u201cNoon\u201d \u2013 it\u2019s\u2026</p>"),
        ("See https://ball.example/K\u00f6ln/", '<p>See <a href="x">ball.example/K%C3%B6ln</a></p>'),
    ],
    ids=["marks", "lines", "a link", "quotes", "a bare link"],
)
def test_a_text_is_found_though_its_server_takes_it_for_markdown(text: str, html: str) -> None:
    assert is_shown_as(text, html)


@pytest.mark.parametrize(("text", "html"), [("!!!", "<p>???</p>"), ("...", ""), ("👍", "<p>👎</p>"), ("1", "<p>2</p>")])
def test_a_text_without_letters_is_no_other_one(text: str, html: str) -> None:
    assert is_shown_as(text, html_of(text))
    assert not is_shown_as(text, html)


@given(TEXTS)
def test_any_text_is_found_again(text: str) -> None:
    assert is_shown_as(text, html_of(text))


@pytest.mark.parametrize("end", ["", ">", "-->"])
@pytest.mark.parametrize("part", ["<a ", "< <a ", "<!--", "<!--a>", "<![", "</", "<?", "<a b='", "&#", "<script>"])
def test_html_of_any_kind_is_read_in_time_by_its_length(part: str, end: str) -> None:
    """A server that means no good could hold all other posts up."""

    def seconds(length: int) -> float:
        html = part * (length // len(part)) + end
        began = time.process_time()
        plain_text(html)
        return time.process_time() - began

    assert seconds(32_000) < 8 * max(seconds(8_000), 0.05)


def test_what_never_ends_in_html_is_not_shown() -> None:
    assert plain_text("<p>a < b<br>1 <3</p><!-- c -->d<!-- e") == "a < b\n1 <3\nd"
    assert plain_text("<p>a</p>b <i") == "a\nb"
