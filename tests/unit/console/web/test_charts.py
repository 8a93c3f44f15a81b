"""Where the bars and words of charts stand: to scale, within the chart, and as few words as a phone can show."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.console.web.charts import FOOT, TOP, Column, Range, nice_most, ranges, stacked

KINDS = ("good", "bad")
counts = st.integers(0, 10**7)
sizes = st.floats(0.01, 10**8)


@pytest.mark.parametrize(("most", "nice"), [(0, 1), (1, 1), (3, 4), (4, 4), (5, 10), (41, 100), (1_234, 2_000)])
def test_a_scale_ends_at_a_round_number(most: int, nice: int) -> None:
    assert nice_most(most) == nice


def test_bars_are_to_scale_and_pile_up_from_the_foot() -> None:
    chart = stacked([Column("a", "a", {"good": 3, "bad": 1}), Column("b", "b", {"good": 2})], KINDS)

    full, half = chart.bars
    assert [(part.kind, part.y, part.height) for part in full.parts] == [("good", 45, 105), ("bad", 10, 35)]
    assert [(part.y, part.height) for part in half.parts] == [(80, 70)]
    assert [(line.text, line.at) for line in chart.lines] == [("0", 150), ("2", 80), ("4", 10)]
    assert full.x + full.width < half.x


@given(st.lists(st.tuples(counts, counts), min_size=1, max_size=90))
def test_whatever_there_is_can_be_seen_and_stays_in_the_chart(told: list[tuple[int, int]]) -> None:
    chart = stacked([Column("day", "", dict(zip(KINDS, one, strict=True))) for one in told], KINDS)

    for bar, one in zip(chart.bars, told, strict=True):
        assert [part.kind for part in bar.parts] == [kind for kind, count in zip(KINDS, one, strict=True) if count]
        assert all(part.height >= 2 and part.y >= TOP - 4.1 for part in bar.parts)
        assert 0 <= bar.x < bar.x + bar.width <= 100
    assert 1 <= len(chart.labels) <= 4


@given(st.lists(st.none() | st.tuples(sizes, sizes, sizes).map(sorted), max_size=60))
def test_lateness_of_any_size_stays_in_the_chart(told: list[list[float] | None]) -> None:
    chart = ranges([Range("day", "", *(one or ())) for one in told])

    for bar, one in zip(chart.bars, told, strict=True):
        assert [part.kind for part in bar.parts] == (["range", "mark"] if one else [])
        assert all(TOP - 2 <= part.y <= part.y + part.height <= FOOT + 2 for part in bar.parts)
    assert len(chart.lines) >= 3


def test_what_is_ten_times_later_is_one_line_higher() -> None:
    chart = ranges([Range("a", "", 1, 10, 100), Range("b", "", 10, 100, 1000)])

    lines = {line.text: line.at for line in chart.lines}
    assert list(lines) == ["1 ms", "10 ms", "100 ms", "1 s"]
    assert [bar.parts[0].y for bar in chart.bars] == [lines["10 ms"], lines["100 ms"]]
    assert [bar.parts[1].y + 1 for bar in chart.bars] == [lines["100 ms"], lines["1 s"]]
