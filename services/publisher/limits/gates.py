"""Gates: the buckets that a send on an account needs room in, by their names. No I/O."""

import json
import re
from collections.abc import Mapping, Sequence
from hashlib import sha256

from services.publisher.domain import StoredAccount
from services.publisher.limits.windows import Window, windows_of
from services.publisher.platforms.base import Limits

LONGEST_NAME = 200
UNLIMITED = "{}"
_NOT_ITS_OWN = re.compile("(account:)*(app:|connecting:[0-9a-f]{64}$)")
"""What is kept beside the buckets of accounts is called so: those of apps, and who connects an account."""

Gates = Mapping[str, Sequence[Window]]


def gates_of(account: StoredAccount, limits: Limits | None) -> Gates:
    """An account's buckets: its own limits or else its network's, and those it shares with the accounts of its app."""
    limits = limits or Limits()
    own = json.loads(account.limits) if account.limits != UNLIMITED else limits.account
    shares_limits = bool(account.app and limits.app)
    gates: dict[str, Sequence[Window]] = {}
    if own or shares_limits:
        gates[name_of_account(account.account_id)] = windows_of(own)
    if account.app and shares_limits:
        gates[_app_name(account.platform, account.app)] = windows_of(limits.app)
    return gates


def name_of_account(account_id: str) -> str:
    """The bucket of an account: its id, or another name where something else is kept under that."""
    if not _NOT_ITS_OWN.match(account_id):
        return account_id
    name = f"account:{account_id}"
    return name if len(name) <= LONGEST_NAME else f"account:app:{sha256(account_id.encode()).hexdigest()}"


def _app_name(platform: str, app: str) -> str:
    name = f"app:{platform}:{app}"
    return name if len(name) <= LONGEST_NAME else f"app:{platform}:{sha256(app.encode()).hexdigest()}"
