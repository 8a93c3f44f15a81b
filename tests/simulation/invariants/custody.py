"""What a message asks for is never dropped, not even for the moment until a safety net catches it."""

from tests.simulation.invariants.run import Run, Violations


def whoever_is_done_with_a_post_leaves_it_settled(run: Run) -> Violations:
    """A message of a post is acknowledged only once the post is settled, or another message still has it."""
    yield from (why for what, why in run.world.custody.dropped if what == "post")


def whoever_is_done_with_a_request_has_taken_it(run: Run) -> Violations:
    """A person's request is acknowledged only once it is taken for good, or another message still has it."""
    yield from (why for what, why in run.world.custody.dropped if what == "request")
