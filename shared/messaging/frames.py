"""Properties that nobody can decode must not cost the connection.

AMQP's short strings and timestamps are whatever bytes a producer sends: a correlation id in Latin-1, a timestamp in
nanoseconds. pamqp raises, aiormq closes the connection, the broker delivers the message again and again, and all that
wait behind it share its fate until the delivery limit parks them.
"""

from pamqp.header import ContentHeader

_unmarshal = ContentHeader.unmarshal


def tolerate_bad_properties() -> None:
    """Let a message arrive without those of its properties that cannot be read, and without those that follow them."""
    ContentHeader.unmarshal = _unmarshal_what_can_be_read  # type: ignore[assignment, method-assign]


def _unmarshal_what_can_be_read(header: ContentHeader, data: bytes) -> None:
    try:
        _unmarshal(header, data)
    except (ValueError, OverflowError, OSError):
        return
