"""A few seconds of chaos; and what is told of a run that went wrong."""

import random
from pathlib import Path

import pytest

from deploy.local.postgres_node import PostgresNode
from tests.chaos.run import run
from tests.chaos.verdict import PUBLISHED, UNKNOWN, Ending, faults


async def test_every_post_appears_once_whatever_is_killed_frozen_or_restarted(
    tmp_path: Path, postgres_node: PostgresNode
) -> None:
    seed = random.randrange(10**6)
    told: list[str] = []

    wrong = await run(tmp_path, postgres_node, seed=seed, seconds=6, say=told.append)

    assert wrong == [], "\n".join([f"seed {seed}", *told])
    assert any("is killed" in one or "is frozen" in one or "is told to end" in one for one in told)


@pytest.mark.parametrize(
    ("told", "appearances", "fault"),
    [
        (PUBLISHED, 1, None),
        (PUBLISHED, 0, "told as published, and does not appear"),
        (PUBLISHED, 2, "appears 2 times"),
        (UNKNOWN, 2, "appears 2 times"),
        (UNKNOWN, 1, "told as publish.unknown, and appears 1 times"),
        ("publish.failed", 0, "told as publish.failed, and appears 0 times"),
        (None, 1, "its outcome was not told"),
    ],
)
def test_each_fault_of_a_post_is_told(told: str | None, appearances: int, fault: str | None) -> None:
    found = faults([Ending("post", "hook", told, appearances)], deduplicating=("hook",))

    assert found == ([f"post on hook: {fault}"] if fault else [])


@pytest.mark.parametrize("appearances", [0, 1])
def test_unknown_is_honest_where_the_network_can_tell_nothing(appearances: int) -> None:
    assert faults([Ending("post", "plain", UNKNOWN, appearances)], deduplicating=("hook",)) == []
