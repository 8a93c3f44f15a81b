"""What a page names is there: links, headings, files, settings, events, programs and targets of make."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.events import EVENTS
from tests.architecture.pages import PAGES, ROOT, blocks_of, name_of, prose_of

SETTINGS = (ROOT / "docs" / "settings.md").read_text()
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
MADE_BY_A_GUIDE = re.compile("slate")  # docs/adding-a-platform.md has the reader write them
OF_EVENTS_ALONE = (
    "account|alert|dead_letter|job|keys|keywords|publish|schedule|timer|workspace"  # no queue or timer has these
)
pages = pytest.mark.parametrize("page", PAGES, ids=name_of)


def headings_of(page: Path) -> set[str]:
    """The anchors that GitHub makes of a page's headings."""
    found = re.findall(r"^#+ (.+)$", prose_of(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in found}


def problem_with(link: str, page: Path) -> str | None:
    """Why a link of a page leads nowhere, if it does."""
    if re.match(r"https?://", link):
        return None
    path, _, anchor = link.partition("#")
    target = page.parent / path if path else page
    if not target.exists():
        return "no such file"
    return "no such heading" if anchor and anchor not in headings_of(target) else None


def files_named_in(page: Path) -> Iterator[str]:
    for name in re.findall(r"`((?:services|shared|tests|docs|deploy|benchmarks)/[\w./-]+)`", prose_of(page)):
        if not MADE_BY_A_GUIDE.search(name):
            yield name


@pages
def test_every_link_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)\s]+)\)", re.sub(r"`[^`]*`", "", prose_of(page)))

    assert {link: problem for link in links if (problem := problem_with(link, page))} == {}


@pages
def test_every_file_that_is_named_exists(page: Path) -> None:
    assert [name for name in files_named_in(page) if not (ROOT / name).exists()] == []


@pages
def test_every_setting_that_is_named_is_on_the_page_of_settings(page: Path) -> None:
    named = set(re.findall(r"TIMEBALL_(?!TEST_)[A-Z_]+[A-Z]", page.read_text()))
    services = r"TIMEBALL_(SCHEDULER|PUBLISHER|MONITOR|MAINTENANCE|CONSOLE)_"

    unknown = {one for one in named if not re.search(rf"\b{one}\b", SETTINGS)}

    assert {one for one in unknown if re.sub(services, "TIMEBALL_<SERVICE>_", one) not in SETTINGS} == set()


@pages
def test_every_event_that_is_named_exists(page: Path) -> None:
    named = set(re.findall(rf"`((?:{OF_EVENTS_ALONE})\.[a-z_]+)`", prose_of(page)))

    assert named - set(EVENTS) == set()


@pages
def test_every_target_of_make_and_every_program_exists(page: Path) -> None:
    text = blocks_of(page) + "".join(re.findall(r"`[^`]+`", prose_of(page)))
    modules = re.findall(r"python -m ((?:services|shared|tests|benchmarks)(?:\.[a-z_]+)*)(?![.\w])", text)
    programs = [module.replace(".", "/") for module in modules]

    assert set(re.findall(r"(?:^|`|&& )make ([a-z-]+)", text, re.MULTILINE)) <= TARGETS
    assert [
        one for one in programs if not ((ROOT / f"{one}.py").exists() or (ROOT / one / "__main__.py").exists())
    ] == []


def test_what_is_not_there_is_noticed() -> None:
    readme = ROOT / "README.md"

    assert problem_with("docs/cli.md#posts", readme) is None
    assert problem_with("docs/cli.md#letters", readme) == "no such heading"
    assert problem_with("docs/command-line.md", readme) == "no such file"


def test_every_change_stands_in_a_group() -> None:
    for release in (ROOT / "CHANGELOG.md").read_text().split("\n## ")[1:]:
        assert "\n- " not in release.partition("\n### ")[0], "put each change into the group of those it concerns"


def test_every_page_is_linked_from_another() -> None:
    linked = {
        (page.parent / link.partition("#")[0]).resolve()
        for page in PAGES
        for link in re.findall(r"\]\(([^)\s#][^)\s]*)\)", prose_of(page))
    }

    assert [name_of(page) for page in PAGES if page not in linked] == ["README.md"]
