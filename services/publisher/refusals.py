"""Why what a person asks for a post is not carried out, as it is answered. No I/O."""

from collections.abc import Sequence

from services.publisher.domain import Publication
from shared.events.progress import State
from shared.events.requests import PublishResolveRequested, PublishRetryRequested
from shared.events.scheduler import RejectionCode, ScheduleRejected
from shared.messaging.envelope import Delivery

MOST_CHARACTERS = 500
MAY_BE_RETRIED = (State.FAILED, State.HELD, State.SKIPPED)

Asked = PublishRetryRequested | PublishResolveRequested


class Refused(Exception):
    """The request is answered with `schedule.rejected`, and the post stays as it is."""

    def __init__(self, code: RejectionCode, reason: str) -> None:
        super().__init__(reason)
        self.code: RejectionCode = code

    def answer(self, asked: Asked) -> ScheduleRejected:
        """What whoever asked is told."""
        reason = str(self)[:MOST_CHARACTERS]
        return ScheduleRejected(post_id=asked.post_id, account_id=asked.account_id, code=self.code, reason=reason)


def check_spelling(delivery: Delivery[Asked]) -> None:
    """Raise Refused for what is nearly a field: a post would be settled without the id that somebody found."""
    if misspelt := delivery.misspelt:
        raise Refused("invalid", misspelt)


def known(asked: Asked, publication: Publication | None) -> Publication:
    """The publication that is asked about; Refused where it never came here."""
    if publication is None or not publication.request:
        raise Refused("not_found", f"{_post(asked)} has not come to the publisher: schedule it, or ask again later")
    return publication


def check_may_be_retried(asked: Asked, publication: Publication) -> None:
    """Raise Refused for what must not be sent again."""
    if publication.state == State.UNKNOWN:
        way_out = "settle it with publish.resolve_requested first"
        raise Refused("already_published", f"{_post(asked)} may have been published: {way_out}")
    if publication.state == State.PUBLISHED:
        raise Refused("already_published", f"{_post(asked)} is published: schedule it under another post_id")
    if publication.is_withdrawn:
        raise Refused("conflict", f"{_post(asked)} was cancelled: schedule it again")
    _check_state(asked, publication, MAY_BE_RETRIED)


def check_may_be_resolved(asked: Asked, publication: Publication) -> None:
    """Raise Refused for what nobody needs to settle."""
    _check_state(asked, publication, (State.UNKNOWN,))


def _check_state(asked: Asked, publication: Publication, wanted: Sequence[State]) -> None:
    if publication.state not in wanted:
        raise Refused("conflict", f"{_post(asked)} is {publication.state}, not {' or '.join(wanted)}")


def _post(asked: Asked) -> str:
    return f"post {asked.post_id!r} on account {asked.account_id!r}"
