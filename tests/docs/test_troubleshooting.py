"""docs/do/troubleshooting.md has a row for whatever the code can say in the three areas that it claims to cover."""

import ast
import re
from pathlib import Path

import pytest

from shardyard.handlers.launch.classify.failures import Kind
from yard.errors import Exit

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/do/troubleshooting.md").read_text(encoding="utf-8")
CAUSES = ROOT / "training/launcher/endings/reasons.py"


def first_cells(title: str) -> list[str]:
    """The first column of the table in a section, without its head."""
    section = PAGE.partition(f"## {title}\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (.+?) \|", section, re.MULTILINE)
    return rows[2:]


def sentences() -> list[str]:
    """The constant parts of what `_cause` returns or puts together, as long as they are words."""
    tree = ast.parse(CAUSES.read_text(encoding="utf-8"))
    cause = next(node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "_cause")
    values = [node.value for node in ast.walk(cause) if isinstance(node, ast.Return | ast.Assign | ast.AugAssign)]
    found = [
        part.value.strip()
        for value in values
        if value is not None
        for part in ast.walk(value)
        if isinstance(part, ast.Constant) and isinstance(part.value, str)
    ]
    return [text for text in found if len(text) > 5]


def test_every_exit_code_has_a_row() -> None:
    assert first_cells("`yard` ended with an exit code") == [str(int(code)) for code in Exit]


def test_every_kind_of_failure_has_a_row() -> None:
    assert first_cells("An attempt did not complete") == [kind.value for kind in Kind]


def test_the_launcher_has_sentences() -> None:
    assert len(sentences()) >= 7


@pytest.mark.parametrize("sentence", sentences())
def test_every_sentence_of_the_launcher_has_a_row(sentence: str) -> None:
    cells = first_cells("The launcher says why a process ended")
    assert any(f"`{sentence}`" in cell for cell in cells), sentence
