"""What the console does on each event."""

from typing import Any

from services.console.handlers import Projector
from shared.events import EVENTS, Event
from shared.events.console import ConsoleActed
from shared.events.dead_letters import DeadLetterDropped, DeadLetterParked, DeadLetterReplayed
from shared.events.maintenance import (
    AlertRaised,
    JobFailed,
    JobReleased,
    JobSkipped,
    JobStarted,
    JobSucceeded,
    ServiceReported,
)
from shared.events.monitor import DigestSent, MentionFound, WorkspaceAccepted, WorkspaceRejected, WorkspaceRemoved
from shared.events.publisher import (
    AccountConnected,
    AccountConnectFailed,
    AccountDisconnected,
    AccountRefreshed,
    AccountRefreshFailed,
    PublishFailed,
    PublishHeld,
    PublishRetrying,
    PublishSkipped,
    PublishSucceeded,
    PublishUnknown,
)
from shared.events.requests import (
    AccountConnectRequested,
    PublishResolveRequested,
    PublishRetryRequested,
    ScheduleBatchRequested,
    ScheduleRequested,
    WorkspaceConfigured,
)
from shared.events.scheduler import (
    PublishRequested,
    ScheduleAccepted,
    ScheduleBatchSettled,
    ScheduleCancelled,
    ScheduleRejected,
    ScheduleSuperseded,
    TimerConfigured,
    TimerFired,
)
from shared.messaging.envelope import Delivery
from shared.messaging.settlement import Handler

POST_FACTS = (
    ScheduleAccepted,
    ScheduleCancelled,
    ScheduleSuperseded,
    PublishRequested,
    PublishRetrying,
    PublishSucceeded,
    PublishFailed,
    PublishUnknown,
    PublishSkipped,
    PublishHeld,
)
ACCOUNT_FACTS = (AccountConnected, AccountConnectFailed, AccountDisconnected, AccountRefreshed, AccountRefreshFailed)
WORKSPACE_DECISIONS = (WorkspaceAccepted, WorkspaceRejected, WorkspaceRemoved)
JOB_RUNS = (JobStarted, JobSucceeded, JobFailed, JobReleased, JobSkipped)


def reactions_of(projector: Projector) -> dict[type[Event], Handler]:
    """What the console does on each event."""
    known: dict[type[Event], Handler] = {
        **dict.fromkeys(POST_FACTS, projector.on_post_fact),
        **dict.fromkeys(ACCOUNT_FACTS, projector.on_account_fact),
        **dict.fromkeys(WORKSPACE_DECISIONS, projector.on_workspace_decided),
        **dict.fromkeys(JOB_RUNS, projector.on_job_run),
        **dict.fromkeys((PublishRetryRequested, PublishResolveRequested), projector.on_asked_of_a_post),
        **dict.fromkeys((DeadLetterReplayed, DeadLetterDropped), projector.on_dead_letters_settled),
        ScheduleRequested: projector.on_schedule_requested,
        ScheduleRejected: projector.on_rejected,
        ScheduleBatchRequested: projector.on_batch_requested,
        ScheduleBatchSettled: projector.on_batch_settled,
        AccountConnectRequested: projector.on_connect_requested,
        TimerFired: projector.on_timer_fired,
        TimerConfigured: projector.on_timer_configured,
        WorkspaceConfigured: projector.on_workspace_configured,
        MentionFound: projector.on_mention_found,
        DigestSent: projector.on_digest_sent,
        ServiceReported: projector.on_service_reported,
        AlertRaised: projector.on_alert_raised,
        DeadLetterParked: projector.on_dead_letter_parked,
        ConsoleActed: is_kept_by_the_audit,
    }
    return known | {event: projector.on_other for event in EVENTS.values() if event not in known}


async def is_kept_by_the_audit(delivery: Delivery[Any]) -> None:
    """Nothing: it is written down already, and no part of what whoever may read the events may read."""
