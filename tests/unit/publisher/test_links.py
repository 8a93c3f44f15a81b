"""Links in a text: whatever it is, they are found at once, for no other post goes out meanwhile."""

import time

import pytest

from services.publisher.platforms.links import links_in

LONGEST = 3_000
"""Characters that a network on which links are looked for takes."""


@pytest.mark.parametrize("part", ["a.=", "a.token=", "a.com=", "https://a.example/a.b=", "a.b+", "\U0001f600.", "1.2^"])
def test_the_links_of_a_text_are_found_in_time_by_its_length(part: str) -> None:
    def seconds(length: int) -> float:
        text = (part * length)[:length]
        began = time.process_time()
        list(links_in(text))
        return time.process_time() - began

    seconds(10)  # the patterns are compiled

    assert seconds(LONGEST) < 6 * max(seconds(LONGEST // 3), 0.02)


def test_a_name_of_many_parts_is_a_link() -> None:
    (link,) = links_in("see a.b.c.d.e.f.g.h.example.com/path?a.b=c for more")

    assert link.url == "https://a.b.c.d.e.f.g.h.example.com/path?a.b=c"
