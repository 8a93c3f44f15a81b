"""Posts that an earlier release has taken are changed, or it is said why they cannot be."""

import json
from dataclasses import replace

from services.console.domain.posts import Content, Plan, Post, Standing
from services.console.read_model.rows import row_of_post
from services.console.tables.core import posts
from shared.database import bulk
from shared.events.progress import Progress, State
from tests.integration.console.consoles import ADMIN_TOKEN, NOW, Replica

SAID = {"content": "The ball drops.", "media": [], "options": {}, "late_policy": {}, "retry": {}}
POST = Post("p", "team", Standing(Progress(State.SCHEDULED, 1)), Plan(1, True, NOW, "r"))


async def test_a_callback_that_nobody_can_call_is_refused_by_its_field(replica: Replica) -> None:
    database = replica.console.queries.database
    said = json.dumps(SAID | {"callback_url": "https:///nowhere"})
    row = row_of_post(replace(POST, content=Content(1, said)), NOW, 1)
    async with database.transaction() as connection:
        await connection.execute(bulk.insert(posts, list(posts.columns), database.dialect), bulk.encode([row]))

    async with replica.client(ADMIN_TOKEN) as http:
        answer = await http.patch("/v1/posts/p", json={"content": "It begins."})

    assert (answer.status_code, answer.json()["field"]) == (400, "callback_url")
