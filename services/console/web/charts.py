"""Charts: where the bars, lines and words of an SVG stand. Pure.

Across, places are per cent, so that a chart is as wide as the screen and its words keep their size; down they are
pixels.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

TOP, FOOT = 10, 150
MOST_LABELS, MOST_LONG_LABELS = 4, 3
LONG_LABEL = 6
"""Longer ones would touch on a phone if there were four."""
GAP = 0.22
"""The share of a column that stays free."""
LEAST = 2.0
"""What is there at all is this high."""


@dataclass(frozen=True, slots=True)
class Column:
    """What one column shows: its label, what is said of it, and how much of each kind there is."""

    label: str
    said: str
    values: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Range:
    """A column that reaches from one lateness (in ms) to another one, with a mark above; None where nothing is."""

    label: str
    said: str
    low: float | None = None
    high: float | None = None
    mark: float | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a bar."""

    kind: str
    y: float
    height: float


@dataclass(frozen=True, slots=True)
class Bar:
    """A drawn column."""

    said: str
    x: float
    width: float
    parts: Sequence[Part]


@dataclass(frozen=True, slots=True)
class Word:
    """A word at its place: below the chart across, beside it down."""

    text: str
    at: float
    anchor: str = "start"


@dataclass(frozen=True, slots=True)
class Chart:
    """Everything a template draws."""

    bars: Sequence[Bar]
    lines: Sequence[Word]
    labels: Sequence[Word]


def stacked(columns: Sequence[Column], kinds: Sequence[str]) -> Chart:
    """Columns of the kinds on top of each other, the first one at the foot."""
    most = nice_most(max((sum(column.values.values()) for column in columns), default=0))
    bars = [
        Bar(column.said, *_across(number, len(columns)), _piled(column, kinds, most))
        for number, column in enumerate(columns)
    ]
    steps = [0, most // 2, most] if most % 2 == 0 else [0, most]
    lines = [Word(f"{step:,}", round(FOOT - step / most * (FOOT - TOP), 1)) for step in steps]
    return Chart(bars, lines, _labels([column.label for column in columns]))


def ranges(columns: Sequence[Range]) -> Chart:
    """Columns on a scale on which each line is ten times the one below."""
    sizes = [size for one in columns for size in (one.low, one.high, one.mark) if size is not None]
    lowest, highest = _decades(sizes)

    def down(size: float) -> float:
        share = (math.log10(max(size, 10.0**lowest)) - lowest) / (highest - lowest)
        return round(FOOT - share * (FOOT - TOP), 1)

    bars = [
        Bar(one.said, *_across(number, len(columns)), list(_reaching(one, down))) for number, one in enumerate(columns)
    ]
    lines = [Word(_milliseconds(10.0**decade), down(10.0**decade)) for decade in range(lowest, highest + 1)]
    return Chart(bars, lines, _labels([one.label for one in columns]))


def nice_most(most: int) -> int:
    """The least of 1, 2, 4, 10, 20, 40, 100 … that is not below."""
    size = 1
    while True:
        for step in (1, 2, 4):
            if size * step >= most:
                return size * step
        size *= 10


def _piled(column: Column, kinds: Sequence[str], most: int) -> list[Part]:
    parts, foot = [], float(FOOT)
    for kind in kinds:
        if count := column.values.get(kind, 0):
            height = max(count / most * (FOOT - TOP), LEAST)
            foot -= height
            parts.append(Part(kind, round(foot, 1), round(height, 1)))
    return parts


def _reaching(one: Range, down: Callable[[float], float]) -> Iterator[Part]:
    if one.low is not None and one.high is not None:
        yield Part("range", down(one.high), round(max(down(one.low) - down(one.high), LEAST), 1))
    if one.mark is not None:
        yield Part("mark", down(one.mark) - 1, 2.0)


def _across(number: int, count: int) -> tuple[float, float]:
    width = 100 / count
    return round((number + GAP / 2) * width, 3), round(width * (1 - GAP), 3)


def _labels(labels: Sequence[str]) -> list[Word]:
    """The first, the last and some between them, under the middle of their columns."""
    count = len(labels)
    most = MOST_LONG_LABELS if max(map(len, labels), default=0) > LONG_LABEL else MOST_LABELS
    if count <= most:
        chosen = list(range(count))
    else:
        chosen = sorted({round(step * (count - 1) / (most - 1)) for step in range(most)})
    return [_label(labels[number], number, count) for number in chosen]


def _label(text: str, number: int, count: int) -> Word:
    if count > 1 and number == 0:
        return Word(text, 0)
    if count > 1 and number == count - 1:
        return Word(text, 100, "end")
    return Word(text, round((number + 0.5) * 100 / count, 2), "middle")


def _decades(sizes: Sequence[float]) -> tuple[int, int]:
    """The powers of ten between which all sizes are, two of them at least."""
    if not sizes:
        return 0, 2
    lowest = math.floor(math.log10(max(min(sizes), 0.1)))
    highest = math.ceil(math.log10(max(*sizes, 0.1)))
    return lowest, max(highest, lowest + 2)


def _milliseconds(size: float) -> str:
    return f"{size:g} ms" if size < 1_000 else f"{size / 1_000:,.0f} s"  # noqa: PLR2004
