"""What is refused without asking any service says what is wrong, and the way out."""

from typing import Any

import pytest

from services.console.api.errors import field_in
from tests.integration.console.consoles import ADMIN_TOKEN, Replica

WORKSPACE = {"monitoring_enabled": True, "subreddits": [], "keywords": []}
HOURLY = {"platform": "sandbox", "settings": {"url": "https://a.example"}, "limits": {"per_hour": 5, "per_day": 9}}
LAST = {
    "post": {
        "post_id": "p",
        "content": "x",
        "publish_at": {"local": "9999-12-31T09:00", "zone": "UTC"},
        "targets": [{"account_id": "a"}],
    },
    "repeat": {"every": "week", "times": 8},
}
PLAIN_KEYWORD = WORKSPACE | {"keywords": ["time ball"]}


@pytest.mark.parametrize(
    ("request_line", "body", "status", "says"),
    [
        ("GET /v1/post", None, 404, "there is no /v1/post; /docs lists"),
        ("PUT /v1/posts", None, 405, "/v1/posts takes no PUT, but GET, HEAD, POST; /docs lists"),
        ("PUT /v1/accounts/%2E%2E", {"platform": "sandbox"}, 400, "account_id: no address can name"),
        ("PUT /v1/accounts/a", HOURLY, 400, "limits: no limit is called 'per_hour'; there are per_second, per_minute,"),
        ("DELETE /v1/posts/p?expected_revision=99999999999", None, 400, "expected_revision: no database counts"),
        ("GET /v1/accounts/a%0Ab", None, 400, "account_id: leave out line breaks"),
        ("GET /v1/workspaces/a%0Ab", None, 400, "workspace_id: leave out line breaks"),
        ("POST /v1/bulk", {"act": "cancel", "filter": {}}, 400, "filter: no such field; there are act, "),
        ("POST /v1/tokens", {"name": "a", "expires_in_days": 1}, 400, "expires_in_days: no such field; there are name"),
        ("POST /v1/posts", None, 400, "the body is empty; send a JSON object"),
        ("POST /v1/posts:repeat", LAST, 400, "post.publish_at: it would be repeated beyond the year 9999"),
        ("PUT /v1/workspaces/%2E", WORKSPACE, 400, "workspace_id: no address can name"),
        ("PUT /v1/workspaces/%20", WORKSPACE, 400, "workspace_id: nobody can see a name of blanks alone"),
        ("PUT /v1/workspaces/w", PLAIN_KEYWORD, 400, 'keywords[0]: Input should be an object: write {"phrase": "…"}'),
        ("POST /v1/tokens", {"name": ".."}, 400, "name: no address can name"),
        ("GET /v1/events?type=nope", None, 400, "type: no event is called 'nope'; /asyncapi lists all there are"),
        ("GET /v1/events?type=publish.success", None, 400, "type: no event is called 'publish.success'; do you mean"),
        ("GET /v1/console/rebuilds/nope", None, 404, "no rebuild 'nope' is known; `POST /v1/console:rebuild` answers"),
        ("DELETE /v1/tokens/local", None, 409, "'local' is the token of the settings: give TIMEBALL_API_TOKEN"),
    ],
)
async def test_the_way_out_is_told(replica: Replica, request_line: str, body: Any, status: int, says: str) -> None:
    method, _, path = request_line.partition(" ")
    async with replica.client(ADMIN_TOKEN) as http:
        answer = await http.request(method, path, json=body)

    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert answer.json()["detail"].startswith(says)


@pytest.mark.parametrize(
    ("reason", "field"),
    [
        ("publish_at: 2020-01-01T00:00:00+00:00 is past; choose a time to come", "publish_at"),
        ("targets[1].account_id: 'a' is listed twice; name it once", "targets[1].account_id"),
        ("post 'p' has been published", None),
        ("account 'n1' has been disconnected: connect it again", None),
    ],
)
def test_a_reason_that_begins_with_a_field_names_it(reason: str, field: str | None) -> None:
    assert field_in(reason) == field
