"""Prints and writes figures with their limits, the machine, and its load at the time."""

import json
import os
import platform
import time
from dataclasses import asdict, dataclass
from pathlib import Path

RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True, kw_only=True, slots=True)
class Figure:
    """One number and its limit."""

    name: str
    value: float
    unit: str
    at_most: float | None = None
    at_least: float | None = None

    @property
    def is_met(self) -> bool:
        """Whether it is within its limit; a figure without a limit always is."""
        low = self.at_least is None or self.value >= self.at_least
        return low and (self.at_most is None or self.value <= self.at_most)

    def __str__(self) -> str:
        limit = ""
        if self.at_most is not None:
            limit = f"at most {self.at_most:g}: "
        if self.at_least is not None:
            limit = f"at least {self.at_least:g}: "
        verdict = "" if not limit else limit + ("met" if self.is_met else "MISSED")
        return f"{self.name:<64} {self.value:>12.4g} {self.unit:<12} {verdict}".rstrip()


def report(name: str, figures: list[Figure], *, notes: str = "") -> int:
    """Print the figures, write them to results/<name>.json, and return 1 if a limit is missed."""
    for figure in figures:
        print(figure)
    if notes:
        print(notes)
    RESULTS.mkdir(exist_ok=True)
    content = {
        "name": name,
        "taken": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "machine": {
            "processors": os.cpu_count(),
            "platform": platform.platform(),
            "python": platform.python_version(),
            "load": os.getloadavg(),
        },
        "figures": [{**asdict(figure), "is_met": figure.is_met} for figure in figures],
        "notes": notes,
    }
    (RESULTS / f"{name}.json").write_text(json.dumps(content, indent=1) + "\n")
    return 0 if all(figure.is_met for figure in figures) else 1
