"""Evidence: what is known of one attempt to publish a post, and what all attempts together allow. No I/O."""

from enum import StrEnum


class Evidence(StrEnum):
    """What is known of one attempt."""

    OPEN = "open"
    """It is committed as about to be sent; its sender has a lease."""
    NOT_SENT = "not_sent"
    """Nothing arrived: name, connection or TLS failed, or it was cancelled or too late at the last moment."""
    REFUSED = "refused"
    """The network answered, in a way that it documents as not taken."""
    UNKNOWN = "unknown"
    """The request may have landed: no reply, a reply that makes no sense, or a sender that died."""
    LANDED = "landed"
    """The network says that the post is there, in its reply or in a look-up."""
    DISPROVED = "disproved"
    """It was unknown, and a look-up that can prove absence has proved it."""
