"""Whether `If-Match` names what is there, as clients and the proxies before them write it."""

import pytest

from services.console.api.matching import names

ETAG = '"8790b2bb03b79d06"'


@pytest.mark.parametrize(
    "if_match", [ETAG, "*", " * ", f"W/{ETAG}", f'"old", {ETAG}', f'W/"old",W/{ETAG}', ETAG.strip('"')]
)
def test_an_etag_is_recognised_however_it_came_back(if_match: str) -> None:
    assert names(if_match, ETAG)


@pytest.mark.parametrize("if_match", ["", '""', '"old"', 'W/"old"', ETAG.upper(), '"*", "old"'])
def test_any_other_names_something_else(if_match: str) -> None:
    assert not names(if_match, ETAG)
