"""Facts about dead letters: messages that could not be handled and rest in `<service>.dead`."""

from shared.events.base import Count, Event, Id, Instant, Name, Value


class DeadLetterParked(Event, type="dead_letter.parked"):
    """A message could not be handled and rests; told again when it has been replayed and dies again.

    `message_id` is derived from what is in the message where its producer gave none. `queue` is the one that it came
    from and is replayed to, `replays` how often it has been. `payload` is the beginning of its body, without secrets.
    """

    service: Name
    message_id: Id
    parked_at: Instant
    message_type: str
    reason: str
    payload: str
    size: Count
    replays: Count = 0
    queue: Name | None = None
    post_id: Id | None = None
    account_id: Id | None = None


class SettledLetter(Value):
    """A letter that rests no more: by its id, its queue, and when it had been parked."""

    message_id: Id
    parked_at: Instant
    queue: Name | None = None


class DeadLettersSettled(Value):
    """What is told of a request for dead letters, part by part; `is_last` says that all of it is done.

    `kept` letters were asked for and rest on, because the service no longer has the queue that they came from.
    `resting` is how many rest in all, after the last part; the service began to look at `looked_at`.
    """

    service: Name
    count: Count
    letters: tuple[SettledLetter, ...]
    looked_at: Instant
    kept: Count = 0
    resting: Count | None = None
    is_last: bool = True


class DeadLetterReplayed(DeadLettersSettled, Event, type="dead_letter.replayed"):
    """Letters went back to their queues."""


class DeadLetterDropped(DeadLettersSettled, Event, type="dead_letter.dropped"):
    """Letters are gone for good."""
