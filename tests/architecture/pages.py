"""The pages that people read, as a whole."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
_BLOCK = re.compile(r"^```[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)


def name_of(page: Path) -> str:
    """The page's path within the repository."""
    return str(page.relative_to(ROOT))


def blocks_of(page: Path) -> str:
    """Whatever stands between fences: what a reader copies."""
    return "\n".join(_BLOCK.findall(page.read_text()))


def prose_of(page: Path) -> str:
    """Everything else."""
    return _BLOCK.sub("", page.read_text())
