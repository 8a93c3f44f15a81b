"""Files that are none of posts: the console tells so, and does not keep millions of faults."""

from services.console.api.imports import MOST_FAULTS
from tests.integration.console.consoles import ADMIN_TOKEN, Replica


async def test_so_many_faults_as_anybody_reads_are_kept(replica: Replica) -> None:
    async with replica.client(ADMIN_TOKEN) as http:
        prepared = await http.post("/v1/imports", content=b"post_id,content,accounts\n" + b"x\n" * (3 * MOST_FAULTS))

        last = await http.get(f"/v1/imports/{prepared.json()['id']}/lines", params={"after": f"{MOST_FAULTS + 1}-9"})

    assert prepared.json()["plan"]["faults"] == MOST_FAULTS + 1
    (line,) = last.json()["lines"]
    assert "is it a file of posts?" in line["reason"]
