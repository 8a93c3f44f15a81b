"""The audit: every act leaves a row and an event with it, nothing secret is in either, and it can be searched."""

import asyncio
import json
from contextlib import suppress
from datetime import timedelta
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from structlog.testing import capture_logs

from services.console import retention
from services.console.access.attempts import MOST_FAILURES
from services.console.access.audit import SHOWN
from services.console.api import auditing
from services.console.tables.audit import act_objects, acts, outbox
from services.console.tables.core import metadata
from shared.database.purging import Purge
from shared.events.console import ConsoleActed
from shared.events.maintenance import RetentionPurgeRequested
from tests.fakes.clock import FakeClock
from tests.integration.console.consoles import ADMIN_TOKEN, NOW, Replica

Act = dict[str, Any]


async def audit(replica: Replica, **wanted: Any) -> list[Act]:
    """What was done, the first first, without the asking itself; asked from where nobody has guessed."""
    async with replica.client(ADMIN_TOKEN, client=("192.0.2.1", 1)) as http:
        answer = await http.get("/v1/audit", params=wanted)
    assert answer.status_code == 200, answer.text
    found: list[Act] = answer.json()["acts"]
    return found[::-1]


async def everything_kept(replica: Replica) -> str:
    """Every row of every table of the console, events to be told among them."""
    told = []
    async with replica.console.tokens.database.reading() as connection:
        for table in metadata.sorted_tables:
            told += [str(tuple(row)) for row in await connection.execute(text(f"SELECT * FROM {table.name}"))]
    return "\n".join(told)


async def events(replica: Replica) -> list[ConsoleActed]:
    async with replica.console.tokens.database.reading() as connection:
        bodies = (await connection.execute(outbox.select().order_by(outbox.c.created_at))).mappings().all()
    return [ConsoleActed.model_validate_json(row["body"]) for row in bodies]


async def test_an_act_is_written_down_with_who_what_whence_and_how_it_ended(replica: Replica, clock: FakeClock) -> None:
    secret = await replica.token("anna", "write")
    clock.advance(timedelta(seconds=1))

    async with replica.client(secret, headers={"User-Agent": "timeball/1.0"}) as http:
        await http.delete("/v1/posts/spring-sale", params={"account_id": "team"}, headers={"If-Match": '"old"'})

    created, cancelled = await audit(replica)
    assert (created["who"], created["act"], created["objects"]) == (
        "local", "create_token", [{"kind": "token", "id": "anna"}],
    )  # fmt: skip
    assert cancelled["objects"] == [{"kind": "post", "id": "spring-sale"}, {"kind": "account", "id": "team"}]
    told = {name: cancelled[name] for name in ("who", "via", "address", "act", "count", "outcome", "code", "acted_at")}
    assert told == {
        "who": "anna", "via": "command line", "address": "198.51.100.7", "act": "cancel_post", "count": 2,
        "outcome": "refused", "code": cancelled["code"], "acted_at": "2027-03-28T12:00:01Z",
    }  # fmt: skip
    assert [event.act_id for event in await events(replica)] == [created["act_id"], cancelled["act_id"]]


@pytest.mark.parametrize("name", ["launch-👩\u200d💻", "l'été\u00a02027", "\u200f\u05e9\u05dc\u05d2"])
async def test_an_act_is_found_by_an_id_in_any_script(replica: Replica, name: str) -> None:
    async with replica.client(ADMIN_TOKEN) as http:
        await http.delete(f"/v1/posts/{quote(name, safe='')}", headers={"If-Match": '"old"'})

    (act,) = await audit(replica, object=name)
    assert act["objects"] == [{"kind": "post", "id": name}]


@pytest.mark.parametrize("name", ["a\nb", "a\x00b", "a" * 201])
async def test_what_can_be_no_id_keeps_no_act_from_being_written_down(replica: Replica, name: str) -> None:
    async with replica.client(ADMIN_TOKEN) as http:
        await http.delete("/v1/accounts/team", params={"account_id": name})

    (act,) = await audit(replica)
    assert act["objects"] == [{"kind": "account", "id": "team"}]


async def test_a_refused_scope_and_a_foreign_page_are_written_down(replica: Replica) -> None:
    secret = await replica.token("reader")
    async with replica.client(secret) as http, replica.client() as browser:
        await http.delete("/v1/accounts/team")
        await browser.post("/sign-in", data={"token": ADMIN_TOKEN})
        await browser.delete("/v1/accounts/team", headers={"Sec-Fetch-Site": "cross-site"})

    told = [(one["who"], one["act"], one["outcome"], one["code"]) for one in await audit(replica, object="team")]
    assert sorted(told) == [
        ("local", "disconnect_account", "refused", "foreign_request"),
        ("reader", "disconnect_account", "refused", "scope_needed"),
    ]


