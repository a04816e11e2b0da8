"""A notebook's file, written."""

from collections.abc import Sequence
from pathlib import Path

from yard.errors import writing
from yard.notebooks.reading import Cell


def write_notebook(target: Path, cells: Sequence[Cell]) -> None:
    """Write cells as a notebook of Python."""
    from nbformat import v4, write

    kernel = {"name": "python3", "language": "python", "display_name": "Python 3"}
    book = v4.new_notebook(metadata={"kernelspec": kernel})
    for cell in cells:
        metadata = {"tags": sorted(cell.tags)} if cell.tags else {}
        made = v4.new_markdown_cell if cell.kind == "markdown" else v4.new_code_cell
        book.cells.append(made(cell.source, id=f"cell-{cell.number}", metadata=metadata))
    with writing(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        write(book, target)
