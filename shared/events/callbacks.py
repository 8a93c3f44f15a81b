"""What the publisher tells itself: that somebody is to be called back. It goes straight to its own queue."""

from shared.events.base import Event, Id, Instant, Name, Options, WebUrl


class CallbackRequested(Event, type="callback.requested"):
    """`fact` is the type of the event that is told, `data` its body; `callback_id` is the same for every attempt."""

    callback_id: Id
    url: WebUrl
    fact: Name
    told_at: Instant
    data: Options
