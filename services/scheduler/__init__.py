"""Turns schedule requests into delayed publish requests.

owns      schedules (one per post and account), what it has learned of accounts
reacts to schedule.requested, schedule.batch_requested, schedule.cancel_requested, every publish outcome,
          account.connected, account.disconnected, retention.purge_requested, the clock
emits     schedule.accepted, schedule.rejected, schedule.batch_settled, schedule.cancelled, and publish.requested
          through the delayed exchange; retention.purged
"""
