"""Statements that write only where something still holds: it may have changed since it was read."""

from sqlalchemy import Boolean, Column, Executable, text

from services.publisher.tables import accounts, publications
from shared.database import bulk

_c = publications.c
_KEY = ("post_id", "account_id")
_WRITTEN = ("state", "tries", "waits", "not_before", "platform", "error", "outcome", "updated_at")
BEGUN = (*_KEY, "claim_token")
FINISHED = (*_KEY, *_WRITTEN, "withdrawn")
"""The fields of a publication that `begin_statement` and `finish_statement` are given."""

_STILL_OURS = "publications.claim_token = given.claim_token"
_NOT_WITHDRAWN = "publications.withdrawn < publications.revision"
_IS_OPEN = (
    "NOT EXISTS (SELECT 1 FROM accounts WHERE accounts.account_id = publications.account_id "
    "AND accounts.closed_until > given.updated_at)"
)
_KNOWS_OF_IT = "given.withdrawn >= publications.withdrawn"
_MAY_BE_TOLD = f"{_NOT_WITHDRAWN} OR given.stands OR {_KNOWS_OF_IT}"
"""What may be told of a post that was withdrawn meanwhile: what answers that, or that the post is out or may be."""
IS_LATER = (
    "accounts.asked_at IS NULL OR excluded.asked_at IS NULL OR accounts.asked_at <= excluded.asked_at "
    "OR accounts.asked_at > excluded.changed_at"
)
"""Of an account that another replica has just added. A request of the future is of a clock that was set back."""
_OPEN_THEN = "(accounts.closed_until IS NULL OR accounts.closed_until < given.closed_until)"


def begin_statement(dialect: str) -> Executable:
    """Note that posts are about to be sent, where they still may be."""
    return bulk.update(
        publications,
        [_c.updated_at],
        dialect,
        compared=[_c.claim_token],
        guard=" AND ".join((_STILL_OURS, _NOT_WITHDRAWN, _IS_OPEN)),
        also="state = 'sending'",
    )


def finish_statement(dialect: str) -> Executable:
    """Write outcomes, each with whether it `stands` even where the post has been withdrawn meanwhile."""
    is_true = f"given.state = 'published' OR {_STILL_OURS} AND ({_MAY_BE_TOLD})"
    return bulk.update(
        publications,
        [_c[name] for name in _WRITTEN],
        dialect,
        compared=[_c.claim_token, Column("stands", Boolean), _c.withdrawn],
        guard=f"publications.state <> 'published' AND ({is_true})",
        also="claim_token = NULL, withdrawn = CASE WHEN given.stands THEN 0 ELSE publications.withdrawn END",
    )


def close_account_statement(dialect: str) -> Executable:
    """Close accounts; never for a shorter time than they are closed."""
    return bulk.update(accounts, [accounts.c.closed_until], dialect, guard=_OPEN_THEN)


def close_app_statement(dialect: str) -> Executable:
    """The same for all accounts of the app of each account that is given."""
    given = bulk.rows_of([accounts.c.account_id, accounts.c.closed_until], dialect)
    return text(
        f"UPDATE accounts SET closed_until = given.closed_until FROM {given} JOIN accounts AS one "
        f"ON one.account_id = given.account_id WHERE {_OPEN_THEN} "
        "AND (accounts.account_id = one.account_id OR accounts.platform = one.platform AND accounts.app = one.app)"
    )
