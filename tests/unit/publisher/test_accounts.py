"""Credentials are read by nobody but the publisher, and shown to nobody at all."""

from dataclasses import replace
from datetime import timedelta

import httpx
import pytest
from cryptography.fernet import Fernet

from services.publisher.accounts.credentials import must_wait_for, opened, place_of, stored, unsealed, with_renewed
from services.publisher.domain import StoredAccount
from services.publisher.platforms.base import Renewed
from services.publisher.platforms.errors import Rejected
from services.publisher.platforms.linkedin.platform import LinkedIn
from shared.events.requests import AccountConnectRequested, AccountLimits
from shared.secrets.sealing import SealingKey, seal
from shared.secrets.vault import Vault
from tests.fakes.platform import FakePlatform
from tests.support.publications import NOON

KEY, FOREIGN = SealingKey.generate(), SealingKey.generate()
VAULT, OTHER_VAULT = (Vault.from_keys(Fernet.generate_key().decode()) for _ in range(2))
SECRET = {"secret": "whsec_hunter2"}


def connecting(sealed: str | None, **more: object) -> AccountConnectRequested:
    return AccountConnectRequested.model_validate(
        {"account_id": "hook", "platform": "webhook", "settings": {"url": "https://x.example"}}
        | {"sealed_credentials": sealed}
        | more
    )


def test_credentials_sealed_for_the_publisher_are_read() -> None:
    account = unsealed(connecting(seal(SECRET, KEY.public_key)), KEY)

    assert account.credentials == SECRET


def test_an_account_may_have_no_credentials() -> None:
    assert unsealed(connecting(None), KEY).credentials == {}


@pytest.mark.parametrize(
    ("sealed", "reason"),
    [
        (seal(SECRET, FOREIGN.public_key), "sealed for another key"),
        ("hunter2 in clear", "not base64"),
        ("aHVudGVyMg==", "damaged"),
        (seal(["hunter2"], KEY.public_key), "not a JSON object"),
    ],
    ids=["foreign key", "not base64", "damaged", "no object"],
)
def test_what_cannot_be_unsealed_is_refused_with_advice(sealed: str, reason: str) -> None:
    with pytest.raises(Rejected, match=reason) as caught:
        unsealed(connecting(sealed), KEY)

    assert "timeball keys" in str(caught.value)
    assert "hunter2" not in str(caught.value)
    assert caught.value.detail.code == "unreadable_credentials"


def test_what_is_kept_shows_no_secret_and_can_be_opened_again() -> None:
    request = connecting(seal(SECRET, KEY.public_key), limits=AccountLimits(per_second=10))

    kept = stored(request, unsealed(request, KEY), FakePlatform(), None, vault=VAULT, now=NOON)

    assert "hunter2" not in repr(kept)
    assert opened(kept, VAULT) == unsealed(request, KEY)
    assert (kept.limits, kept.connected, kept.changed_at) == ('{"per_second": 10}', True, NOON)


def test_an_account_without_credentials_is_connected_again_after_its_key_was_lost() -> None:
    """That it is given none again does not mean that it keeps those that nobody can read."""
    request = connecting(None)
    before = stored(request, unsealed(request, KEY), FakePlatform(), None, vault=OTHER_VAULT, now=NOON)

    kept = stored(request, unsealed(request, KEY), FakePlatform(), before, vault=VAULT, now=NOON)

    assert opened(kept, VAULT).credentials == {}


def test_with_the_wrong_key_the_account_cannot_be_opened() -> None:
    request = connecting(seal(SECRET, KEY.public_key))
    kept = stored(request, unsealed(request, KEY), FakePlatform(), None, vault=VAULT, now=NOON)

    with pytest.raises(Rejected, match="TIMEBALL_SECRET_KEYS") as caught:
        opened(kept, OTHER_VAULT)

    assert caught.value.detail.code == "unreadable_credentials"


def test_an_account_shows_neither_its_settings_nor_its_credentials() -> None:
    account = unsealed(connecting(seal(SECRET, KEY.public_key)), KEY)

    for shown in (repr(account), str(account), f"{[account]}"):
        assert "hunter2" not in shown


APP = {"client_id": "app", "client_secret": "shh"}
FIRST = APP | {"access_token": "access-1", "refresh_token": "refresh-1"}
ROTATED = {"access_token": "access-2", "refresh_token": "refresh-2"}
YEAR = timedelta(days=365)


