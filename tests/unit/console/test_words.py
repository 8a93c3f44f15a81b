"""Words are found without case and accents, in every script."""

from datetime import UTC, datetime
from typing import Any

import pytest

from services.console.read_model.words import LONGEST_WORD, MOST_WORDS, row_of_words, words_in


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("Spring SALE, spring!", ["spring", "sale"]),
        ("Köln Straße café", ["koln", "strasse", "cafe"]),
        ("article_4711-v2", ["article", "4711", "v2"]),
        ("東京タワー", ["東", "京", "タ", "ワ", "ー"]),
        ("مرحبا بكم", ["مرحبا", "بكم"]),
        ('\'; DROP TABLE "*" & | ! :* NEAR(', ["drop", "table", "near"]),
        ("👍 …", []),
    ],
)
def test_words(said: str, words: list[str]) -> None:
    assert words_in(said) == words


def test_words_are_bounded() -> None:
    assert len(words_in(" ".join(map(str, range(MOST_WORDS * 2))))) == MOST_WORDS
    assert words_in("x" * 1000) == ["x" * LONGEST_WORD]


@pytest.mark.parametrize("targets", [None, 5, "plain", [None, 5, {"account_id": 5}], [{"content": ["a"]}]])
def test_a_request_that_nobody_has_validated_is_read_as_far_as_it_goes(targets: Any) -> None:
    row = row_of_words("r", "p-1", {"content": "Hello", "targets": targets}, datetime(2027, 1, 1, tzinfo=UTC))

    assert row["words"] == "p 1 hello"