async def test_signing_in_and_out_is_written_down_and_so_is_who_could_not(replica: Replica, clock: FakeClock) -> None:
    async with replica.client() as browser:
        for step in (
            browser.post("/sign-in", data={"token": "wrong"}),
            browser.get("/sign-in/wrong"),
            browser.post("/sign-in", data={"token": ADMIN_TOKEN}),
            browser.post("/sign-in-links"),
            browser.post("/sign-out-everywhere"),
            browser.post("/sign-in", data={"token": ADMIN_TOKEN}),
            browser.post("/sign-out"),
            browser.post("/sign-out"),
        ):
            await step
            clock.advance(timedelta(seconds=1))

    assert [(one["who"], one["act"], one["outcome"]) for one in await audit(replica)] == [
        ("unknown", "sign_in", "refused"),
        ("unknown", "sign_in_by_link", "refused"),
        ("local", "sign_in", "done"),
        ("local", "make_sign_in_link", "done"),
        ("local", "sign_out_everywhere", "done"),
        ("local", "sign_in", "done"),
        ("local", "sign_out", "done"),
    ]


async def test_whoever_guesses_fills_no_table(replica: Replica) -> None:
    async with replica.client() as browser, replica.client("tbl_wrong") as http:
        for _ in range(MOST_FAILURES + 5):
            await browser.post("/sign-in", data={"token": "wrong"})
            await browser.get("/sign-in/wrong")
            await http.delete("/v1/accounts/team")

    at_the_api = 1  # which is not written down
    assert len(await audit(replica)) == MOST_FAILURES - at_the_api


