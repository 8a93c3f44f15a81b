"""What each reply proves about a post, on every network: taken, refused, not sent, or nobody knows."""

from typing import Any

import httpx
import pytest

from services.publisher.platforms.base import Published
from services.publisher.platforms.errors import (
    NotSent,
    PlatformError,
    RateLimited,
    Rejected,
    Unauthorized,
    Unavailable,
    Unconfirmed,
)
from services.publisher.sending.evidence import Evidence
from tests.fakes.networks.base import GARBAGE, HANGS, HANGS_AFTER_LANDING, NEVER_ARRIVED, REPLY_LOST, Fault, Reply
from tests.fakes.networks.gallery import picture
from tests.integration.publisher.conformance.case import Case
from tests.integration.publisher.conformance.cases import CASES
from tests.integration.publisher.conformance.sender import IMPATIENT, a_client, a_sender, answering, outcome_of

PAGE = b"<html><title>Forbidden</title></html>"
HTML = {"content-type": "text/html"}
EVERY = pytest.mark.parametrize("case", CASES, ids=repr)
WITH_A_FORM = pytest.mark.parametrize("case", [case for case in CASES if case.has_error_form], ids=repr)
WITHOUT_A_FORM = pytest.mark.parametrize("case", [case for case in CASES if not case.has_error_form], ids=repr)

IN_DOUBT = (300, 302, 304, 308, 500, 501, 502, 504, 507, 520, 524)


@EVERY
@pytest.mark.parametrize("lands", [True, False], ids=["taken", "not taken"])
@pytest.mark.parametrize("status", IN_DOUBT)
async def test_a_server_that_fails_leaves_the_post_in_doubt(case: Case[Any], status: int, lands: bool) -> None:
    async with a_sender(case) as sender:
        error = await sender.send(Fault(lands=lands, reply=Reply(status, {"message": "oops", "error": "oops"})))

    assert type(error) is Unconfirmed
    assert error.evidence == Evidence.UNKNOWN
    assert len(sender.network.posts) == lands


@EVERY
@pytest.mark.parametrize(
    "fault", [REPLY_LOST, NEVER_ARRIVED, HANGS, HANGS_AFTER_LANDING, GARBAGE],
    ids=["reply lost", "never arrived", "hangs", "hangs after landing", "garbage"],
)  # fmt: skip
async def test_silence_leaves_the_post_in_doubt(case: Case[Any], fault: Fault) -> None:
    async with a_client(IMPATIENT) as client, a_sender(case, client) as sender:
        error = await sender.send(fault)

    assert type(error) is Unconfirmed
    assert error.is_silence


@EVERY
async def test_a_server_that_takes_no_connections_has_got_nothing(case: Case[Any]) -> None:
    async with a_client() as client:
        async with a_sender(case, client) as sender:
            ready = await sender.prepare()
        error = await outcome_of(ready)

    assert type(error) is NotSent
    assert error.evidence == Evidence.NOT_SENT


@EVERY
async def test_a_refusal_is_one(case: Case[Any]) -> None:
    async with a_sender(case) as sender:
        error = await sender.send(case.refusal)

    assert isinstance(error, Rejected)
    assert error.evidence == Evidence.REFUSED
    assert case.refused_with in error.detail.message


@EVERY
async def test_come_back_later_has_taken_nothing(case: Case[Any]) -> None:
    async with a_sender(case) as sender:
        overloaded = await sender.send(case.overloaded)
        busy = [await sender.send(fault(sender.post().publish_at)) for fault in case.busy.values()]

    assert type(overloaded) is Unavailable
    assert {type(error) for error in busy} == {RateLimited}


@WITH_A_FORM
@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 422])
async def test_the_page_of_a_proxy_neither_fails_the_post_nor_holds_the_account(case: Case[Any], status: int) -> None:
    async with a_sender(case) as sender:
        error = await sender.send(Fault(lands=False, reply=Reply(status, PAGE, HTML)))

    assert type(error) is Unconfirmed
    assert "not the network's own answer" in error.detail.message


@WITHOUT_A_FORM
@pytest.mark.parametrize(("status", "kind"), [(400, Rejected), (401, Unauthorized), (403, Rejected), (404, Rejected)])
async def test_an_endpoint_of_anybody_refuses_in_whatever_words(
    case: Case[Any], status: int, kind: type[PlatformError]
) -> None:
    async with a_sender(case) as sender:
        error = await sender.send(Fault(lands=False, reply=Reply(status, PAGE, HTML)))

    assert type(error) is kind


@pytest.mark.parametrize("case", [case for case in CASES if case.replies_tell], ids=repr)
@pytest.mark.parametrize("body", [PAGE, {}, [], b""], ids=["a page", "no id", "a list", "nothing"])
async def test_a_success_without_a_post_confirms_nothing(case: Case[Any], body: Any) -> None:
    async with a_sender(case) as sender:
        error = await sender.send(Fault(lands=True, reply=Reply(200, body)))

    assert type(error) is Unconfirmed
    assert error.detail.code == "unreadable_reply"


DOCUMENTED = [pytest.param(case, name, id=f"{case}-{name}") for case in CASES for name in case.meanings]


@pytest.mark.parametrize(("case", "name"), DOCUMENTED)
async def test_what_a_network_documents_is_understood(case: Case[Any], name: str) -> None:
    fault, expected = case.meanings[name]
    async with a_sender(case) as sender:
        outcome = await sender.send(fault)

    assert type(outcome) is expected, outcome


@pytest.mark.parametrize("case", [case for case in CASES if case.certainty == "answers look-ups"], ids=repr)
@pytest.mark.parametrize(("status", "body"), [(500, b"{}"), (502, PAGE), (503, PAGE), (200, b"[7]")])
async def test_a_look_up_that_is_not_answered_proves_nothing(case: Case[Any], status: int, body: bytes) -> None:
    async with a_sender(case) as sender, answering(httpx.Response(status, content=body)) as client:
        if case.name.startswith("sandbox") and status == httpx.codes.OK:
            pytest.skip("an endpoint of anybody confirms with any 2xx")
        with pytest.raises(Unavailable):
            await case.platform(client).look_up(sender.post(), sender.account)


@pytest.mark.parametrize("case", [case for case in CASES if case.uploads_ahead], ids=repr)
@pytest.mark.parametrize(("status", "body"), [(500, b"{}"), (502, PAGE), (503, PAGE), (403, PAGE)])
async def test_an_upload_that_fails_is_tried_later(case: Case[Any], status: int, body: bytes) -> None:
    data = picture(40, 30)

    def answer(request: httpx.Request) -> httpx.Response:
        is_picture = request.url.host == "gallery.example"
        return httpx.Response(200, content=data) if is_picture else httpx.Response(status, content=body)

    async with a_sender(case) as sender, httpx.AsyncClient(transport=httpx.MockTransport(answer)) as client:
        media = [{"url": "https://gallery.example/ball.png", "alt": "A ball"}]
        with pytest.raises(Unavailable):
            await case.platform(client).prepare(sender.post(media), sender.account)


@EVERY
async def test_a_post_that_is_taken_is_published(case: Case[Any]) -> None:
    async with a_sender(case) as sender:
        published = await outcome_of(await sender.prepare())
        (posted,) = sender.network.posts

        assert isinstance(published, Published), published
        assert (published.platform_post_id, published.url) == (posted.id, case.url_of(sender.network, posted))
