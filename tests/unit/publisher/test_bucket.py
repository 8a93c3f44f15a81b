"""Reservations: how far apart those that wait for a bucket start."""

from datetime import timedelta

from services.publisher.limits.bucket import Bucket
from tests.support.publications import NOON, SECOND


def test_a_bucket_for_which_nobody_waited_when_it_was_read_gives_a_start() -> None:
    """Those who come to the line while the database answers are estimated with it."""
    bucket = Bucket.of((), {}, waiting=0)

    bucket.take(NOON, NOON)

    assert NOON < bucket.earliest(NOON) <= NOON + SECOND


def test_the_more_wait_the_closer_they_start() -> None:
    gaps = []
    for waiting in (1, 10, 1000):
        bucket = Bucket.of((), {}, waiting=waiting)
        bucket.take(NOON, NOON)
        gaps.append(bucket.earliest(NOON) - NOON)

    assert gaps == sorted(gaps, reverse=True)
    assert gaps[-1] <= timedelta(milliseconds=1)
