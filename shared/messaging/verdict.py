"""What a handler may ask for instead of an acknowledgement. Raised, and carried out by the consumer."""

from datetime import timedelta


class HandBack(Exception):
    """The service is stopping before the work began: the message goes back to its queue when the connection closes."""


class TryAgain(Exception):
    """Not now: the message rests in a retry queue and comes back after about this delay, never later."""

    def __init__(self, delay: timedelta) -> None:
        super().__init__(f"again in {delay}")
        self.delay = delay


class Park(Exception):
    """A person must look at it: the message rests in the service's dead letters, with the reason."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
