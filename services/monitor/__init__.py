"""Watches subreddits for keywords, and tells people what was found, at once or once a day.

owns      workspaces with their notification targets, how far each subreddit has been read, mentions, digests,
          deliveries (one per mention or digest and target)
reacts to workspace.configured, workspace.remove_requested, keywords.try_requested, timer.fired (monitor.check,
          digest.send), its own notification.requested, keys.rotate_requested, retention.purge_requested,
          console.rebuild_requested
emits     workspace.accepted, workspace.rejected, workspace.removed, keywords.tried, mention.found,
          monitor.completed, digest.sent, job.started, job.succeeded, job.failed, job.released, job.skipped,
          keys.rotated, retention.purged, state.told, console.rebuild_answered
"""
