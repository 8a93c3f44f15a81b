"""Choosing one of the accounts to look at: they stand under their networks. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from services.console.web.networks import title_of

Choices = Sequence[tuple[str, Sequence[str]]]
"""Networks by their titles, each with the ids of its accounts."""


def by_network(accounts: Iterable[tuple[str, str | None]]) -> Choices:
    """Accounts, by id and network, in the order in which people look for them."""
    found = defaultdict(list)
    for account_id, platform in accounts:
        found[title_of(platform)].append(account_id)
    return sorted((title, sorted(ids)) for title, ids in found.items())
