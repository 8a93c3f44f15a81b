"""Credentials are read by nobody but the publisher, and shown to nobody at all."""

import pytest
from cryptography.fernet import Fernet

from services.publisher.accounts import opened, stored, unsealed
from services.publisher.platforms.errors import Rejected
from shared.events.requests import AccountConnectRequested, AccountLimits
from shared.sealing import SealingKey, seal
from shared.vault import Vault
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


def test_with_the_wrong_key_the_account_cannot_be_opened() -> None:
    request = connecting(seal(SECRET, KEY.public_key))
    kept = stored(request, unsealed(request, KEY), FakePlatform(), None, vault=VAULT, now=NOON)

    with pytest.raises(Rejected, match="unknown key") as caught:
        opened(kept, OTHER_VAULT)

    assert caught.value.detail.code == "unreadable_credentials"


def test_an_account_shows_neither_its_settings_nor_its_credentials() -> None:
    account = unsealed(connecting(seal(SECRET, KEY.public_key)), KEY)

    for shown in (repr(account), str(account), f"{[account]}"):
        assert "hunter2" not in shown
