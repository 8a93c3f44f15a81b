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


def reactions_of(projector: Projector) -> dict[type[Event], Handler]:
    """What the console does on each event, the frequent ones first."""
    known: dict[type[Event], Handler] = {
        PublishSucceeded: projector.on_post_fact,
        PublishRequested: projector.on_post_fact,
        ScheduleAccepted: projector.on_post_fact,
        ScheduleRequested: projector.on_schedule_requested,
        PublishRetrying: projector.on_post_fact,
        PublishFailed: projector.on_post_fact,
        PublishUnknown: projector.on_post_fact,
        PublishSkipped: projector.on_post_fact,
        PublishHeld: projector.on_post_fact,
        ScheduleCancelled: projector.on_post_fact,
        ScheduleSuperseded: projector.on_post_fact,
        PublishRetryRequested: projector.on_asked_of_a_post,
        PublishResolveRequested: projector.on_asked_of_a_post,
        ScheduleRejected: projector.on_rejected,
        ScheduleBatchRequested: projector.on_batch_requested,
        ScheduleBatchSettled: projector.on_batch_settled,
        AccountConnectRequested: projector.on_connect_requested,
        AccountConnected: projector.on_account_fact,
        AccountConnectFailed: projector.on_account_fact,
        AccountDisconnected: projector.on_account_fact,
        AccountRefreshed: projector.on_account_fact,
        AccountRefreshFailed: projector.on_account_fact,
        TimerFired: projector.on_timer_fired,
        TimerConfigured: projector.on_timer_configured,
        WorkspaceConfigured: projector.on_workspace_configured,
        WorkspaceAccepted: projector.on_workspace_decided,
        WorkspaceRejected: projector.on_workspace_decided,
        WorkspaceRemoved: projector.on_workspace_decided,
        MentionFound: projector.on_mention_found,
        DigestSent: projector.on_digest_sent,
        **dict.fromkeys((JobStarted, JobSucceeded, JobFailed, JobReleased, JobSkipped), projector.on_job_run),
        ServiceReported: projector.on_service_reported,
        AlertRaised: projector.on_alert_raised,
        DeadLetterParked: projector.on_dead_letter_parked,
        DeadLetterReplayed: projector.on_dead_letters_settled,
        DeadLetterDropped: projector.on_dead_letters_settled,
        ConsoleActed: is_kept_by_the_audit,
    }
    return known | {event: projector.on_other for event in EVENTS.values() if event not in known}


async def is_kept_by_the_audit(delivery: Delivery[Any]) -> None:
    """Nothing: it is written down already, and no part of what whoever may read the events may read."""
