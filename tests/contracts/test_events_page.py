"""docs/events.md says what the contract says."""

import re

from shared.contract.__main__ import EVENTS_PAGE, events_page
from shared.events import EVENTS


def test_the_page_is_what_the_contract_says_now() -> None:
    assert EVENTS_PAGE.read_text() == events_page(), "write it anew: make docs (or python -m shared.contract)"


def test_every_link_within_the_page_leads_to_a_heading() -> None:
    text = events_page()

    links = set(re.findall(r"\]\(#([^)]+)\)", text))

    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    assert links <= {heading.replace(".", "") for heading in headings}
    assert len(links) >= len(EVENTS) - 2
