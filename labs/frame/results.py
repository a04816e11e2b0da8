"""What a run of a lab found: figures with their limits, tables, pictures, cost. Written as results.json."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from labs.frame.errors import LabError

FILE = "results.json"
Cell = str | int | float


@dataclass(frozen=True, kw_only=True, slots=True)
class Figure:
    """One measured number, and the range that it must lie in."""

    value: float
    unit: str
    says: str
    """What it is, as the first cell of its row."""
    at_least: float | None
    at_most: float | None

    @property
    def is_met(self) -> bool:
        """Whether it lies in its range; every number lies in none."""
        low = self.at_least is None or self.value >= self.at_least
        return low and (self.at_most is None or self.value <= self.at_most)

    @property
    def range(self) -> str:
        """Its range in words."""
        parts = [] if self.at_least is None else [f"at least {number(self.at_least)}"]
        parts += [] if self.at_most is None else [f"at most {number(self.at_most)}"]
        return ", ".join(parts)


@dataclass(kw_only=True, slots=True)
class Results:
    """Everything that a run has found so far, written after each finding."""

    folder: Path
    run: dict[str, Cell] = field(default_factory=dict)
    """When, where and how long it ran."""
    figures: dict[str, Figure] = field(default_factory=dict)
    tables: dict[str, list[dict[str, Cell]]] = field(default_factory=dict)
    pictures: list[str] = field(default_factory=list)

    def add_figure(self, name: str, figure: Figure) -> None:
        """Note a figure; one outside of its range is noted, and then an error."""
        self.figures[name] = figure
        self.write()
        if not figure.is_met:
            measured = f"{number(figure.value)} {figure.unit}".rstrip()
            raise LabError(f"{name} ({figure.says}) is {measured}; the lab states {figure.range}.")

    def add_table(self, name: str, rows: Sequence[Mapping[str, Cell]]) -> None:
        """Note a table; every row has the same columns."""
        if not rows or any(list(row) != list(rows[0]) for row in rows):
            raise LabError(f"The table {name!r} needs rows, all with the same columns.")
        self.tables[name] = [dict(row) for row in rows]
        self.write()

    def add_picture(self, file: str) -> None:
        """Note a picture."""
        if file not in self.pictures:
            self.pictures.append(file)
        self.write()

    def write(self) -> None:
        """Write the file."""
        self.folder.mkdir(parents=True, exist_ok=True)
        content = {
            "run": self.run,
            "figures": {name: asdict(figure) for name, figure in self.figures.items()},
            "tables": self.tables,
            "pictures": self.pictures,
        }
        (self.folder / FILE).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def read(folder: Path) -> Results:
    """The results that lie in a folder."""
    try:
        content: dict[str, Any] = json.loads((folder / FILE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise LabError(f"{folder / FILE} is missing: python -m labs run --keep writes it.") from None
    return Results(
        folder=folder,
        run=content["run"],
        figures={name: Figure(**figure) for name, figure in content["figures"].items()},
        tables=content["tables"],
        pictures=content["pictures"],
    )


def number(value: float) -> str:
    """A number as a page shows it: four digits that count."""
    if float(value).is_integer() and abs(value) < 1e15:
        return f"{int(value):,}"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
