"""The last look before a send knows the latest cancellations, in bounded memory."""

from services.publisher.domain import Tombstone
from services.publisher.revoked import Revoked
from tests.support.publications import a_publication


def key(number: int) -> tuple[str, str]:
    return f"post-{number}", "account"


def test_a_revision_up_to_the_cancelled_one_is_revoked() -> None:
    revoked = Revoked()

    revoked.add(("post", "account"), Tombstone(2, "cancelled"))

    assert [revoked.reason(a_publication(revision=revision)) for revision in (1, 2, 3)] == [
        "cancelled",
        "cancelled",
        None,
    ]


def test_another_post_and_another_account_are_not_concerned() -> None:
    revoked = Revoked()

    revoked.add(("post", "account"), Tombstone(9, "cancelled"))

    assert revoked.reason(a_publication(post_id="other")) is None
    assert revoked.reason(a_publication(account_id="other")) is None


def test_an_older_cancellation_that_arrives_later_changes_nothing() -> None:
    revoked = Revoked()

    revoked.add(("post", "account"), Tombstone(3, "cancelled"))
    revoked.add(("post", "account"), Tombstone(1, "superseded"))

    assert revoked.reason(a_publication(revision=3)) == "cancelled"


def test_only_the_latest_are_remembered() -> None:
    revoked = Revoked(most=3)

    for number in range(5):
        revoked.add(key(number), Tombstone(1, "cancelled"))

    known = [revoked.reason(a_publication(post_id=f"post-{number}")) is not None for number in range(5)]
    assert known == [False, False, True, True, True]


def test_a_cancellation_heard_again_is_among_the_latest() -> None:
    revoked = Revoked(most=2)

    for number in (0, 1, 0, 2):
        revoked.add(key(number), Tombstone(1, "cancelled"))

    known = [revoked.reason(a_publication(post_id=f"post-{number}")) is not None for number in range(3)]
    assert known == [True, False, True]
