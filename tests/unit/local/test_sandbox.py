"""The sandbox takes every post once, fails when asked to, and survives whatever it is sent."""

import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from deploy.local.sandbox.app import make_app
from deploy.local.sandbox.posts import Post
from deploy.local.sandbox.timeline import Timeline
from tests.fakes.clock import FakeClock
from tests.support.waiting import PATIENCE

NOON = datetime(2027, 3, 28, 12, 0, tzinfo=UTC)


def body(post_id: str = "p1", account_id: str = "a1", **fields: Any) -> dict[str, Any]:
    content = {"post_id": post_id, "account_id": account_id, "content": "hello", "publish_at": NOON.isoformat()}
    return {"type": "post", "timestamp": NOON.isoformat(), "data": content | fields}


def failing(fail: str, times: int = 1) -> dict[str, Any]:
    return body(options={"sandbox": {"fail": fail, "times": times}})


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(NOON)


@pytest.fixture
async def sandbox(clock: FakeClock) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(make_app("http://127.0.0.1:8090", clock=clock, slow_seconds=0))
    async with httpx.AsyncClient(transport=transport, base_url="http://sandbox") as client:
        yield client


@pytest.fixture
def server() -> Iterator[str]:
    command = [sys.executable, "-m", "deploy.local.sandbox", "--port", "0", "--slow-seconds", "2"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        yield process.stdout.readline().split()[-1]
        process.send_signal(signal.SIGTERM)


async def received(sandbox: httpx.AsyncClient) -> dict[str, Any]:
    everything: dict[str, Any] = (await sandbox.get("/api/received")).json()
    return everything


@pytest.mark.parametrize("path", ["/posts", "/alice/posts", "/some/account/posts"])
async def test_a_post_is_answered_with_its_id_and_address(sandbox: httpx.AsyncClient, path: str) -> None:
    reply = await sandbox.post(path, json=body())

    assert reply.status_code == 200
    assert reply.json()["id"].startswith("sb-")
    assert reply.json()["url"] == f"http://127.0.0.1:8090/p/{reply.json()['id']}"


async def test_the_same_post_again_is_stored_once_and_counted(sandbox: httpx.AsyncClient) -> None:
    first = await sandbox.post("/posts", json=body())
    again = await sandbox.post("/posts", json=body())
    other = await sandbox.post("/posts", json=body(account_id="a2"))

    assert again.json() == first.json() != other.json()
    everything = await received(sandbox)
    assert (everything["total"], everything["repeats"]) == (2, 1)
    assert [post["repeats"] for post in everything["posts"]] == [1, 0]


@pytest.mark.parametrize("path", ["/posts", "/alice/posts"])
async def test_a_post_is_found_by_its_key(sandbox: httpx.AsyncClient, path: str) -> None:
    sent = await sandbox.post(path, json=body())

    found = await sandbox.get(path, params={"post_id": "p1", "account_id": "a1"})
    missing = await sandbox.get(path, params={"post_id": "p1", "account_id": "a2"})

    assert found.json() == sent.json()
    assert missing.status_code == (await sandbox.get(path)).status_code == 404


async def test_everything_received_is_told_with_its_lateness(sandbox: httpx.AsyncClient, clock: FakeClock) -> None:
    clock.advance(timedelta(milliseconds=12.5))

    await sandbox.post("/posts", json=body(media=[{"url": "http://x/1.png"}], options={"a": 1}))

    (post,) = (await received(sandbox))["posts"]
    assert post["lateness_ms"] == 12.5
    assert datetime.fromisoformat(post["received_at"]) == NOON + timedelta(milliseconds=12.5)
    assert (post["post_id"], post["content"], post["options"]) == ("p1", "hello", {"a": 1})


async def test_pages_show_a_post_and_escape_it(sandbox: httpx.AsyncClient) -> None:
    attack = "<script>alert('&')</script>"
    sent = await sandbox.post("/posts", json=body(content=attack, account_id=attack))

    for path in ("/", f"/p/{sent.json()['id']}"):
        page = await sandbox.get(path)
        assert "&lt;script&gt;" in page.text
        assert "<script" not in page.text
        assert "default-src 'none'" in page.headers["content-security-policy"]
    assert (await sandbox.get("/p/sb-unknown")).status_code == 404


@pytest.mark.parametrize(("fail", "status"), [("transient", 503), ("permanent", 422), ("rate_limited", 429)])
async def test_a_fault_lasts_for_the_attempts_asked_for(sandbox: httpx.AsyncClient, fail: str, status: int) -> None:
    replies = [await sandbox.post("/posts", json=failing(fail, times=2)) for _ in range(3)]

    assert [reply.status_code for reply in replies] == [status, status, 200]
    assert all(reply.json()["error"] for reply in replies[:2])
    assert (await received(sandbox))["repeats"] == 0


async def test_a_rate_limit_says_how_long_to_wait(sandbox: httpx.AsyncClient) -> None:
    reply = await sandbox.post("/posts", json=failing("rate_limited"))

    assert reply.headers["retry-after"] == "2"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no json",
        b"\xff\xfe",
        b"[]",
        b"null",
        b"[" * 100_000,
        b'{"type":"post"}',
        b'{"type":"post","data":[]}',
        b'{"type":"publish.succeeded","data":{"post_id":"p","account_id":"a"}}',
        b'{"type":"post","data":{"post_id":"","account_id":"a"}}',
        b'{"type":"post","data":{"post_id":7,"account_id":"a"}}',
        b'{"type":"post","data":{"post_id":"p","account_id":"a","publish_at":"noon"}}',
        b'{"type":"post","data":{"post_id":"p","account_id":"a","publish_at":"2027-01-01T00:00:00"}}',
        b'{"type":"post","data":{"post_id":"p","account_id":"a","options":{"sandbox":{"fail":"often"}}}}',
        b'{"type":"post","data":{"post_id":"p","account_id":"a","options":{"sandbox":{"fail":"slow","times":-1}}}}',
    ],
)
async def test_a_bad_request_is_told_why_and_leaves_nothing(sandbox: httpx.AsyncClient, content: bytes) -> None:
    reply = await sandbox.post("/posts", content=content)

    assert reply.status_code == 400
    assert reply.json()["error"]
    assert (await received(sandbox))["total"] == 0


