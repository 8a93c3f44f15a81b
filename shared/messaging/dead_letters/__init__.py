"""Dead letters: what cannot be handled rests in `<service>.dead`, is told of, and is replayed or dropped when asked.

a message that cannot be handled ──> timeball.dead ──┬──> <service>.dead    rests until it is replayed or dropped
(parked by us, or by the broker)                     └──> <service>.parked  a copy, until dead_letter.parked is told
"""
