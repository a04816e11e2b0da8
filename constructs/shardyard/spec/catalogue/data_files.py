"""The dated facts in data/, read by path, which is faster than importlib.resources."""

import json
from pathlib import Path
from typing import Any


def read_data(name: str) -> Any:
    """One file of data/, parsed."""
    return json.loads(Path(__file__).parent.joinpath("data", name).read_text(encoding="utf-8"))
