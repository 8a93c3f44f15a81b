"""The sandbox platform is checked before use, and asked for a post only where it says it can tell."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest

from services.publisher.platforms import platforms
from services.publisher.platforms.base import Account, Platform, Published
from services.publisher.platforms.errors import RateLimited, Rejected, Unavailable
from services.publisher.platforms.sandbox.platform import Sandbox
from shared.clocks.clock import Clock, SystemClock
from shared.events.rules import OptionRule, PostRules, TextRule
from tests.fakes.clock import FakeClock
from tests.support.publications import NOON, a_post, an_account

Answer = Callable[[httpx.Request], httpx.Response]


def on(url: Any, **settings: Any) -> Account:
    return an_account("sandbox", settings={"url": url} | settings)


def sandbox(answer: Answer = lambda _: httpx.Response(200), clock: Clock | None = None) -> Sandbox:
    client = httpx.AsyncClient(transport=httpx.MockTransport(answer))
    return Sandbox(client, clock=clock or SystemClock())


@pytest.mark.parametrize("name", ["sandbox", "webhook"])
def test_a_platform_is_known_by_its_name(name: str) -> None:
    known = platforms(httpx.AsyncClient())

    platform: Platform = known[name]
    assert platform.name == name


@pytest.mark.parametrize("url", ["http://127.0.0.1:8090/posts", "https://sandbox.example/a%20b?c=d", "http://[::1]/"])
def test_an_http_url_is_accepted(url: str) -> None:
    sandbox().check(on(url))


BAD_URLS = [
    *(None, "", 7, ["http://x.example"]),
    *("sandbox.example", "ftp://x.example/", "file:///etc/passwd", "http://", "http:x"),
    *("http://[::1", "http://x.example:99999/", "http://x.example:port/", "http://exa mple.com/", "http://\x00/"),
]


@pytest.mark.parametrize("url", BAD_URLS)
def test_anything_else_is_refused_with_the_value_named(url: Any) -> None:
    with pytest.raises(Rejected, match=r"settings\.url: give the address to post to, .*https://.*\(") as caught:
        sandbox().check(on(url))

    assert ("it is missing" if url is None else f"got {url!r}") in str(caught.value)
    assert caught.value.detail.code == "invalid_settings"


async def test_the_settings_may_have_rules() -> None:
    strict = on("http://x.example", rules={"text": {"most": 5}, "options": [{"name": "title", "required": True}]})

    sandbox().check(strict)

    assert await sandbox().rules(strict) == PostRules(
        text=TextRule(most=5), options=(OptionRule(name="title", required=True),)
    )
    assert await sandbox().rules(on("http://x.example")) == PostRules()


@pytest.mark.parametrize(
    ("rules", "reason"),
    [
        ({"text": {"most": -1}}, "settings.rules: text.most: Input should be greater than or equal to 0 (got -1)"),
        (
            {"text": {"most": 5, "counted_in": "words"}},
            "settings.rules: text.counted_in: Input should be 'characters', ",
        ),
        ({"text": {}}, "settings.rules: text.most: this field is required"),
        ("strict", "settings.rules: Input should be an object"),
        (None, "settings.rules: Input should be an object"),
    ],
)
def test_rules_that_are_none_are_refused_when_the_account_is_connected(rules: Any, reason: str) -> None:
    with pytest.raises(Rejected) as caught:
        sandbox().check(on("http://x.example", rules=rules))

    assert caught.value.detail.message.startswith(reason)
    assert caught.value.detail.code == "invalid_settings"


@pytest.mark.parametrize(("given", "answers"), [({}, False), ({"answers_lookups": True}, True)])
@pytest.mark.parametrize("other", [False, 1, "true", None])
def test_look_ups_are_answered_only_where_the_settings_say_so(
    given: dict[str, bool], answers: bool, other: object
) -> None:
    assert sandbox().answers_look_ups(on("http://x.example", **given)) is answers
    assert not sandbox().answers_look_ups(on("http://x.example", answers_lookups=other))


async def test_a_look_up_finds_the_post() -> None:
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200, json={"id": "17", "url": "http://x.example/17"})

    found = await sandbox(answer).look_up(a_post(), on("http://x.example/posts"))

    assert found == Published("17", "http://x.example/17")
    assert [(one.method, str(one.url)) for one in asked] == [
        ("GET", "http://x.example/posts?post_id=post&account_id=account")
    ]


async def test_a_look_up_that_finds_nothing_says_so() -> None:
    found = await sandbox(lambda _: httpx.Response(404)).look_up(a_post(), on("http://x.example"))

    assert found is None


@pytest.mark.parametrize(("status", "kind"), [(403, Rejected), (410, Rejected), (503, Unavailable)])
async def test_a_look_up_that_fails_is_not_taken_for_an_answer(status: int, kind: type[Exception]) -> None:
    with pytest.raises(kind):
        await sandbox(lambda _: httpx.Response(status)).look_up(a_post(), on("http://x.example"))


async def test_a_wait_until_a_date_is_counted_by_the_sandboxs_clock() -> None:
    headers = {"retry-after": (NOON + timedelta(seconds=40)).strftime("%a, %d %b %Y %H:%M:%S GMT")}
    busy = sandbox(lambda _: httpx.Response(429, headers=headers), FakeClock(NOON))

    with pytest.raises(RateLimited) as caught:
        await busy.look_up(a_post(), on("http://x.example"))

    assert caught.value.retry_after == timedelta(seconds=40)
