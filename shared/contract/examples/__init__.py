"""One example for each event: all about one spring sale, so that they can be read one after the other."""

from collections.abc import Mapping
from typing import Any

from shared.contract.examples.accounts import ACCOUNTS
from shared.contract.examples.monitor import MONITOR
from shared.contract.examples.publishing import PUBLISHING
from shared.contract.examples.requests import REQUESTS
from shared.contract.examples.scheduling import SCHEDULING
from shared.contract.examples.upkeep import UPKEEP

EXAMPLES: Mapping[str, Mapping[str, Any]] = {
    **REQUESTS,
    **SCHEDULING,
    **PUBLISHING,
    **ACCOUNTS,
    **MONITOR,
    **UPKEEP,
}
"""The body of an example of every event, by its type."""
