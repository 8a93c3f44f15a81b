"""Secrets at rest: a request to encrypt them again, and each service's answer."""

from shared.events.base import Count, Event, Id, Instant, Name


class KeysRotateRequested(Event, type="keys.rotate_requested"):
    """Every service that keeps secrets encrypts them again, with the first of its TIMEBALL_SECRET_KEYS."""


class KeysRotated(Event, type="keys.rotated"):
    """The first key is the only one that `service` needs, but for the secrets of what is `unreadable`.

    These are the accounts or workspaces whose secrets none of the service's keys fits.
    """

    service: Name
    rotated: Count
    unreadable: tuple[Id, ...] = ()
    changed_at: Instant | None = None
