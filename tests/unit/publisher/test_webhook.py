"""A webhook's receiver can verify and deduplicate what it gets, as Standard Webhooks says."""

import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.publisher.platforms.base import Account, Post, Published, Ready
from services.publisher.platforms.errors import Rejected
from services.publisher.platforms.posting import published_in
from services.publisher.platforms.reply import Reply
from services.publisher.platforms.webhook.platform import Webhook, message_id
from services.publisher.platforms.webhook.signature import secrets_of, signature_headers
from tests.support.publications import NOON, SECOND, a_post, an_account
from tests.support.standard_webhooks import NotGenuineError, verify


def secret_of(key: bytes) -> str:
    return "whsec_" + base64.b64encode(key).decode()


OLD, NEW, FOREIGN = secret_of(b"old key " * 3), secret_of(b"new key " * 3), secret_of(b"foreign " * 3)
HOOK = "https://hook.example/posts"


def an_endpoint(secret: Any = NEW, url: Any = HOOK) -> Account:
    return an_account("webhook", settings={"url": url}, credentials={"secret": secret})


class Receiver:
    """The other end: keeps every request and answers with an id."""

    def __init__(self) -> None:
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return httpx.Response(200, json={"id": 17, "url": "https://hook.example/17"})

    @asynccontextmanager
    async def webhook(self) -> AsyncIterator[Webhook]:
        async with httpx.AsyncClient(transport=httpx.MockTransport(self)) as client:
            yield Webhook(client)


async def prepared(webhook: Webhook, post: Post | None = None, account: Account | None = None) -> Ready:
    return await webhook.prepare(post or a_post(), account or an_endpoint())


async def test_the_receiver_can_verify_what_it_gets() -> None:
    receiver = Receiver()

    async with receiver.webhook() as webhook:
        await (await prepared(webhook)).send(NOON)

    (request,) = receiver.requests
    verify(NEW, request.headers, request.content, now=NOON)
    with pytest.raises(NotGenuineError):
        verify(FOREIGN, request.headers, request.content, now=NOON)
    with pytest.raises(NotGenuineError):
        verify(NEW, request.headers, request.content + b" ", now=NOON)


async def test_while_secrets_are_rotated_either_verifies() -> None:
    receiver = Receiver()

    async with receiver.webhook() as webhook:
        await (await prepared(webhook, account=an_endpoint([NEW, OLD]))).send(NOON)

    (request,) = receiver.requests
    for secret in (NEW, OLD):
        verify(secret, request.headers, request.content, now=NOON)
    with pytest.raises(NotGenuineError):
        verify(FOREIGN, request.headers, request.content, now=NOON)


async def test_attempts_differ_in_their_timestamp_only() -> None:
    receiver = Receiver()

    async with receiver.webhook() as webhook:
        for attempt in range(3):
            await (await prepared(webhook)).send(NOON + attempt * 10 * SECOND)

    first, *others = receiver.requests
    for attempt, request in enumerate(others, start=1):
        verify(NEW, request.headers, request.content, now=NOON + attempt * 10 * SECOND)
        assert request.headers["webhook-id"] == first.headers["webhook-id"]
        assert request.headers["webhook-timestamp"] != first.headers["webhook-timestamp"]
        assert request.content == first.content


def test_another_revision_post_or_account_is_another_message() -> None:
    posts = [a_post(), a_post(revision=2), a_post("other"), a_post(account_id="other")]

    assert len({message_id(post) for post in posts}) == len(posts)


@given(st.text(min_size=1, max_size=200), st.text(min_size=1, max_size=200))
def test_a_message_id_fits_into_a_header_and_a_signature(post_id: str, account_id: str) -> None:
    identity = message_id(a_post(post_id, account_id=account_id))

    assert identity.isascii()
    assert identity.replace("_", "").isalnum()


def test_the_signature_is_the_one_of_the_specification() -> None:
    """The example of the reference implementations."""
    (key,) = secrets_of(an_endpoint("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"))
    sent_at = datetime.fromtimestamp(1614265330, UTC)

    headers = signature_headers([key], "msg_p5jXN8AQM9LWM0D4loKWxJek", b'{"test": 2432232314}', sent_at)

    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@given(st.binary(max_size=300), st.lists(st.binary(min_size=16, max_size=64), min_size=1, max_size=3))
