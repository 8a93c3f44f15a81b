"""Where a text has links, as networks find them."""

import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.posting.links import links_in


def found(text: str, *, bare: bool = False) -> list[str]:
    return [text[start:end] for start, end in links_in(text, bare=bare)]


@pytest.mark.parametrize(
    ("text", "links"),
    [
        ("see https://example.com.", ["https://example.com"]),
        ("(https://en.wikipedia.org/wiki/Ball_(time))", ["https://en.wikipedia.org/wiki/Ball_(time)"]),
        ("HTTPS://EXAMPLE.COM/A?b=c!", ["HTTPS://EXAMPLE.COM/A?b=c"]),
        ("https://example.com:8080/a#b, http://x.org", ["https://example.com:8080/a#b", "http://x.org"]),
        ("日本https://example.com/a 日本", ["https://example.com/a"]),
        ("http://example.com日本", ["http://example.com"]),
        ("http://münchen.de/ä http://пример.рф/", ["http://münchen.de/ä", "http://пример.рф/"]),
        ("https://ja.wikipedia.org/wiki/日本語?q=時", ["https://ja.wikipedia.org/wiki/日本語?q=時"]),
        (
            "「https://example.com/日本」 <http://example.com/한국>",
            ["https://example.com/日本", "http://example.com/한국"],
        ),
        ("https://example.com/a\nhttps://example.com/b", ["https://example.com/a", "https://example.com/b"]),
        ("http://localhost/ http://a.nosuchdomain/ http:// https://.com ftp://example.com", []),
        ("xhttps://example.com @https://example.com", []),
        ("example.com and www.example.de", []),
    ],
)
def test_links_with_a_scheme_are_found(text: str, links: list[str]) -> None:
    assert found(text) == links


@pytest.mark.parametrize(
    ("text", "links"),
    [
        ("example.com, www.example.de or x.com/y.", ["example.com", "www.example.de", "x.com/y"]),
        ("https://example.com", ["https://example.com"]),
        ("x.de, x.de/, youtu.be, discord.gg and README.md", ["x.de", "x.de/", "youtu.be", "discord.gg", "README.md"]),
        ("詳細はexample.comへ 한국example.kr/abc", ["example.com", "example.kr/abc"]),
        ("example.рф münchen.de: www.münchen.de", ["example.рф", "münchen.de", "www.münchen.de"]),
        ("日本https://example.com/a日本 https://t.co/a…", ["https://example.com/a", "https://t.co/a"]),
        ("https://пример.рф/ is one, пример.рф is none", ["https://пример.рф/"]),
        ("日@example.com #example.com ftp://example.com -example.com", []),
        ("me@example.com, example.com@me, example.comx, e.g. 3.14 v1.2.3 a.b", []),
    ],
)
def test_links_without_a_scheme_are_found_where_they_are_wanted(text: str, links: list[str]) -> None:
    assert found(text, bare=True) == links


pieces = st.sampled_from(
    ["https://", "a.com", "/", "(", ")", ".", "?", "a", "日", "é", " ", "@", "#", "-", "_", ":80", "xn--", "👍"]
)


@given(st.lists(pieces, max_size=30).map("".join), st.booleans())
def test_links_follow_one_another_without_spaces(text: str, bare: bool) -> None:
    spans = list(links_in(text, bare=bare))

    assert all(0 <= start < end <= len(text) for start, end in spans)
    assert all(one[1] <= other[0] for one, other in pairwise(spans))
    assert not any(" " in text[start:end] for start, end in spans)


@pytest.mark.parametrize("bare", [False, True])
@pytest.mark.parametrize(
    "piece",
    [
        "a",
        "a.",
        "a-",
        "a.b ",
        "https://",
        "https://a.",
        "(x.com/",
        "https://a.com/(",
        "https://a.com/().",
        "日.本",
        "日a.",
    ],
)
def test_no_text_takes_long(piece: str, bare: bool) -> None:
    text = "https://a.com/" + piece * (100_000 // len(piece))
    started = time.process_time()

    found(text, bare=bare)

    assert time.process_time() - started < 2
