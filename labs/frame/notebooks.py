"""The notebook of a lab, made from its script: cells begin at `# %%`, texts at `# %% [markdown]`."""

import json
from dataclasses import dataclass
from pathlib import Path

from labs.frame.errors import LabError

_CELL = "# %%"
_TEXT = "# %% [markdown]"


@dataclass(frozen=True, kw_only=True, slots=True)
class Cell:
    """One cell."""

    kind: str
    """`code` or `markdown`."""
    source: str


def cells_of_script(text: str) -> list[Cell]:
    """The cells of a script; every line of a text cell is a comment."""
    found: list[tuple[str, list[str]]] = []
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith(_CELL):
            if line not in (_CELL, _TEXT):
                raise LabError(f"line {number} is {line!r}; a cell begins with {_CELL!r} or {_TEXT!r} alone")
            found.append(("markdown" if line == _TEXT else "code", []))
        elif not found:
            raise LabError(f"line {number} stands before the first cell: {line!r}")
        elif found[-1][0] == "code":
            found[-1][1].append(line)
        elif line == "#" or line.startswith("# ") or not line:
            found[-1][1].append(line[2:])
        else:
            raise LabError(f"line {number} of a text cell is no comment: {line!r}")
    return [Cell(kind=kind, source="\n".join(lines).strip("\n")) for kind, lines in found]


def cells_of_notebook(path: Path) -> list[Cell]:
    """The cells of a notebook's file."""
    content = json.loads(path.read_text(encoding="utf-8"))
    return [Cell(kind=cell["cell_type"], source="".join(cell["source"])) for cell in content["cells"]]


def notebook(script: str) -> str:
    """The notebook's file for a script: no outputs, and the same bytes for the same script."""
    content = {
        "cells": [_json_of(cell, number) for number, cell in enumerate(cells_of_script(script), 1)],
        "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def _json_of(cell: Cell, number: int) -> dict[str, object]:
    more: dict[str, object] = {"execution_count": None, "outputs": []} if cell.kind == "code" else {}
    lines = cell.source.splitlines(keepends=True)
    return {"cell_type": cell.kind, "id": f"cell-{number}", "metadata": {}, **more, "source": lines}
