"""Turns schedule requests into delayed publish requests.

owns      schedules (one per post and account), timers and their ticks, what it has learned of accounts
reacts to schedule.requested, schedule.batch_requested, schedule.cancel_requested, every publish outcome,
          account.connected, account.disconnected, retention.purge_requested,
          timer.trigger_requested, the clock
emits     schedule.accepted, schedule.rejected, schedule.batch_settled, schedule.cancelled, and publish.requested
          through the delayed exchange; timer.fired, timer.configured; retention.purged
"""
