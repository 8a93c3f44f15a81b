"""What X's replies mean: problems (RFC 9457), and limits told in several headers. No I/O."""

from http import HTTPStatus

from services.publisher.platforms.allowance import Allowance, is_spent, wait_until
from services.publisher.platforms.errors import Rejected
from services.publisher.platforms.judging import Dialect, usual_allowance
from services.publisher.platforms.reply import Reply, object_or_empty, objects_in, text_or_none

OF_APP, OF_ACCOUNT = "x-app-limit-24hour", "x-user-limit-24hour"
CAPPED = ("Product", "Account")
"""The `scope` of a cap on what an app, or all apps of its developer, may use."""


def words(reply: Reply) -> str | None:
    """The most exact of what X says."""
    first = next(iter(objects_in(reply.json.get("errors"))), {})
    said = first.get("message") or reply.json.get("detail") or reply.json.get("title")
    return str(said) if said else None


def allowance(reply: Reply) -> Allowance | None:
    """That of the day where it is used up, the app's first, else that of the quarter of an hour."""
    for name in (OF_APP, OF_ACCOUNT):
        told = reply.headers.get(f"{name}-reset", "") if is_spent(name, reply.headers) else ""
        wait = wait_until(told, reply.server_time)
        if wait is not None:
            return Allowance(0, reply.at + wait)
    return usual_allowance(reply)


def is_of_app(reply: Reply) -> bool:
    """Whether the app's day is used up, or what it may use at all."""
    return is_spent(OF_APP, reply.headers) or reply.json.get("scope") in CAPPED


def is_duplicate(error: Rejected) -> bool:
    """Whether the same text is there already."""
    return error.detail.code == str(int(HTTPStatus.FORBIDDEN)) and "duplicate" in error.detail.message


def identity_in(reply: Reply) -> str | None:
    """The id of what was made."""
    return text_or_none(object_or_empty(reply.json.get("data")).get("id"))


DIALECT = Dialect(words, allowance=allowance, is_of_app=is_of_app, has_limits_apart=True)
