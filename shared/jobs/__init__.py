"""Jobs: every reaction to a `timer.fired` is a job run, told of from its start to its end.

A service gives its database a table of runs (`job_runs_table`), makes one `Jobs`, and lets the handler of `TimerFired`
call `jobs.run(delivery, work)`. What it may rely on, with any number of replicas:

- A job never overlaps itself. A run holds a lease and renews it while it works; a tick that comes meanwhile does not
  run and is told as `job.skipped`.
- Who loses the lease stops working: the work is cancelled at its next await, before anyone else may begin.
- A tick runs once. Its message, delivered again after the end, does nothing.
- When a runner dies, its run is told as `job.failed` as soon as the lease is over, and taken over: by the message of
  the same tick, which the broker delivers again, or by the next tick. So work may be begun twice and must bear it.
- What is not done when its service stops is cut off and told as `job.released`; its message goes back to the broker,
  and the next process runs the tick at once.
- Work that fails is told as `job.failed`; nothing repeats it but the next tick.

A lease that looks over is watched for longer than a heartbeat before it is taken: a clock that was set kills nobody.
Events go through the outbox, together with the row they tell of.
"""

from shared.jobs.jobs import Jobs
from shared.jobs.runs import job_runs_table

__all__ = ["Jobs", "job_runs_table"]
