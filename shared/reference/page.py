"""A reference page in HTML: drawn from Markdown on the server, with no script, and nothing from elsewhere."""

import re
from collections.abc import Sequence
from html import escape

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

STYLE_PATH = "/reference.css"
_POLICY = "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; frame-ancestors 'none'"


def anchor(heading: str) -> str:
    """Where a heading is found on its page; GitHub makes the same of it."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


def page(title: str, contents: str, body: str) -> Response:
    """The Markdown as a page: the contents beside the body."""
    markdown = _markdown()
    html = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<title>{escape(title)}</title><link rel="icon" href="data:,"><link rel="stylesheet" href="{STYLE_PATH}">'
        f"</head><body><nav><p>{escape(title)}</p>{markdown.render(contents)}</nav>"
        f"<main><h1>{escape(title)}</h1>{markdown.render(body)}</main></body></html>"
    )
    headers = {"Content-Security-Policy": _POLICY, "X-Content-Type-Options": "nosniff"}
    return HTMLResponse(html, headers=headers)


def style_route() -> Route:
    """Where the pages find their style sheet."""
    return Route(STYLE_PATH, _style)


async def _style(_: Request) -> Response:
    return Response(_STYLE, media_type="text/css", headers={"Cache-Control": "max-age=3600"})


def _markdown() -> MarkdownIt:
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    markdown.add_render_rule("heading_open", _heading)
    markdown.add_render_rule("table_open", _table)
    markdown.add_render_rule("table_close", _end_of_table)
    return markdown


def _heading(_: RendererHTML, tokens: Sequence[Token], index: int, __: OptionsDict, ___: EnvType) -> str:
    return f'<{tokens[index].tag} id="{escape(anchor(tokens[index + 1].content))}">'


def _table(*_: object) -> str:
    return '<div class="table"><table>'


def _end_of_table(*_: object) -> str:
    return "</table></div>"


_STYLE = """
:root { color-scheme: light dark; --ink: #1c2733; --paper: #fff; --soft: #f3f5f7; --line: #d9dfe5; --link: #0a5fb4; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #dde4ea; --paper: #12181f; --soft: #1b242d; --line: #32404d; --link: #7db8f5; }
}
* { box-sizing: border-box; }
body { margin: 0; color: var(--ink); background: var(--paper); font: 16px/1.55 system-ui, sans-serif; }
a { color: var(--link); text-decoration: none; }
a:hover { text-decoration: underline; }
nav { padding: 1.2rem; background: var(--soft); border-bottom: 1px solid var(--line); font-size: .875rem; }
nav > p:first-child { margin: 0 0 .8rem; font-size: 1rem; font-weight: 650; }
nav p { margin: .6rem 0; }
nav ul { margin: 0 0 .9rem; padding: 0; list-style: none; }
nav li { overflow-wrap: anywhere; padding: .1rem 0; }
main { max-width: 64rem; padding: 1rem 1.5rem 4rem; }
h1 { font-size: 1.75rem; }
h2 { margin-top: 3rem; padding-bottom: .3rem; border-bottom: 2px solid var(--line); font-size: 1.35rem; }
h3 { margin-top: 2.5rem; font-size: 1.05rem; }
h2, h3 { scroll-margin-top: 1rem; overflow-wrap: anywhere; }
h3, code, pre { font-family: ui-monospace, "DejaVu Sans Mono", monospace; }
code { font-size: .875em; }
p code, td code, li code { padding: .05em .3em; border-radius: 4px; background: var(--soft); }
pre { padding: .9rem 1rem; overflow-x: auto; border: 1px solid var(--line); border-radius: 6px; }
pre { background: var(--soft); }
.table { overflow-x: auto; }
table { width: 100%; border-collapse: collapse; font-size: .875rem; }
th, td { padding: .4rem .8rem .4rem 0; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; }
th { font-weight: 600; }
td:first-child { white-space: nowrap; }
@media (min-width: 60rem) {
  body { display: grid; grid-template-columns: 17rem minmax(0, 1fr); }
  nav { position: sticky; top: 0; height: 100vh; overflow-y: auto; border: 0; border-right: 1px solid var(--line); }
}
"""
