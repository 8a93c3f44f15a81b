"""Addresses that no page leads to: there is nothing to show there, which says nothing of the database."""

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
