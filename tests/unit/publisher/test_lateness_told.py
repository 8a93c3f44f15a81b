"""How late a post is told to be: against its instant, or against the moment in which a person asked for it again."""

from datetime import timedelta

from services.publisher.platforms.base import Published
from services.publisher.sending.facts import succeeded
from services.publisher.sending.taking import revived
from tests.support.publications import NOON, a_publication

SENT = Published("t-1", None)
A_SECOND = timedelta(seconds=1)
DAYS_LATER = NOON + timedelta(days=3)


def test_a_post_is_as_late_as_its_send_after_its_instant() -> None:
    assert succeeded(a_publication(), SENT, NOON + A_SECOND).lateness_ms == 1000


def test_what_a_person_asked_for_again_is_as_late_as_its_send_after_that() -> None:
    publication = revived(a_publication(), DAYS_LATER)

    assert succeeded(publication, SENT, DAYS_LATER + A_SECOND).lateness_ms == 1000


def test_what_was_held_ahead_of_its_instant_and_is_asked_for_again_waits_for_it() -> None:
    """An account that takes nothing until a post were too late has it held before it is due."""
    publication = revived(a_publication(), NOON - A_SECOND)

    assert (publication.due_at, publication.not_before) == (NOON, NOON)


def test_what_turns_out_to_have_been_sent_before_is_as_late_as_it_was() -> None:
    publication = revived(a_publication(), DAYS_LATER)

    assert succeeded(publication, SENT, NOON + A_SECOND).lateness_ms == 1000
