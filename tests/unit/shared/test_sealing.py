"""A sealed value is read by its addressee only, and its secrets show up nowhere else."""

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl.public import PublicKey, SealedBox

from shared.secrets.sealing import SealingKey, UnreadableSeal, seal

KEY = SealingKey.generate()
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


def sealed_bytes(plain: bytes) -> str:
    public = PublicKey(base64.b64decode(KEY.public_key))
    return base64.b64encode(SealedBox(public).encrypt(plain)).decode()


@given(st.dictionaries(st.text(), JSON))
def test_the_addressee_reads_the_object_that_was_sealed(value: dict[str, Any]) -> None:
    assert KEY.open(seal(value, KEY.public_key)) == value


@given(st.lists(JSON))
def test_the_addressee_reads_the_list_that_was_sealed(value: list[Any]) -> None:
    assert KEY.open_list(seal(value, KEY.public_key)) == value


def test_a_key_survives_being_stored() -> None:
    stored = SealingKey.from_base64(KEY.private_key + "\n")

    assert stored.public_key == KEY.public_key
    assert stored.open(seal({"a": 1}, KEY.public_key)) == {"a": 1}


@pytest.mark.parametrize(
    ("sealed", "reason"),
    [
        ("not base64!", "base64"),
        ("é", "base64"),
        ("", "another key, or damaged"),
        ("AAAA", "another key, or damaged"),
        (seal({"a": 1}, SealingKey.generate().public_key), "another key, or damaged"),
        (seal({"a": 1}, KEY.public_key)[:-8], "another key, or damaged"),
        (sealed_bytes(b"hunter2 is no JSON"), "not a JSON object"),
        (sealed_bytes(b"\xff"), "not a JSON object"),
        (sealed_bytes(b"[" * 100_000), "not a JSON object"),
        (seal(["a list"], KEY.public_key), "not a JSON object"),
    ],
    ids=["text", "accent", "empty", "short", "foreign", "cut off", "no JSON", "no text", "deep", "list"],
)
def test_what_cannot_be_read_says_why(sealed: str, reason: str) -> None:
    with pytest.raises(UnreadableSeal, match=reason):
        KEY.open(sealed)


def test_an_object_is_no_list() -> None:
    with pytest.raises(UnreadableSeal, match="not a JSON list"):
        KEY.open_list(seal({"a": 1}, KEY.public_key))


def test_no_error_along_the_chain_carries_the_secret() -> None:
    with pytest.raises(UnreadableSeal) as caught:
        KEY.open(sealed_bytes(b"hunter2 is no JSON"))

    error: BaseException | None = caught.value
    while error is not None:
        assert "hunter2" not in repr(vars(error)) + repr(error)
        error = error.__cause__ or error.__context__


@pytest.mark.parametrize("text", ["", "c2hvcnQ=", "not base64!", "é"])
def test_a_malformed_key_is_refused_without_being_quoted(text: str) -> None:
    with pytest.raises(ValueError, match="private sealing key is not 32 bytes") as private:
        SealingKey.from_base64(text)
    with pytest.raises(ValueError, match="public sealing key is not 32 bytes"):
        seal({}, text)

    assert not text or text not in str(private.value)
