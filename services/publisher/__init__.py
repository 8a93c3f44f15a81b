"""Sends each post to its platform at its instant, once.

owns      accounts with their credentials, publications (every attempt), rate-limit reservations
reacts to publish.requested, schedule.cancelled, publish.retry_requested, publish.resolve_requested,
          account.connect_requested, account.disconnect_requested, account.refresh_requested,
          keys.rotate_requested, account.limits_requested, retention.purge_requested, console.rebuild_requested,
          and its own callback.requested
emits     publish.succeeded, publish.failed, publish.unknown, publish.skipped, publish.held, publish.retrying,
          schedule.rejected (what a person asked for a post and cannot be done), account.connected,
          account.connect_failed, account.disconnected, account.disconnect_failed, account.refreshed,
          account.refresh_failed, account.limits_told, keys.rotated, retention.purged, state.told,
          console.rebuild_answered
"""
