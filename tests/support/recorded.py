"""Facts that others recorded from AWS, with source and date: `tests/recorded/`.

The date is the thread's or the job's; that of a page which has none is when it was read.
"""

import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[1] / "recorded"


def facts(name: str) -> list[dict[str, Any]]:
    """What one file holds; a file without facts is a mistake."""
    found: list[dict[str, Any]] = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))["facts"]
    assert found, name
    return found
