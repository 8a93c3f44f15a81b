"""What operators see of every outcome: a line in the log and figures for Prometheus."""

from collections.abc import Iterable

import structlog
from prometheus_client import Counter, Histogram

from services.publisher.sending.case import Case
from services.publisher.sending.outcomes import Outcome
from shared.events.progress import State
from shared.events.publisher import PublishSucceeded

OUTCOMES = Counter("timeball_publications_total", "What became of sends", ["platform", "outcome"])
LATENESS = Histogram(
    "timeball_publish_lateness_seconds",
    "Start of the send minus the due instant",
    ["platform"],
    buckets=(0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60, 600),
)

REPORTED = (State.PUBLISHED, State.FAILED, State.UNKNOWN, State.HELD, State.SKIPPED, State.RETRYING)

log = structlog.get_logger()


def begin_at_zero(platforms: Iterable[str]) -> None:
    """Have every outcome counted from 0: of a counter that first shows as 1, Prometheus sees no increase."""
    for platform in platforms:
        for outcome in REPORTED:
            OUTCOMES.labels(platform, outcome)


def report(case: Case, outcome: Outcome) -> None:
    """Count and log what became of a post."""
    publication = outcome.publication
    if publication is None:
        return
    platform = publication.platform or "unknown"
    OUTCOMES.labels(platform, publication.state).inc()
    for fact in outcome.told:
        if isinstance(fact, PublishSucceeded):
            LATENESS.labels(platform).observe(fact.lateness_ms / 1000)
    log.info(
        "post_settled",
        state=publication.state,
        post_id=publication.post_id,
        account_id=publication.account_id,
        attempt=len(case.attempts),
    )
