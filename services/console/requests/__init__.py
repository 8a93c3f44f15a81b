"""What people ask for: made into requests, sent, and answered.

sender.py           sends a request and waits for its answers, which awaited_answers.py hears
required_queues.py  nothing is sent that nobody takes
idempotency.py      a request under a key is carried out once
editing.py          a change of a post, as whole requests
moving.py           how far posts are moved
repeating.py        a post again and again, as single posts
runs.py             work of many parts in the background: bulk_runs.py acts on posts, import_runs.py sends files
"""
