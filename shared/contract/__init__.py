"""The public contract as it is served and printed: every event, who emits it and who takes it, with an example.

    entries + examples + fields ──> document (AsyncAPI 3) ──> /asyncapi of every service
                                          └──> markdown ──> docs/events.md, and the page at /asyncapi

The events themselves are in `shared.events`; here is what a stranger needs besides.
"""
