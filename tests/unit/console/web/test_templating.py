"""What every page has: one sees in the navigation where one is."""

import pytest

from services.console.web.templating import NAVIGATION, section_of


@pytest.mark.parametrize(
    ("path", "section"),
    [
        ("/", "Now"),
        ("/posts", "Posts"),
        ("/posts/a%2Fb", "Posts"),
        ("/bulk", "Posts"),
        ("/bulk/0a1b", "Posts"),
        ("/import/0a1b", "Posts"),
        ("/connect/linkedin", "Accounts"),
        ("/queues/scheduler.dead", "Queues"),
        ("/tokens", None),
        ("/postscript", None),
    ],
)
def test_a_page_belongs_to_one_of_the_navigation_or_to_none(path: str, section: str | None) -> None:
    assert dict(NAVIGATION).get(section_of(path)) == section
