"""A secret at rest is read with its keys only, and outlives a change of keys."""

import pytest
from cryptography.fernet import Fernet

from shared.secrets.vault import UnreadableSecret, Vault

OLD = Fernet.generate_key().decode()
NEW = Fernet.generate_key().decode()
SECRET = {"password": "hunter2", "nested": {"n": [1, 2]}}


def test_a_secret_is_read_back() -> None:
    vault = Vault.from_keys(OLD)

    stored = vault.encrypt(SECRET)

    assert "hunter2" not in stored
    assert vault.decrypt(stored) == SECRET


def test_the_first_key_encrypts_and_every_key_decrypts() -> None:
    both = Vault.from_keys(f"{NEW}, {OLD}")

    assert both.decrypt(Vault.from_keys(OLD).encrypt(SECRET)) == SECRET
    assert Vault.from_keys(NEW).decrypt(both.encrypt(SECRET)) == SECRET


def test_a_rotated_secret_needs_the_old_key_no_more() -> None:
    stored = Vault.from_keys(OLD).encrypt(SECRET)

    rotated = Vault.from_keys(f"{NEW},{OLD}").rotate(stored)

    assert Vault.from_keys(NEW).decrypt(rotated) == SECRET


@pytest.mark.parametrize("stored", ["", "garbage", Vault.from_keys(NEW).encrypt(SECRET)])
def test_what_cannot_be_read_is_said_to_be_unreadable(stored: str) -> None:
    vault = Vault.from_keys(OLD)

    with pytest.raises(UnreadableSecret):
        vault.decrypt(stored)
    with pytest.raises(UnreadableSecret):
        vault.rotate(stored)


@pytest.mark.parametrize(
    ("keys", "reason"),
    [("", "no secret key"), (" , ", "no secret key"), (f"{OLD},bad", "key 2")],
    ids=["none", "only commas", "the second is bad"],
)
def test_malformed_keys_are_refused_without_being_quoted(keys: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason) as caught:
        Vault.from_keys(keys)

    assert "bad" not in str(caught.value)