async def test_a_body_too_large_is_refused(sandbox: httpx.AsyncClient) -> None:
    assert (await sandbox.post("/posts", content=b"x" * 2_000_000)).status_code == 413


async def test_numbers_that_are_none_do_not_spoil_the_list(sandbox: httpx.AsyncClient) -> None:
    odd = b'{"type":"post","data":{"post_id":"p","account_id":"a","options":{"x":1e999}}}'
    assert (await sandbox.post("/posts", content=odd)).status_code == 200

    assert (await received(sandbox))["posts"][0]["options"] == {"x": None}


def test_the_oldest_posts_and_attempts_are_forgotten() -> None:
    timeline = Timeline("http://sandbox", size=2)
    posts = [Post(post_id=str(number), account_id="a") for number in range(3)]
    first, *_ = [timeline.accept(post, NOON) for post in posts if timeline.attempt(post)]

    assert [post.post_id for post in timeline] == ["1", "2"]
    assert timeline.by_id(first.id) is timeline.find("0", "a") is None
    assert timeline.total == 3
    assert [timeline.attempt(post) for post in reversed(posts)] == [2, 2, 1]


def test_a_lost_reply_means_accepted_but_not_answered(server: str) -> None:
    with httpx.Client(base_url=server, trust_env=False) as client:
        with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
            client.post("/posts", json=failing("lost_reply"))
        found = client.get("/posts", params={"post_id": "p1", "account_id": "a1"})
        again = client.post("/posts", json=failing("lost_reply"))

    assert found.status_code == 200
    assert again.json() == found.json()
    assert found.json()["url"].startswith(f"{server}/p/sb-")


def test_a_slow_reply_means_accepted_before_it_is_answered(server: str) -> None:
    with httpx.Client(base_url=server, trust_env=False) as client:
        with pytest.raises(httpx.ReadTimeout):
            client.post("/posts", json=failing("slow"), timeout=httpx.Timeout(PATIENCE, read=0.1))
        found = client.get("/posts", params={"post_id": "p1", "account_id": "a1"})

    assert found.status_code == 200


def test_a_running_sandbox_is_healthy(server: str) -> None:
    assert httpx.get(f"{server}/healthz", trust_env=False).text == "ok"
