"""Credentials are tried when an account is connected, and who gave wrong ones is told which."""

from dataclasses import replace
from typing import Any

import httpx
import pytest

from services.publisher.platforms.errors import NotSent, PlatformError, Rejected, Unauthorized, Unavailable
from tests.integration.publisher.conformance.case import Case
from tests.integration.publisher.conformance.cases import CASES
from tests.integration.publisher.conformance.sender import Sender, a_client, a_sender, answering

PAGE = b"<html><title>Forbidden</title></html>"
ASKED = pytest.mark.parametrize("case", [case for case in CASES if case.can_be_asked], ids=repr)


@pytest.mark.parametrize("case", CASES, ids=repr)
async def test_good_credentials_are_found_good_and_publish_nothing(case: Case[Any]) -> None:
    async with a_sender(case) as sender:
        await sender.platform.verify(sender.account)
        await sender.platform.verify(sender.given)

        assert sender.network.posts == []


@ASKED
async def test_credentials_that_are_no_longer_good_are_named(case: Case[Any]) -> None:
    async with a_sender(case) as sender:
        case.revoke(sender.network)
        with pytest.raises((Unauthorized, Rejected)) as caught:
            await sender.platform.verify(sender.account)

        assert "credentials." in caught.value.detail.message
        secrets = [value for value in sender.account.credentials.values() if value in case.secrets(sender.network)]
        assert [secret for secret in secrets if secret in caught.value.detail.message] == []


@ASKED
@pytest.mark.parametrize(("status", "kind"), [(403, Unavailable), (500, Unavailable), (503, Unavailable)])
async def test_what_cannot_be_told_now_is_no_refusal(case: Case[Any], status: int, kind: type[PlatformError]) -> None:
    async with a_sender(case) as sender, answering(httpx.Response(status, content=PAGE)) as client:
        with pytest.raises(kind):
            await case.platform(client).verify(sender.account)


@ASKED
async def test_a_server_that_is_not_there_is_no_refusal(case: Case[Any]) -> None:
    async with a_client() as client:
        async with a_sender(case, client) as sender:
            account, platform = sender.account, sender.platform
        with pytest.raises(NotSent):
            await platform.verify(account)


WRONG = [
    ("bluesky", {"identifier": "somebody.example"}, {}, "credentials.identifier"),
    ("discord bot", {}, {"channel_id": "999"}, "settings.channel_id: HTTP 404: Unknown Channel"),
    ("telegram", {}, {"chat_id": 17}, "settings.chat_id: HTTP 400: Bad Request: chat not found"),
    ("linkedin", {"client_secret": "another"}, {}, "credentials.client_id, credentials.client_secret: HTTP 401"),
    ("linkedin", {"access_token": "another"}, {}, "credentials.access_token: LinkedIn says that it is expired"),
    ("linkedin", {}, {"author": "urn:li:organization:1"}, "it lacks the scope w_organization_social"),
    ("reddit", {"client_secret": "another"}, {}, "credentials.client_id, credentials.client_secret"),
]


@pytest.mark.parametrize(("name", "credentials", "settings", "reason"), WRONG)
async def test_what_is_wrong_is_told(
    name: str, credentials: dict[str, Any], settings: dict[str, Any], reason: str
) -> None:
    (case,) = [case for case in CASES if case.name == name]
    async with a_sender(case) as sender:
        with pytest.raises((Unauthorized, Rejected)) as caught:
            await sender.platform.verify(changed(sender, credentials, settings))

    assert reason in caught.value.detail.message


def changed(sender: Sender, credentials: dict[str, Any], settings: dict[str, Any]) -> Any:
    """The account as it was given, with these differences."""
    given = sender.given
    return replace(given, credentials={**given.credentials, **credentials}, settings={**given.settings, **settings})


@pytest.mark.parametrize(
    ("name", "told", "reason"),
    [
        ("bluesky", {"did": "did:plc:a", "active": False, "status": "deactivated"}, "the account is deactivated"),
        ("reddit", {"name": "harbour_master", "is_suspended": True}, "Reddit has suspended the account"),
    ],
)
async def test_an_account_that_its_network_has_stopped_is_told(name: str, told: dict[str, Any], reason: str) -> None:
    (case,) = [case for case in CASES if case.name == name]
    async with a_sender(case) as sender, answering(httpx.Response(200, json=told)) as client:
        with pytest.raises(Unauthorized, match=reason):
            await case.platform(client).verify(sender.account)