async def test_acts_that_cannot_be_written_down_are_told_once_a_minute_and_when_they_can_be_again(
    replica: Replica, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a full disk each does, and a line for each would fill what is left of it."""
    now, full = [1_000.0], OperationalError("INSERT", {}, Exception("database or disk is full"))

    async def written(_: ConsoleActed) -> None:
        if full_until > now[0]:
            raise full

    monkeypatch.setattr(auditing, "monotonic", lambda: now[0])
    audit = SimpleNamespace(write=written)
    monkeypatch.setattr(replica.app.state, "console", SimpleNamespace(**vars(replica.console) | {"audit": audit}))
    full_until = 1_100.0

    with capture_logs() as lines:
        async with replica.client(ADMIN_TOKEN) as http:
            for _ in range(12):
                await http.delete("/v1/tokens/none")
                now[0] += 10.0

    told = [(line["event"], line["not_written"]) for line in lines if line["event"].startswith("audit")]
    assert told == [("audit_failed", 1), ("audit_failed", 7), ("audit_goes_on", 10)]


async def test_looking_is_no_act(replica: Replica) -> None:
    async with replica.client(ADMIN_TOKEN) as http:
        for path in ("/v1/accounts", "/v1/tokens", "/v1/audit", "/v1/workspaces"):
            assert (await http.get(path)).status_code == 200

    assert await audit(replica) == []


async def test_many_posts_at_once_are_one_act_with_their_number(replica: Replica) -> None:
    posts = [
        {"post_id": f"post-{number}", "targets": [{"account_id": "team"}], "content": "x"} for number in range(300)
    ]
    async with replica.client(ADMIN_TOKEN) as http:
        with pytest.raises(AttributeError):  # there is no broker: it fails, and that is written down as well
            await http.post("/v1/posts:batch", json={"batch_id": "april", "posts": posts})

    (act,) = await audit(replica)
    assert (act["act"], act["count"], len(act["objects"]), act["outcome"]) == ("schedule_batch", 300, SHOWN, "failed")
    assert [one["act_id"] for one in await audit(replica, object="post-299")] == [act["act_id"]]
    (event,) = await events(replica)
    assert len(event.objects) == 300


async def test_a_post_that_repeats_is_one_act_on_it_and_its_accounts(replica: Replica) -> None:
    post = {"post_id": "stand-up", "targets": [{"account_id": "team"}], "content": "x"}
    first = {"publish_at": {"local": "2099-01-01T09:00", "zone": "UTC"}}
    async with replica.client(ADMIN_TOKEN) as http:
        with pytest.raises(AttributeError):  # there is no broker: it fails, and that is written down as well
            await http.post("/v1/posts:repeat", json={"post": post | first, "repeat": {"every": "day", "times": 3}})

    (act,) = await audit(replica)
    assert act["act"] == "repeat_post"
    assert act["objects"] == [{"kind": "post", "id": "stand-up"}, {"kind": "account", "id": "team"}]


async def test_acts_are_found_by_who_what_and_object_page_by_page(replica: Replica, clock: FakeClock) -> None:
    async with replica.client(await replica.token("anna", "admin")) as anna, replica.client(ADMIN_TOKEN) as local:
        for number in range(5):
            clock.advance(timedelta(seconds=number % 2))  # some at the same instant
            await anna.delete("/v1/accounts/team")
            await local.delete(f"/v1/accounts/account-{number}")

        pages: list[list[Act]] = []
        cursor = None
        while cursor is not None or not pages:
            asked: dict[str, Any] = {"act": "disconnect_account", "limit": 3} | ({"cursor": cursor} if cursor else {})
            answer = (await local.get("/v1/audit", params=asked)).json()
            pages.append(answer["acts"])
            cursor = answer["next"]
        first = (await local.get("/v1/audit", params={"object": "team", "limit": 3})).json()
        rest = (await local.get("/v1/audit", params={"object": "team", "cursor": first["next"]})).json()

    found = [one for page in pages for one in page]
    assert [len(page) for page in pages] == [3, 3, 3, 1]
    assert len({one["act_id"] for one in found}) == 10
    assert [one["acted_at"] for one in found] == sorted((one["acted_at"] for one in found), reverse=True)
    assert {one["who"] for one in (*first["acts"], *rest["acts"])} == {"anna"}
    assert len({one["act_id"] for one in (*first["acts"], *rest["acts"])}) == 5
    assert len(await audit(replica, who="anna")) == 5


async def test_no_secret_is_in_any_row_or_event(replica: Replica) -> None:
    """Canaries in every field that carries a secret, and in those where one is put by mistake."""
    canary = "canary-4f1d"
    bodies: list[tuple[str, str, Any]] = [
        (
            "PUT",
            "/v1/accounts/team",
            {"platform": "x", "credentials": {"access_token": canary, "client_secret": canary}},
        ),
        ("PUT", "/v1/accounts/team", {"platform": "x", "credentials": canary}),
        ("PUT", "/v1/accounts/team", {"platform": "x", "settings": {"token": canary}, "sealed_credentials": canary}),
        ("PUT", "/v1/accounts/team", {"platform": "x", "credential": {"password": canary}}),
        ("PUT", "/v1/workspaces/shop", {"notify_urls": [f"slack://{canary}"], "sealed_notify": canary}),
        ("POST", "/v1/posts", {"post_id": "a", "targets": [], "content": canary, "callback_url": canary}),
        ("POST", "/v1/tokens", {"name": "b", "scope": canary}),
    ]
    secret = await replica.token("anna", "admin")
    async with replica.client(secret) as http, replica.client() as browser:
        for method, path, body in bodies:
            with suppress(AttributeError, KeyError):  # what would be sent next has no broker, and no key to seal with
                await http.request(method, path, content=json.dumps(body))
        await browser.post("/sign-in", data={"token": canary})
        await browser.get(f"/sign-in/{canary}")
        await browser.post("/sign-in", data={"token": secret})
        link = (await browser.post("/sign-in-links")).json()["path"]

    kept = await everything_kept(replica)
    assert len(await audit(replica)) >= len(bodies)
    for hidden in (canary, secret, link.rpartition("/")[2], ADMIN_TOKEN, *browser.cookies.values()):
        assert hidden not in kept


async def test_acts_are_kept_for_as_long_as_the_settings_say(replica: Replica, clock: FakeClock) -> None:
    async with replica.client(ADMIN_TOKEN) as http:
        await http.delete("/v1/accounts/old")
        clock.advance(timedelta(days=100))
        await http.delete("/v1/accounts/new")
    clock.advance(timedelta(days=300))
    database = replica.console.tokens.database
    rules = [rule for rule in retention.rules(audit=timedelta(days=365)) if rule.table in (acts, act_objects)]

    deleted = await Purge(database, clock, asyncio.Event()).run(
        rules, RetentionPurgeRequested(before=NOW + timedelta(days=393))
    )

    assert deleted == 2
    assert [one["objects"][0]["id"] for one in await audit(replica)] == ["new"]


async def test_an_act_on_many_posts_names_its_run_and_its_posts(replica: Replica) -> None:
    chosen = [{"post_id": f"sale-{number}", "account_id": "team"} for number in range(3)]
    async with replica.client(ADMIN_TOKEN) as http:
        run = (await http.post("/v1/bulk", json={"act": "cancel", "posts": chosen})).json()
        await http.post(f"/v1/bulk/{run['id']}:start")
        await http.delete(f"/v1/bulk/{run['id']}")

    posts = [{"kind": "post", "id": one["post_id"]} for one in chosen]
    named = {"kind": "run", "id": run["id"]}
    told = [(act["act"], act["objects"], act["count"]) for act in await audit(replica, object=run["id"])]
    assert {act: (count, {tuple(one.values()) for one in objects}) for act, objects, count in told} == {
        "prepare_run": (4, {tuple(one.values()) for one in (named, *posts)}),
        "start_run": (4, {tuple(one.values()) for one in (named, *posts)}),
        "stop_run": (1, {tuple(named.values())}),
    }
    assert {act["act"] for act in await audit(replica, object="sale-2")} == {"prepare_run", "start_run"}


async def test_an_import_is_named_by_its_run(replica: Replica) -> None:
    file = b"post_id,content,accounts,publish_at\na,b,c,2027-04-28T09:00Z\n"
    async with replica.client(ADMIN_TOKEN) as http:
        run = (await http.post("/v1/imports", content=file)).json()
        await http.post(f"/v1/imports/{run['id']}:start")

    found = {act["act"]: act["objects"] for act in await audit(replica, object=run["id"])}
    assert found == {act: [{"kind": "run", "id": run["id"]}] for act in ("prepare_import", "start_import")}
