"""What must hold whatever happens: each a small function that answers what is wrong with a run.

What the people were told comes from the witness, what truly happened from the ledger of the networks.
"""

from collections.abc import Callable

from tests.simulation.invariants.custody import (
    whoever_is_done_with_a_post_leaves_it_settled,
    whoever_is_done_with_a_request_has_taken_it,
)
from tests.simulation.invariants.ending import (
    every_change_is_told_once,
    every_outcome_is_called_back,
    every_request_is_answered,
    everything_settles,
    no_change_is_told_twice,
    nothing_breaks,
    refresh_tokens_are_used_once,
    the_console_shows_the_truth,
)
from tests.simulation.invariants.limits import due_order_kept, limits_are_used, no_window_above_its_limit
from tests.simulation.invariants.nets import (
    no_error_is_passed_over,
    nobody_is_called_back_twice,
    nothing_is_asked_for_again,
    what_was_answered_is_not_sent_again,
)
from tests.simulation.invariants.once import (
    never_another_text_after_one_that_may_be_out,
    published_at_most_once,
)
from tests.simulation.invariants.read_model import the_console_counts_what_it_shows, the_journal_has_each_event_once
from tests.simulation.invariants.run import Run, Violations
from tests.simulation.invariants.truth import (
    a_cancellation_that_finds_nothing_is_the_end,
    an_accepted_edit_is_what_appears,
    an_unknown_may_be_there,
    cancelled_means_not_published,
    success_is_true,
    what_is_told_as_not_published_is_not_there,
)
from tests.simulation.invariants.waiting import (
    a_network_is_left_alone_while_it_asks_for_it,
    a_refusal_for_good_is_final,
    absence_uses_no_attempts,
    late_policies_kept,
    never_early,
    on_time_where_nothing_is_wrong,
    silence_costs_few_attempts,
)
from tests.simulation.world import World

Invariant = Callable[[Run], Violations]

INVARIANTS: tuple[Invariant, ...] = (
    published_at_most_once,
    never_another_text_after_one_that_may_be_out,
    success_is_true,
    what_is_told_as_not_published_is_not_there,
    cancelled_means_not_published,
    a_cancellation_that_finds_nothing_is_the_end,
    an_accepted_edit_is_what_appears,
    an_unknown_may_be_there,
    absence_uses_no_attempts,
    silence_costs_few_attempts,
    never_early,
    on_time_where_nothing_is_wrong,
    late_policies_kept,
    a_network_is_left_alone_while_it_asks_for_it,
    a_refusal_for_good_is_final,
    no_window_above_its_limit,
    due_order_kept,
    limits_are_used,
    whoever_is_done_with_a_post_leaves_it_settled,
    whoever_is_done_with_a_request_has_taken_it,
    no_error_is_passed_over,
    nobody_is_called_back_twice,
    nothing_is_asked_for_again,
    what_was_answered_is_not_sent_again,
    everything_settles,
    nothing_breaks,
    every_change_is_told_once,
    no_change_is_told_twice,
    every_request_is_answered,
    every_outcome_is_called_back,
    the_console_shows_the_truth,
    the_console_counts_what_it_shows,
    the_journal_has_each_event_once,
    refresh_tokens_are_used_once,
)


def violations(world: World) -> list[tuple[str, str]]:
    """What is wrong, each under the name of its invariant."""
    run = Run(world)
    return [
        (invariant.__name__, what)
        for invariant in INVARIANTS
        if invariant.__name__ not in world.scenario.waives
        for what in invariant(run)
    ]
