"""A schema is shown as a table that a stranger reads, and a page needs no script and nothing from elsewhere."""

import re

import httpx
import yaml
from starlette.applications import Starlette

from shared.contract import serving
from shared.reference.fields import as_table, fields_of
from shared.reference.page import page

SCHEMA = {
    "title": "Order",
    "type": "object",
    "required": ["lines"],
    "properties": {
        "lines": {"type": "array", "items": {"$ref": "#/$defs/Line"}, "maxItems": 9, "description": "What is wanted."},
        "at": {"anyOf": [{"type": "string", "format": "date-time"}, {"type": "null"}], "default": None},
        "state": {"enum": ["open", "a|b"], "default": "open"},
        "names": {"type": "array", "items": {"type": "string", "maxLength": 5}},
    },
}
LINE = {
    "title": "Line",
    "type": "object",
    "required": ["count"],
    "properties": {"count": {"type": "integer", "minimum": 1}, "inner": {"$ref": "#/$defs/Line"}},
}


def test_every_field_has_a_row_and_those_within_others_have_paths() -> None:
    rows = {field.path: field for field in fields_of(SCHEMA, {"Line": LINE})}

    assert list(rows) == ["lines", "lines[].count", "lines[].inner", "at", "state", "names"]
    assert (rows["lines"].holds, rows["lines"].is_required) == ("list of objects, up to 9", True)
    assert rows["lines[].count"].holds == "whole number, from 1"
    assert (rows["at"].holds, rows["at"].is_required) == ("instant", False)
    assert rows["names"].holds == "list of texts (up to 5 characters)"


def test_a_number_that_must_be_more_than_0_says_so() -> None:
    seconds = {"type": "object", "properties": {"seconds": {"type": "number", "exclusiveMinimum": 0}}}

    assert [field.holds for field in fields_of(seconds, {})] == ["number, more than 0"]


def test_a_table_marks_what_may_be_left_out_and_escapes_what_would_break_it() -> None:
    table = as_table(list(fields_of(SCHEMA, {"Line": LINE})))

    assert '| `state`? | `open` or `a\\|b`; usually `"open"` |  |' in table
    assert "| `lines` | list of objects, up to 9 | What is wanted. |" in table


def test_a_page_has_no_script_and_loads_nothing_from_elsewhere() -> None:
    response = page("A & B", "- [x](#x)", "### x\n\n<script>alert(1)</script>\n\n| a |\n|---|\n| b |")
    html = bytes(response.body).decode()

    assert "<script" not in html
    assert "style=" not in html
    assert not re.search(r"""(src|href)=["'](https?:)?//""", html)
    assert "<title>A &amp; B</title>" in html and '<h3 id="x">' in html and "<td>b</td>" in html
    assert "default-src 'none'" in response.headers["Content-Security-Policy"]


async def test_the_contract_comes_as_a_page_as_json_and_as_yaml() -> None:
    transport = httpx.ASGITransport(Starlette(routes=serving.routes("scheduler")))
    async with httpx.AsyncClient(transport=transport, base_url="http://scheduler") as client:
        as_page = await client.get("/asyncapi", headers={"Accept": "text/html,*/*"})
        as_json = await client.get("/asyncapi", headers={"Accept": "application/json"})
        as_yaml = await client.get("/asyncapi", headers={"Accept": "application/yaml"})
        files = [await client.get(f"/asyncapi.{kind}") for kind in ("json", "yaml")]
        style = await client.get("/reference.css")

    assert '<h3 id="schedulerequested">schedule.requested</h3>' in as_page.text
    assert "Timeball scheduler: events" in as_page.text
    assert "mention.found" not in as_page.text
    assert as_json.json() == yaml.safe_load(as_yaml.text) == files[0].json()
    assert as_yaml.text == files[1].text
    assert "&id001" not in as_yaml.text
    assert style.headers["content-type"].startswith("text/css")
