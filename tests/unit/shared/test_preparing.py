"""What a service answers while it prepares its database."""

import httpx
from starlette.applications import Starlette

from shared.process.preparing import AGAIN_SECONDS, Preparation


async def answer_to(accept: str) -> httpx.Response:
    """What it answers to who asks for this."""
    app = Preparation("step 2 of 3 <b>").gate("console", Starlette())
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://console") as http:
        return await http.get("/posts", headers={"Accept": accept})


async def test_a_browser_gets_a_page_that_asks_again_by_itself() -> None:
    answer = await answer_to("text/html,application/xhtml+xml,*/*;q=0.8")

    assert answer.status_code == 503
    assert answer.headers["refresh"] == f"{AGAIN_SECONDS}"
    assert "The database cannot be used yet: step 2 of 3 &lt;b&gt;." in answer.text


async def test_a_program_gets_a_problem_and_when_to_ask_again() -> None:
    answer = await answer_to("*/*")

    assert answer.status_code == 503
    assert answer.headers["retry-after"] == f"{AGAIN_SECONDS}"
    assert answer.json()["detail"] == "the database cannot be used yet: step 2 of 3 <b>; send the request again"