def connected(
    credentials: dict[str, str], previous: StoredAccount | None = None, *, author: str = "urn:li:person:me"
) -> StoredAccount:
    """An account as it is kept after these credentials were given."""
    sealed = seal(credentials, KEY.public_key)
    request = connecting(sealed, platform="linkedin", settings={"author": author})
    platform = LinkedIn(httpx.AsyncClient())
    return stored(request, unsealed(request, KEY), platform, previous, vault=VAULT, now=NOON)


def rotated() -> StoredAccount:
    """An account whose first tokens have been replaced."""
    renewed = Renewed(ROTATED, expires_at=NOON + timedelta(days=60), refresh_expires_at=NOON + YEAR)
    return with_renewed(connected(FIRST), renewed, VAULT)


@pytest.mark.parametrize("refused", [False, True])
@pytest.mark.parametrize(
    "given",
    [FIRST, FIRST | {"client_secret": "new"}, {name: FIRST[name] for name in ("client_id", "access_token")}],
    ids=["the same again", "another secret of the app", "no refresh token"],
)
def test_connecting_again_keeps_the_refresh_token_that_works(given: dict[str, str], refused: bool) -> None:
    again = connected(given, replace(rotated(), needs_reconnect=refused))

    assert opened(again, VAULT).credentials["refresh_token"] == "refresh-2"
    assert again.refresh_expires_at == NOON + YEAR
    assert not again.needs_reconnect


@pytest.mark.parametrize(
    ("given", "author"),
    [(FIRST | {"refresh_token": "refresh-9"}, "urn:li:person:me"), (FIRST, "urn:li:person:other")],
    ids=["a new refresh token", "another author"],
)
def test_connecting_anew_takes_what_is_given(given: dict[str, str], author: str) -> None:
    again = connected(given, rotated(), author=author)

    assert opened(again, VAULT).credentials == given


def test_the_same_again_does_not_disturb_a_renewal_under_way() -> None:
    """The renewal ends by writing over the very texts that it began with."""
    renewing = replace(rotated(), renewing_until=NOON + timedelta(seconds=20))

    again = connected(FIRST, renewing)

    assert (again.credentials, again.renewed) == (renewing.credentials, renewing.renewed)
    assert again.renewing_until == renewing.renewing_until
    assert must_wait_for(renewing, again, NOON) is None


def test_other_credentials_wait_for_a_renewal_whose_tokens_they_need() -> None:
    renewing = replace(rotated(), renewing_until=NOON + timedelta(seconds=20))

    kept, new = (
        connected(FIRST | {"client_secret": "new"}, renewing),
        connected(FIRST | {"refresh_token": "r"}, renewing),
    )

    assert must_wait_for(renewing, kept, NOON) == timedelta(seconds=20)
    assert must_wait_for(renewing, kept, NOON + timedelta(seconds=20)) is None
    assert must_wait_for(renewing, new, NOON) is None


HOOK = {"url": "https://x.example", "flair_id": "1"}
"""Settings of which the first says where an account publishes."""


@pytest.mark.parametrize(
    ("changes", "credentials", "is_another"),
    [
        ({}, {"secret": "whsec_new"}, False),
        ({"settings": HOOK | {"flair_id": "2"}}, SECRET, False),
        ({"settings": HOOK | {"url": "https://y.example"}}, SECRET, True),
        ({"settings": HOOK, "platform": "sandbox"}, SECRET, True),
        ({}, SECRET | {"identifier": "somebody.else"}, True),
        ({}, SECRET | {"access_token": "somebody's"}, True),
    ],
    ids=["a new secret", "another way", "another address", "another platform", "another name", "another token"],
)
def test_an_account_publishes_elsewhere_when_its_address_or_its_owner_changes(
    changes: dict[str, object], credentials: dict[str, str], is_another: bool
) -> None:
    def placed(sealed: str, **changes: object) -> str:
        request = connecting(sealed, **{"settings": HOOK} | changes)
        return place_of(stored(request, unsealed(request, KEY), FakePlatform(), None, vault=VAULT, now=NOON), VAULT)

    before, after = placed(seal(SECRET, KEY.public_key)), placed(seal(credentials, KEY.public_key), **changes)

    assert (after != before) is is_another
