"""Addresses that no page leads to: there is nothing to show there, which says nothing of the database."""

from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

import pytest

from tests.integration.console.consoles import ADMIN_TOKEN, Replica


async def status_of(replica: Replica, path: str) -> int:
    async with replica.client() as http:
        assert (await http.post("/sign-in", data={"token": ADMIN_TOKEN})).status_code == 303
        return (await http.get(path)).status_code


@pytest.mark.parametrize(
    "path",
    [
        "/accounts?after=%00",
        "/calendar?account=%00",
        "/posts?account=%00&account=team",
        "/statistics?account=%00",
        "/workspaces?after=%00",
        "/audit?object=a%00",
        "/bulk/%00",
        "/import/%00",
        "/connect/sandbox?account=%00",
    ],
)
async def test_what_no_database_stores_is_nowhere(replica: Replica, path: str) -> None:
    assert await status_of(replica, path) == 404


async def test_a_place_beyond_every_file_leads_to_its_beginning(replica: Replica) -> None:
    async with replica.client(ADMIN_TOKEN) as http:
        prepared = await http.post("/v1/imports", content=b"post_id,content,accounts\np,Hello.,team\n")
    assert prepared.status_code == 201, prepared.text

    assert await status_of(replica, f"/import/{prepared.json()['id']}?after={'9' * 30}-1") == 200


class NobodysQueries:
    """Knows every post, on another account, and no account: what is answered names what was asked for."""

    async def post(self, _post_id: str) -> list[Any]:
        return [SimpleNamespace(post=SimpleNamespace(account_id="another", state="held"))]

    async def accounts(self, _account_id: str) -> list[Any]:
        return []


@pytest.mark.parametrize(
    "id_",
    ["a/accounts/b", "p/accounts/x:retry", "a:limits", ":limits", "a:retry-held", "a/b:c", "/", "ü%2F?#", "a%1Cb"],
)
async def test_every_id_is_reached_where_it_is_percent_encoded(replica: Replica, id_: str) -> None:
    vars(replica.console)["queries"] = NobodysQueries()
    path = quote(id_, safe="")
    asked = {
        f"POST /v1/posts/{path}/accounts/{path}:retry": f"post {id_!r} is not scheduled for account {id_!r}",
        f"POST /v1/posts/{path}/accounts/{path}:resolve": f"post {id_!r} is not scheduled for account {id_!r}",
        f"PATCH /v1/posts/{path}?account_id=one": f"post {id_!r} is not scheduled for 'one'",
        f"GET /v1/accounts/{path}": f"no account {id_!r} is known",
        f"DELETE /v1/accounts/{path}": f"no account {id_!r} is known",
        f"GET /v1/accounts/{path}:limits": f"no account {id_!r} is known",
        f"POST /v1/accounts/{path}:retry-held": (
            f"{id_!r} holds no posts: no account of that name is known; `timeball accounts list` shows all"
        ),
    }

    async with replica.client(ADMIN_TOKEN) as http:
        answers = {line: await http.request(*line.split(" "), json={"outcome": "published"}) for line in asked}

    assert {line: answer.json()["detail"] for line, answer in answers.items()} == asked


async def test_an_id_that_is_written_as_it_is_is_reached_as_well(replica: Replica) -> None:
    vars(replica.console)["queries"] = NobodysQueries()

    async with replica.client(ADMIN_TOKEN) as http:
        answer = await http.get("/v1/accounts/team/a:b")
        control = await http.get("/v1/accounts/a%1Cb")
        nowhere = await http.get("/v1/accounts/a%2Fb:no/such")

    assert answer.json()["detail"] == "no account 'team/a:b' is known"
    assert control.json()["detail"].startswith("account_id: leave out line breaks")
    assert nowhere.json()["detail"] == "no account 'a/b:no/such' is known"


async def test_whoever_signs_in_comes_to_the_very_address_that_was_asked_for(replica: Replica) -> None:
    asked = "/posts/what%3F%20a%2Fb?tab=1"

    async with replica.client() as http:
        sent = await http.get(asked)

    assert sent.headers["location"] == f"/sign-in?then={quote(asked)}"


async def test_an_empty_if_match_matches_nothing(replica: Replica) -> None:
    """A program that has lost the ETag must not cancel what it has not seen."""
    async with replica.client(ADMIN_TOKEN) as http:
        answer = await http.delete("/v1/posts/sale", headers={"If-Match": ""})

    assert (answer.status_code, answer.json()["code"]) == (412, "conflict")
