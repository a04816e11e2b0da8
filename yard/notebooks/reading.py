"""A notebook's file, and what is found out about its cells."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from yard.errors import UserError

_LARGEST_BYTES = 200_000_000
"""Outputs make notebooks large; what is larger still is no notebook that anybody opens."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Cell:
    """One cell."""

    number: int
    """Its place in the notebook, from 1, whatever its kind."""
    kind: str
    """`code`, `markdown` or `raw`."""
    source: str
    """What was typed into it."""
    tags: frozenset[str]
    """Its tags, as Jupyter's property inspector sets them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Notebook:
    """A notebook without its outputs."""

    path: Path
    cells: tuple[Cell, ...]
    language: str
    """The kernel's language, in small letters."""
    kernel: str
    """The kernel's name, as `jupyter kernelspec list` has it."""

    @property
    def code(self) -> tuple[Cell, ...]:
        """The cells that run in a job: those of code that are not tagged `skip`."""
        return tuple(cell for cell in self.cells if cell.kind == "code" and "skip" not in cell.tags)


@dataclass(frozen=True, kw_only=True, slots=True)
class Remark:
    """What is said about a cell."""

    cell: int
    """Its number; 0 for the notebook as a whole."""
    line: int | None
    """The line in it."""
    says: str

    @property
    def where(self) -> str:
        """For a person."""
        if not self.cell:
            return "notebook"
        return f"cell {self.cell}" + ("" if self.line is None else f", line {self.line}")

    def __str__(self) -> str:
        return f"{self.where}: {self.says}"


@dataclass(kw_only=True, slots=True)
class Findings:
    """What a conversion gathers on its way through the cells."""

    refusals: list[Remark] = field(default_factory=list)
    """What cannot be converted."""
    notes: list[Remark] = field(default_factory=list)
    """What was changed or left out."""
    packages: dict[str, str] = field(default_factory=dict)
    """Packages that cells install: the name as pip knows it, and the version specifier or nothing."""
    files: dict[str, bytes] = field(default_factory=dict)
    """Files that travel beside the script, by their path there."""

    def refuse(self, cell: int, line: int | None, says: str) -> None:
        """Say why a cell cannot be converted, once."""
        remark = Remark(cell=cell, line=line, says=says)
        if remark not in self.refusals:
            self.refusals.append(remark)

    def note(self, cell: int, line: int | None, says: str) -> None:
        """Say what is different in the script, once."""
        remark = Remark(cell=cell, line=line, says=says)
        if remark not in self.notes:
            self.notes.append(remark)


def listed(words: str) -> frozenset[str]:
    """A set of words, written as one text."""
    return frozenset(words.split())


def in_order(remarks: Sequence[Remark]) -> list[Remark]:
    """As a reader goes through the notebook."""
    return sorted(remarks, key=lambda remark: (remark.cell, remark.line or 0))


def read(path: Path) -> Notebook:
    """Read a notebook of any version of the format; raises UserError where it is none."""
    import nbformat

    if not path.is_file():
        raise UserError(f"{path} is no file.", "Name a notebook: train.ipynb")
    if path.stat().st_size > _LARGEST_BYTES:
        raise UserError(
            f"{path} has {path.stat().st_size / 1e6:,.0f} MB, and a notebook may have {_LARGEST_BYTES / 1e6:,.0f} MB.",
            "Clear its outputs: jupyter nbconvert --clear-output --inplace NOTEBOOK",
        )
    try:
        # without nbformat's validation: old writers left out what newer readers ask for, and outputs are of no interest
        text = path.read_text(encoding="utf-8")
        if not text.lstrip().startswith("{"):  # nbformat takes any JSON for a table
            raise ValueError("its text does not begin with {")
        content = nbformat.convert(nbformat.reader.reads(text), 4)
        cells = tuple(_cell(number, raw) for number, raw in enumerate(content.cells, 1))
        metadata = content.get("metadata", {})
        kernel = dict(metadata.get("kernelspec", {}))
        language = kernel.get("language", metadata.get("language_info", {}).get("name", "python"))
    except Exception as error:
        if isinstance(error, OSError):
            raise
        # nbformat raises whatever the file's content makes its parsers raise
        raise UserError(
            f"{path} is no notebook: {' '.join(str(error).split())[:200]}.", "Open it in Jupyter and save it again."
        ) from None
    return Notebook(path=path, cells=cells, language=str(language).lower(), kernel=str(kernel.get("name", "")))


def _cell(number: int, raw: Any) -> Cell:
    kind, source, tags = raw["cell_type"], raw["source"], raw.get("metadata", {}).get("tags", [])
    if not isinstance(source, str) or kind not in ("code", "markdown", "raw"):
        raise ValueError(f"cell {number} has no text, or is of the unknown kind {kind!r}")
    return Cell(number=number, kind=kind, source=source.replace("\r\n", "\n"), tags=frozenset(map(str, tags)))