def test_whatever_the_body_every_secret_verifies(body: bytes, keys: list[bytes]) -> None:
    secrets = [secret_of(key) for key in keys]

    headers = signature_headers(secrets_of(an_endpoint(secrets)), "msg_1", body, NOON)

    for secret in secrets:
        verify(secret, headers, body, now=NOON + timedelta(minutes=4))


@pytest.mark.parametrize(
    ("url", "shown"),
    [("https://x.example/17", "https://x.example/17"), ("javascript:alert(1)", None), ("//x", None), (5, None)],
)
def test_only_a_web_address_is_told_as_where_the_post_is(url: Any, shown: str | None) -> None:
    """Pages and programs make a link of it."""
    reply = Reply(200, {}, json.dumps({"id": "17", "url": url}).encode(), NOON)

    assert published_in(reply) == Published("17", shown)


async def test_a_receiver_that_took_the_post_has_it_though_its_words_cannot_be_read() -> None:
    """It was sent again and again, and in the end reported as unknown."""
    taken = httpx.MockTransport(lambda _: httpx.Response(200, headers={"content-encoding": "br"}, content=b"ok"))

    async with httpx.AsyncClient(transport=taken) as client:
        published = await (await prepared(Webhook(client))).send(NOON)

    assert published.url is None


async def test_the_body_is_the_one_of_the_contract() -> None:
    receiver = Receiver()

    async with receiver.webhook() as webhook:
        published = await (await prepared(webhook)).send(NOON)

    (request,) = receiver.requests
    assert (request.method, str(request.url), request.headers["content-type"]) == ("POST", HOOK, "application/json")
    assert json.loads(request.content) == {
        "type": "post",
        "timestamp": "2027-03-28T12:00:00Z",
        "data": {
            "post_id": "post",
            "account_id": "account",
            "content": "The ball drops.",
            "media": [{"url": "https://pictures.example/ball.jpg"}],
            "options": {"mood": "festive"},
            "publish_at": "2027-03-28T12:00:00Z",
        },
    }
    assert published == Published("17", "https://hook.example/17")


BAD_SECRETS = [
    (None, "expected 'whsec_' and base64"),
    ("", "expected 'whsec_' and base64"),
    ("hunter2hunter2", "expected 'whsec_' and base64"),
    (17, "expected 'whsec_' and base64"),
    ("whsec_hunter2!!", "no base64"),
    ("whsec_hünter2", "no base64"),
    ("whsec_", "too short"),
    (secret_of(b"hunter2"), "too short"),
    ([], "the list is empty"),
    ([NEW, "hunter2"], "expected 'whsec_' and base64"),
    ({"hunter2": 1}, "expected 'whsec_' and base64"),
]


@pytest.mark.parametrize(("secret", "reason"), BAD_SECRETS)
async def test_a_bad_secret_is_refused_with_a_reason_that_does_not_quote_it(secret: Any, reason: str) -> None:
    async with Receiver().webhook() as webhook:
        with pytest.raises(Rejected, match=r"credentials\.secret: ") as caught:
            webhook.check(an_endpoint(secret))

    assert reason in str(caught.value)
    assert ("make one with `echo whsec_" in str(caught.value)) == (secret != [])
    assert "hunter2" not in f"{caught.value!r}{caught.value.detail!r}"
    assert caught.value.detail.code == "invalid_credentials"


@pytest.mark.parametrize("secret", [NEW, [NEW], [NEW, OLD]])
async def test_a_good_endpoint_is_accepted(secret: Any) -> None:
    async with Receiver().webhook() as webhook:
        webhook.check(an_endpoint(secret))


async def test_a_webhook_answers_no_look_ups() -> None:
    async with Receiver().webhook() as webhook:
        assert not webhook.answers_look_ups(an_endpoint())
        with pytest.raises(Rejected):
            await webhook.look_up(a_post(), an_endpoint())


async def test_nothing_about_a_prepared_post_shows_the_secret() -> None:
    async with Receiver().webhook() as webhook:
        ready = await prepared(webhook)

    assert NEW not in repr(ready)
    assert NEW not in f"{an_endpoint()!r} {an_endpoint()}"
