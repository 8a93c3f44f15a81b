"""The platform that docs/adding-a-platform.md adds: its code is taken from there, so that the guide holds."""

import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from tests.integration.publisher.conformance.case import Case

GUIDE = Path(__file__).parents[4] / "docs" / "adding-a-platform.md"
PIECE = re.compile(r"^## \d[^\n]*\n`([\w/]+)\.py`.*?^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)
"""The file that a section begins with, and its code."""


def _as_written() -> list[ModuleType]:
    """The guide's pieces of code, each as the module whose file it names; afterwards nobody else can import them."""
    pieces = {path.replace("/", "."): code for path, code in PIECE.findall(GUIDE.read_text())}
    before = {name: sys.modules.pop(name) for name in pieces if name in sys.modules}
    try:
        return [_module(name, code) for name, code in pieces.items()]
    finally:
        for name in pieces:
            sys.modules.pop(name, None)
        sys.modules.update(before)


def _module(name: str, code: str) -> ModuleType:
    module = sys.modules[name] = ModuleType(name)
    exec(compile(code, f"{GUIDE.name}: {name}", "exec"), module.__dict__)
    return module


_, _, CASE_MODULE = _as_written()
CASE: Case[Any] = CASE_MODULE.CASE
CASE.name = "guide"
"""Not `slate`: whoever follows the guide runs `-k slate`, which must find their own case only."""
