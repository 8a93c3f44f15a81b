"""What an account was given is refused at once where it can never work, and named."""

from typing import Any

import pytest

from services.publisher.platforms.account_fields import instant_of, is_web_url, require_credentials, server_of
from services.publisher.platforms.errors import Rejected
from tests.support.publications import an_account


@pytest.mark.parametrize(
    ("given", "is_one"),
    [
        ("https://a.example", True),
        ("http://127.0.0.1:8080/path?query", True),
        ("https://b\u00fccher.example", True),
        ("https://xn--bcher-kva.example", True),
        ("https://xn--a/", False),
        ("https://xn--i-7iq.ws", False),
        ("https://a.example:99999", False),
        ("https://a.example:0", False),
        ("https://a.example:-1", False),
        ("https://a.example:65535/path:0?u=http://b:0", True),
        ("https://a b.example", False),
        ("https://", False),
        ("ftp://a.example", False),
        (None, False),
    ],
)
def test_a_web_url_has_a_host_that_can_exist(given: object, is_one: bool) -> None:
    assert is_web_url(given) == is_one


@pytest.mark.parametrize("server", ["https://a.example?x=1", "https://a.example/#top", "https://xn--a/", "a.example"])
def test_a_server_is_an_address_to_add_paths_to(server: str) -> None:
    with pytest.raises(Rejected, match=r"settings\.server"):
        server_of(an_account(settings={"server": server}), "https://official.example")


@pytest.mark.parametrize("token", ["t\u00f6ken", "token\u2026", "token\n", " token", "to\x00ken", "", None, 7])
def test_a_credential_that_cannot_stand_in_a_header_is_refused_and_not_shown(token: Any) -> None:
    with pytest.raises(Rejected, match=r"credentials\.access_token") as caught:
        require_credentials(an_account(credentials={"access_token": token}), "access_token")

    assert "ken" not in str(caught.value).replace("access_token", "")


@pytest.mark.parametrize("given", ["tomorrow", "2027-03-28T12:00:00", "0001-01-01T00:00:00+10:00", 7])
def test_an_instant_that_is_none_is_refused_and_not_shown(given: Any) -> None:
    with pytest.raises(Rejected, match=r"credentials\.expires_at") as caught:
        instant_of(an_account(credentials={"expires_at": given}), "expires_at")

    assert str(given) not in str(caught.value).replace("2027-03-28T09:00:00Z", "")
