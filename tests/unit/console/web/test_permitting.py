"""What is drawn for whoever may only look, or may not administer."""

import re
from pathlib import Path

import pytest
from fastapi import APIRouter, FastAPI

from services.console.access.actors import LOCAL, Actor, Scope
from services.console.api.access import ADMIN, READ, WRITE
from services.console.web import templating
from services.console.web.permitting import Permits

READER, WRITER = Actor("wall", Scope.READ), Actor("desk", Scope.WRITE)
OWN_SESSION = {"/sign-in", "/sign-out", "/sign-out-everywhere", "/connect/finish"}
READS = {"import"}
"""A script sends what is chosen in it to be read, and draws what was read."""
FOR_ADMINISTRATORS = {"connect", "new-token", "data-rebuild"}
"""On pages, or parts of them, that nobody else is shown."""


def permits() -> Permits:
    router = APIRouter()

    async def do_nothing(post_id: str = "") -> None: ...

    router.add_api_route("/v1/posts/{post_id:path}:retry", do_nothing, methods=["POST"], dependencies=[WRITE])
    router.add_api_route("/v1/tokens", do_nothing, methods=["POST"], dependencies=[ADMIN])
    router.add_api_route("/check", do_nothing, methods=["POST"], dependencies=[READ])
    app = FastAPI()
    app.include_router(router)
    return Permits.of(app.routes)


@pytest.mark.parametrize(
    ("call", "actor", "is_barred"),
    [
        ("POST /v1/posts/a%2Fb:retry", READER, True),
        ("POST /v1/posts/a%2Fb:retry?account_id=x", READER, True),
        ("POST /v1/posts/a%2Fb:retry", WRITER, False),
        ("POST /v1/tokens", WRITER, True),
        ("POST /v1/tokens", LOCAL, False),
        ("POST /check", READER, False),
        ("POST /nowhere", WRITER, True),
    ],
)
def test_a_form_is_disabled_for_whoever_may_not_send_it(call: str, actor: Actor, is_barred: bool) -> None:
    html = f'<form class="x" data-call="{call}" data-done="Done."><button>Do</button></form>'

    drawn = permits().drawn_for(actor, html)

    assert ("<fieldset" in drawn) is is_barred
    assert drawn.count("<button>Do</button>") == 1
    assert (f"{actor.name} has {actor.scope}" in drawn) is is_barred


def test_a_button_of_its_own_call_is_disabled_alone() -> None:
    html = '<form data-call="POST /check"><button data-call="POST /v1/tokens">Do</button><button>Look</button></form>'

    drawn = permits().drawn_for(WRITER, html)

    assert drawn.startswith('<form data-call="POST /check"><button disabled title="This needs')
    assert drawn.endswith("<button>Look</button></form>")


def test_the_name_of_a_token_is_escaped() -> None:
    html = '<form data-call="POST /v1/tokens"></form>'

    assert 'title="This needs a token with the scope admin; &quot;&gt; has read."' in permits().drawn_for(
        Actor('">', Scope.READ), html
    )


def test_every_form_says_what_it_sends() -> None:
    """A form that neither looks, nor says so, nor is about one's own session, could not be disabled."""
    templates = (Path(templating.__file__).parent / "templates").glob("*.html")
    forms = [form for one in templates for form in re.findall(r"<form\b[^>]*>", one.read_text())]
    silent = [form for form in forms if not _says_what_it_sends(form)]

    assert len(forms) > 20
    assert silent == []


def _says_what_it_sends(form: str) -> bool:
    if re.search(r'method="get"|data-call=|data-needs=', form):
        return True
    address = re.search(r'action="([^"]+)"', form)
    named = re.search(r'\bid="([^"]+)"|(data-rebuild)', form)
    return bool(address and address[1] in OWN_SESSION) or bool(
        named and (named[1] or named[2]) in READS | FOR_ADMINISTRATORS
    )
