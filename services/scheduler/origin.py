"""Where a request comes from. No I/O."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Origin:
    """The ids that a request came with, when it was first taken, and whether it has been put off since.

    What was put off comes back after requests that arrived later, and must not win over them. `is_in_order` where that
    has been looked at already. `shares_queue` with cancellations what a replica gets in its order among them.
    """

    correlation_id: str
    request_id: str
    taken_at: datetime
    was_put_off: bool = False
    is_in_order: bool = False
    shares_queue: bool = True
