"""Writes docs/events.md: `python -m shared.contract`."""

from pathlib import Path

from shared.contract.document import document
from shared.contract.markdown import body, contents

EVENTS_PAGE = Path(__file__).parents[2] / "docs" / "events.md"

_HEAD = """\
# The events

<!-- Written by `python -m shared.contract`; change shared/events and shared/contract instead. -->

Every running service serves this as a page and as AsyncAPI 3 at `/asyncapi`: the console the whole contract, the
others what they emit and take. [Producers and consumers](examples/README.md) in Python, Node and with `rabbitmqadmin`
are beside it.
"""


def events_page() -> str:
    """What docs/events.md holds."""
    whole = document()
    return "\n".join((_HEAD, contents(whole), body(whole)))


if __name__ == "__main__":
    EVENTS_PAGE.write_text(events_page())
