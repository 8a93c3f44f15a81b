"""The HTTP API over a running scheduler and publisher: the life of a post, as another system drives it."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import pytest
import pytest_asyncio

from shared.events.requests import MAX_TARGETS
from tests.fakes.sink import LOST_REPLY, refuse
from tests.integration.console.world import World, a_name, a_post, a_world, connect
from tests.nodes import Broker
from tests.support.system import in_seconds
from tests.support.waiting import LATE, eventually

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(broker_node: Broker, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """Scheduler, publisher and console, with an account on the sink."""
    async with a_world(tmp_path_factory.mktemp("console"), broker_node) as running:
        yield running


async def test_a_scheduled_post_can_be_read_at_once_and_is_published(world: World) -> None:
    name = a_name()

    scheduled = await world.api.call("POST", "/v1/posts", a_post(name, due_in=2.5))
    shown = await world.api.call("GET", f"/v1/posts/{name}")
    published = await world.api.becomes(name, "published")

    assert [accepted["account_id"] for accepted in scheduled["accepted"]] == ["plain"]
    assert (scheduled["pending"], scheduled["rejected"]) == (False, [])
    assert (shown["accounts"][0]["content"], shown["accounts"][0]["revision"]) == ("The ball drops.", 1)
    assert published["url"] == f"https://sink.example/{name}"
    assert published["lateness_ms"] < 1000 * LATE.total_seconds()


async def test_the_same_again_changes_nothing(world: World) -> None:
    body = a_post(a_name())

    first = await world.api.call("POST", "/v1/posts", body)
    again = await world.api.call("POST", "/v1/posts", body)

    assert [one["accepted"][0]["changed"] for one in (first, again)] == [True, False]
    assert again["accepted"][0]["revision"] == 1


async def test_a_post_that_nobody_accepts_is_refused_with_the_reason(world: World) -> None:
    name = a_name()

    status, error = await world.api.refused("POST", "/v1/posts", a_post(name, due_in=-3600))
    shown = await world.api.call("GET", f"/v1/posts/{name}")

    assert (status, error["code"]) == (400, "in_the_past")
    assert "choose a time to come" in error["detail"]
    assert (shown["accounts"], shown["rejections"][0]["code"]) == ([], "in_the_past")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"content": "x", "targets": [{"account_id": "a"}]}, "post_id"),
        (a_post("p", publish_at="tomorrow"), "publish_at"),
        (a_post("p", content=7), "content"),
        (a_post("p", targets=[{"account_id": ""}]), "targets[0].account_id"),
        (a_post("p", media=[{"url": "ftp://x"}]), "media[0].url"),
        (a_post("p", targets=[{"account_id": str(number)} for number in range(MAX_TARGETS + 1)]), "targets"),
        ([], None),
    ],
)
async def test_a_body_that_is_wrong_names_the_field(world: World, body: Any, field: str | None) -> None:
    status, error = await world.api.refused("POST", "/v1/posts", body)

    assert (status, error["code"], error.get("field")) == (400, "invalid", field)


async def test_many_accounts_answer_in_one_request(world: World) -> None:
    name, account_ids = a_name(), [f"account-{number}" for number in range(MAX_TARGETS)]

    scheduled = await world.api.call("POST", "/v1/posts", a_post(name, *account_ids))
    in_time = [accepted["account_id"] for accepted in scheduled["accepted"]]

    async def are_shown() -> bool:
        shown = await world.api.call("GET", f"/v1/posts/{name}")
        return len(shown["accounts"]) == len(account_ids)

    await eventually(are_shown, what=f"{len(account_ids)} accounts are shown")
    assert in_time == account_ids or (scheduled["pending"] and in_time == account_ids[: len(in_time)])


async def test_each_post_of_a_batch_is_accepted_or_rejected_on_its_own(world: World) -> None:
    good, late = a_post(a_name()), a_post(a_name(), due_in=-3600)

    settled = await world.api.call(
        "POST", "/v1/posts:batch", {"batch_id": "b-1", "posts": [good, late, {"post_id": "half"}]}
    )
    shown = await world.api.call("GET", f"/v1/posts/{good['post_id']}")

    assert [accepted["post_id"] for accepted in settled["accepted"]] == [good["post_id"]]
    assert {(one["post_id"], one["code"]) for one in settled["rejected"]} == {
        (late["post_id"], "in_the_past"),
        ("half", "invalid"),
    }
    assert shown["accounts"][0]["content"] == "The ball drops."


async def test_a_change_is_a_new_revision_of_what_is_not_yet_sent(world: World) -> None:
    name, later = a_name(), in_seconds(7200).isoformat()
    await world.api.call("POST", "/v1/posts", a_post(name, media=[{"url": "https://pictures.example/1.png"}]))

    changed = await world.api.call("PATCH", f"/v1/posts/{name}", {"publish_at": later})
    rewritten = await world.api.call("PATCH", f"/v1/posts/{name}", {"content": "New."})
    (post,) = (await world.api.call("GET", f"/v1/posts/{name}"))["accounts"]

    assert [one["accepted"][0]["revision"] for one in (changed, rewritten)] == [2, 3]
    assert (post["revision"], post["content"], post["publish_at"]) == (3, "New.", later.replace("+00:00", "Z"))
    assert post["media"] == [{"url": "https://pictures.example/1.png"}]


async def test_a_change_of_another_revision_than_is_expected_is_a_conflict(world: World) -> None:
    name = a_name()
    await world.api.call("POST", "/v1/posts", a_post(name, expected_revision=0))

    changed = await world.api.call("PATCH", f"/v1/posts/{name}", {"content": "New.", "expected_revision": 1})
    status, error = await world.api.refused("PATCH", f"/v1/posts/{name}", {"content": "Other.", "expected_revision": 1})
    again = await world.api.refused("POST", "/v1/posts", a_post(name, content="Third.", expected_revision=0))

    assert changed["accepted"][0]["revision"] == 2
    assert (status, error["code"]) == (409, "conflict")
    assert error["detail"] == f"expected_revision: '{name}' on 'plain' is at revision 2, not at 1; look at it first"
    assert (again[0], again[1]["code"]) == (400, "conflict")


async def test_a_change_touches_the_account_that_is_named_alone(world: World) -> None:
    name = a_name()
    await world.api.call("POST", "/v1/posts", a_post(name, "plain", "other"))

    changed = await world.api.call("PATCH", f"/v1/posts/{name}", {"content": "New."}, account_id="other")
    shown = await world.api.call("GET", f"/v1/posts/{name}", account_id="plain")
    both = await world.api.call("GET", f"/v1/posts/{name}")
    nowhere = await world.api.refused("PATCH", f"/v1/posts/{name}?account_id=nobody", {"content": "New."})
    partly = await world.api.call("PATCH", f"/v1/posts/{name}", {"content": "Newer.", "account_ids": ["plain", "typo"]})

    assert [one["account_id"] for one in changed["accepted"]] == ["other"]
    assert [one["account_id"] for one in partly["accepted"]] == ["plain"]
    assert [(one["account_id"], one["code"]) for one in partly["rejected"]] == [("typo", "not_found")]
    assert [(one["account_id"], one["content"]) for one in shown["accounts"]] == [("plain", "The ball drops.")]
    assert {one["account_id"]: one["revision"] for one in both["accounts"]} == {"plain": 1, "other": 2}
    assert (nowhere[0], nowhere[1]["field"]) == (404, "account_id")


async def test_a_change_that_one_account_refuses_is_told_of_the_others(world: World) -> None:
    """The accounts are at different revisions, so that the change is asked for in two parts."""
    name, long = a_name(), "x" * 20
    await connect(world.api, world.system, "brief", rules={"text": {"most": 16}})
    await world.api.call("POST", "/v1/posts", a_post(name, "brief", "plain"))
    await world.api.call("PATCH", f"/v1/posts/{name}", {"content": "New."}, account_id="brief")

    changed = await world.api.call("PATCH", f"/v1/posts/{name}", {"content": long})
    refused = await world.api.refused("PATCH", f"/v1/posts/{name}?account_id=brief", {"content": long})

    assert [one["account_id"] for one in changed["accepted"]] == ["plain"]
    assert [(one["account_id"], one["code"]) for one in changed["rejected"]] == [("brief", "content_too_long")]
    assert (refused[0], refused[1]["code"]) == (400, "content_too_long")


async def test_whoever_changes_what_another_has_changed_is_told_so(world: World) -> None:
    name = a_name()
    await world.api.call("POST", "/v1/posts", a_post(name))
    seen = {"If-Match": (await world.api.http.get(f"/v1/posts/{name}")).headers["ETag"]}

    first = await world.api.http.patch(f"/v1/posts/{name}", json={"content": "Mine."}, headers=seen)
    second = await world.api.http.patch(f"/v1/posts/{name}", json={"content": "Yours."}, headers=seen)
    (shown,) = (await world.api.call("GET", f"/v1/posts/{name}"))["accounts"]

    assert first.status_code == 202
    assert (second.status_code, second.json()["code"]) == (412, "conflict")
    assert shown["content"] == "Mine."


async def test_whoever_cancels_what_another_has_changed_is_told_so(world: World) -> None:
    name = a_name()
    await world.api.call("POST", "/v1/posts", a_post(name))
    seen = {"If-Match": (await world.api.http.get(f"/v1/posts/{name}")).headers["ETag"]}
    await world.api.call("PATCH", f"/v1/posts/{name}", {"content": "Mine."})

    refused = await world.api.http.delete(f"/v1/posts/{name}", headers=seen)
    (shown,) = (await world.api.call("GET", f"/v1/posts/{name}"))["accounts"]
    seen_again = {"If-Match": (await world.api.http.get(f"/v1/posts/{name}")).headers["ETag"]}
    taken = await world.api.http.delete(f"/v1/posts/{name}", headers=seen_again)

    assert (refused.status_code, refused.json()["code"]) == (412, "conflict")
    assert refused.headers["content-type"] == "application/problem+json"
    assert shown["state"] == "scheduled"
    assert taken.status_code == 202


async def test_of_two_changes_at_once_neither_is_reverted_without_a_word(world: World) -> None:
    name, later = a_name(), in_seconds(7200).isoformat()
    await world.api.call("POST", "/v1/posts", a_post(name))

    answers = await asyncio.gather(
        world.api.http.patch(f"/v1/posts/{name}", json={"content": "New."}),
        world.api.http.patch(f"/v1/posts/{name}", json={"publish_at": later}),
    )
    (shown,) = (await world.api.call("GET", f"/v1/posts/{name}"))["accounts"]

    taken = [one.status_code for one in answers]
    assert set(taken) <= {202, 409}
    assert (shown["content"] == "New.") is (taken[0] == 202)
    assert (shown["publish_at"] == later.replace("+00:00", "Z")) is (taken[1] == 202)


async def test_what_has_been_published_can_neither_change_nor_be_cancelled(world: World) -> None:
    name = a_name()
    await world.api.call("POST", "/v1/posts", a_post(name, due_in=0))
    await world.api.becomes(name, "published")

    changed = await world.api.refused("PATCH", f"/v1/posts/{name}", {"content": "New."})
    cancelled = await world.api.refused("DELETE", f"/v1/posts/{name}")

    assert (changed[0], changed[1]["code"]) == (409, "nothing_to_change")
    assert (cancelled[0], cancelled[1]["code"]) == (409, "already_published")


async def test_a_post_is_cancelled_on_one_account_and_then_on_all(world: World) -> None:
    name = a_name()
    await world.api.call("POST", "/v1/posts", a_post(name, "plain", "other", "third"))

    one = await world.api.call("DELETE", f"/v1/posts/{name}", account_id="other")
    states = {
        post["account_id"]: post["state"] for post in (await world.api.call("GET", f"/v1/posts/{name}"))["accounts"]
    }
    everywhere = await world.api.call("DELETE", f"/v1/posts/{name}")

    assert [cancelled["account_id"] for cancelled in one["cancelled"]] == ["other"]
    assert states == {"plain": "scheduled", "other": "cancelled", "third": "scheduled"}
    assert {cancelled["account_id"] for cancelled in everywhere["cancelled"]} == {"plain", "other", "third"}
    assert (await world.api.becomes(name, "cancelled"))["reason"] == "requested"


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
async def test_a_post_nobody_knows_is_not_found(world: World, method: str) -> None:
    status, error = await world.api.refused(method, "/v1/posts/nobody-knows", {} if method == "PATCH" else None)

    assert (status, error["code"]) == (404, "not_found")


async def test_a_failed_post_is_tried_again(world: World) -> None:
    name = a_name()
    world.system.sink.will_answer(name, refuse(422))
    await world.api.call("POST", "/v1/posts", a_post(name, due_in=0))
    failed = await world.api.becomes(name, "failed")

    asked = await world.api.call("POST", f"/v1/posts/{name}/accounts/plain:retry")

    assert (asked["state"], asked["pending"]) == ("retrying", False)
    assert failed["error"]["code"]
    assert (await world.api.becomes(name, "published"))["error"] is None
    again = await world.api.refused("POST", f"/v1/posts/{name}/accounts/plain:retry")
    assert (again[0], again[1]["code"]) == (409, "wrong_state")


async def test_an_unknown_outcome_is_settled_by_a_person(world: World) -> None:
    name = a_name()
    world.system.sink.will_answer(name, LOST_REPLY)
    await world.api.call("POST", "/v1/posts", a_post(name, due_in=0))
    await world.api.becomes(name, "unknown")

    wrong = await world.api.refused("POST", f"/v1/posts/{name}/accounts/plain:resolve", {"outcome": "perhaps"})
    settled = {"outcome": "published", "platform_post_id": "seen-1"}
    answer = await world.api.call("POST", f"/v1/posts/{name}/accounts/plain:resolve", settled)

    assert (answer["state"], answer["pending"]) == ("published", False)
    assert (wrong[0], wrong[1]["field"]) == (400, "outcome")
    assert (await world.api.becomes(name, "published"))["platform_post_id"] == "seen-1"


async def test_ids_may_hold_anything_that_the_contract_allows(world: World) -> None:
    name, account_id = f"2027/spring sale?#{uuid4().hex[:6]}", "team/é:retry"
    path = f"/v1/posts/{quote(name, safe='')}"

    await connect(world.api, world.system, quote(account_id, safe=""))
    await world.api.call("POST", "/v1/posts", a_post(name, account_id))
    shown = await world.api.call("GET", path)
    cancelled = await world.api.call("DELETE", path)

    assert shown["post_id"] == name
    assert cancelled["cancelled"][0]["account_id"] == account_id


async def test_posts_are_listed_page_by_page(world: World) -> None:
    names = sorted(a_name() for _ in range(5))
    posts = [a_post(name, "paged", due_in=9000) for name in names]
    await world.api.call("POST", "/v1/posts:batch", {"batch_id": "pages", "posts": posts})

    listed: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = await world.api.call("GET", "/v1/posts", account_id="paged", order="asc", limit=2, **cursor)
        listed += [post["post_id"] for post in page["posts"]]
        if page["next"] is None:
            break
        cursor = {"cursor": page["next"]}

    assert sorted(listed) == names
    status, error = await world.api.refused("GET", "/v1/posts?cursor=nonsense")
    assert (status, error["field"]) == (400, "cursor")
    status, error = await world.api.refused("GET", "/v1/posts?state=lost")
    assert (status, error["field"]) == (400, "state[0]")


async def test_what_repeats_is_single_posts_and_asked_again_does_nothing_twice(world: World) -> None:
    name = a_name()
    first = (in_seconds(30 * 86_400)).replace(hour=9, minute=0, second=0, microsecond=0)
    at = {"local": first.strftime("%Y-%m-%dT%H:%M"), "zone": "UTC"}
    post = {"post_id": name, "content": "Again.", "publish_at": at, "targets": [{"account_id": "plain"}]}

    twice = await world.api.call("POST", "/v1/posts:repeat", {"post": post, "repeat": {"every": "day", "times": 2}})
    thrice = await world.api.call("POST", "/v1/posts:repeat", {"post": post, "repeat": {"every": "day", "times": 3}})

    ids = [one["post_id"] for one in thrice["posts"]]
    assert ids[0] == f"{name}.{first:%Y%m%dT%H%M%S}"
    assert [one["changed"] for one in twice["accepted"]] == [True, True]
    assert [(one["post_id"], one["changed"]) for one in thrice["accepted"]] == list(
        zip(ids, (False, False, True), strict=True)
    )
    shown = await world.api.call("GET", f"/v1/posts/{quote(ids[2])}")
    assert (shown["accounts"][0]["content"], shown["accounts"][0]["state"]) == ("Again.", "scheduled")


@pytest.mark.parametrize(
    ("publish_at", "repeat", "reason"),
    [
        ("2099-01-01T09:00:00Z", {"every": "day", "times": 2}, "what repeats goes by the clock of a zone"),
        ({"local": "2099-01-01T09:00", "zone": "Mars/Olympus"}, {"every": "day", "times": 2}, "unknown time zone"),
        ({"local": "2099-01-01T09:00", "zone": "UTC"}, {"every": "day", "times": 101}, "repeat.times"),
        ({"local": "2020-01-01T09:00", "zone": "UTC"}, {"every": "day", "times": 2}, "choose a time to come"),
        ({"local": "9999-12-31T09:00", "zone": "UTC"}, {"every": "month", "times": 2}, "post.publish_at"),
    ],
)
async def test_what_cannot_repeat_is_refused(
    world: World, publish_at: Any, repeat: dict[str, Any], reason: str
) -> None:
    post = {"post_id": a_name(), "content": "Again.", "publish_at": publish_at, "targets": [{"account_id": "plain"}]}

    status, error = await world.api.refused("POST", "/v1/posts:repeat", {"post": post, "repeat": repeat})

    assert (status, reason in error["detail"]) == (400, True), error


async def test_what_was_changed_meanwhile_is_not_cancelled(world: World) -> None:
    name = a_name()
    await world.api.call("POST", "/v1/posts", a_post(name))
    await world.api.call("PATCH", f"/v1/posts/{name}", {"content": "Said differently."})

    refused = await world.api.refused("DELETE", f"/v1/posts/{name}?expected_revision=1")
    cancelled = await world.api.call("DELETE", f"/v1/posts/{name}", expected_revision=2)

    assert (refused[0], refused[1]["code"]) == (409, "conflict")
    assert [one["revision"] for one in cancelled["cancelled"]] == [3]
