"""Pages: the timeline and a single post for people. Everything sent in is escaped, and nothing is ever run."""

from html import escape

from starlette.responses import HTMLResponse, Response

from deploy.local.sandbox.timeline import Received, Timeline

SHOWN = 100
STYLE = """
body { font: 15px system-ui, sans-serif; margin: 2em; color: #222 }
td, th { padding: .4em 1.2em .4em 0; text-align: left; vertical-align: top; border-bottom: 1px solid #ddd }
td.content { white-space: pre-wrap; overflow-wrap: anywhere }
"""
HEAD = "<tr><th>received (UTC)<th>late by<th>account<th>content<th>id</tr>"


def timeline_page(timeline: Timeline) -> Response:
    """The newest posts, renewed every two seconds."""
    count = f"<p>{timeline.total} posts, {timeline.repeats} of them sent again.</p>"
    return _page("Sandbox", count + _table(*timeline.newest(SHOWN)), refresh="<meta http-equiv='refresh' content='2'>")


def post_page(received: Received) -> Response:
    """One post."""
    return _page(received.id, _table(received) + "<p><a href='/'>all posts</a></p>")


def _table(*posts: Received) -> str:
    return f"<table>{HEAD}{''.join(map(_row, posts))}</table>"


def _row(received: Received) -> str:
    late = "" if received.lateness_ms is None else f"{received.lateness_ms:,.1f} ms"
    again = f", sent {received.repeats + 1} times" if received.repeats else ""
    return (
        f"<tr><td>{received.received_at:%Y-%m-%d %H:%M:%S.%f}<td>{late}<td>{escape(received.account_id)}"
        f"<td class='content'>{escape(received.content)}<td><a href='/p/{received.id}'>{received.id}</a>{again}</tr>"
    )


def _page(title: str, body: str, *, refresh: str = "") -> Response:
    head = f"<!doctype html><meta charset='utf-8'>{refresh}<title>{title}</title><style>{STYLE}</style>"
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    return HTMLResponse(f"{head}<h1>{title}</h1>{body}", headers={"content-security-policy": policy})
