"""How much one part of what a service tells may carry."""

from shared.messaging.rebuild_answers import MOST_CHARACTERS, in_parts


def test_a_part_carries_no_more_than_it_may_and_nothing_is_left_out() -> None:
    sizes = [MOST_CHARACTERS // 2, MOST_CHARACTERS // 2, 1, MOST_CHARACTERS * 3, 1, 1]

    parts = list(in_parts(sizes, lambda size: size))

    assert parts == [(sizes[0], sizes[1]), (1,), (MOST_CHARACTERS * 3,), (1, 1)]


def test_of_nothing_there_is_no_part() -> None:
    assert list(in_parts([], len)) == []
