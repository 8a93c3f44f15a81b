"""Keeps Timeball well: tokens good, tables small, days added up, and people told of what should not be.

owns      account expiries, outcomes and daily figures, posts that fail or wait for a person, the history of job runs,
          reports of services, open alerts
reacts to timer.fired (token.refresh_check, retention.purge, analytics.aggregate), account.*, publish outcomes, job.*,
          service.reported, alert.raised, retention.purge_requested, console.rebuild_requested
emits     account.refresh_requested, retention.purge_requested, retention.purged, analytics.aggregated, alert.raised,
          job.started, job.succeeded, job.failed, job.released, job.skipped, state.told, console.rebuild_answered
"""
