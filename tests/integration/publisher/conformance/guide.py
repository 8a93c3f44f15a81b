"""`slate`, the platform that docs/adding-a-platform.md adds: its code is taken from there, so that the guide holds."""

import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from tests.integration.publisher.conformance.case import Case

GUIDE = Path(__file__).parents[4] / "docs" / "adding-a-platform.md"
CODE = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)


def _as_written() -> ModuleType:
    """The guide's pieces of code, one after the other, as one module."""
    module = sys.modules["slate_of_the_guide"] = ModuleType("slate_of_the_guide")
    for piece in CODE.findall(GUIDE.read_text()):
        exec(compile(piece, GUIDE.name, "exec"), module.__dict__)
    return module


CASE: Case[Any] = _as_written().CASE
