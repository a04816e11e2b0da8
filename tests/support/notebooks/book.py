"""A notebook of a few lines: what Jupyter writes, made where a test needs it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
from nbformat import v4

Shown = str | tuple[str, str]
"""A cell's source; with a tag or a kind before it, as a pair."""


@dataclass(frozen=True, kw_only=True)
class Book:
    """One notebook as people write them, and what must become of it."""

    name: str
    text: str
    """Its cells, each behind a line `# %%`, which a tag or a kind may follow."""
    files: Mapping[str, str] = field(default_factory=dict)
    """What lies beside it."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Fields of what is wanted."""
    arguments: Sequence[str] = ()
    """What the script is started with."""
    prints: Sequence[str] = ()
    """What it must print."""
    leaves: Sequence[str] = ()
    """Files below `model` and `output`."""
    channels: Mapping[str, str] = field(default_factory=dict)
    """Which file beside it each channel must stand for."""
    notes: Sequence[str] = ()
    """What must be said of the conversion."""
    refused: Sequence[str] = ()
    """Why it is refused, from the beginning of each line; empty for one that is converted."""
    language: str = "python"

    @property
    def cells(self) -> list[Shown]:
        """The cells, with their tags or kinds."""
        found: list[Shown] = []
        for part in re.split(r"^# %%", self.text, flags=re.MULTILINE)[1:]:
            tag, _, source = part.partition("\n")
            found.append((tag.strip(), source.rstrip("\n")) if tag.strip() else source.rstrip("\n"))
        return found


def write(path: Path, cells: Sequence[Shown], *, language: str = "python", outputs: Sequence[Any] = ()) -> Path:
    """Write a notebook's file."""
    book = v4.new_notebook(
        metadata={"kernelspec": {"name": "no-such-kernel", "language": language, "display_name": ""}}
    )
    for cell in cells:
        tag, source = cell if isinstance(cell, tuple) else ("", cell)
        if tag == "markdown":
            book.cells.append(v4.new_markdown_cell(source))
        elif tag == "raw":
            book.cells.append(v4.new_raw_cell(source))
        else:
            metadata = {"tags": [tag]} if tag else {}
            book.cells.append(v4.new_code_cell(source, metadata=metadata, outputs=list(outputs)))
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(book, path)
    return path
