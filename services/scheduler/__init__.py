"""Turns schedule requests into delayed publish requests.

owns      schedules (one per post and account), requests that wait for the publisher, timers and their ticks,
          what it has learned of accounts
reacts to schedule.requested, schedule.batch_requested, schedule.cancel_requested, every publish outcome,
          account.connected, account.disconnected, retention.purge_requested, console.rebuild_requested,
          timer.trigger_requested, the clock
emits     schedule.accepted, schedule.rejected, schedule.batch_settled, schedule.cancelled, schedule.superseded,
          publish.withdraw_requested, and publish.requested through the delayed exchange;
          timer.fired, timer.configured; retention.purged, state.told, console.rebuild_answered
"""
