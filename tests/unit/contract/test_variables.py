"""The names of variables that cross a container's wall stand in contract/variables.py, and nowhere else."""

import ast
from collections.abc import Iterator
from pathlib import Path

from contract import variables
from tests.support.some import some

ROOT = Path(__file__).parents[3]
ROOMS = ("checks", "constructs", "contract", "embedded", "serving", "stacks", "training", "yard")
ALONE = Path("embedded/nodes/loopback/sitecustomize.py")
"""Every Python of a node imports it, also where there is no contract to import."""


def spelled_out(code: str) -> Iterator[str]:
    """Every text of a program, docstrings left out, that holds a name with the prefix."""
    tree = ast.parse(code)
    documentation = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        text = node.value if isinstance(node, ast.Constant) and id(node) not in documentation else None
        if isinstance(text, str) and variables.PREFIX in text:
            yield text


def test_a_name_in_a_program_is_found_and_one_in_a_docstring_is_not() -> None:
    code = '"""SHARDYARD_A"""\nx = {"SHARDYARD_B": 1}\ny = f"set SHARDYARD_C to {x}"\n# SHARDYARD_D\n'
    assert list(spelled_out(code)) == ["SHARDYARD_B", "set SHARDYARD_C to "]


def test_no_name_is_spelled_out_elsewhere() -> None:
    files = {path.relative_to(ROOT): path.read_text() for room in ROOMS for path in some((ROOT / room).rglob("*.py"))}
    found = {path: names for path, code in files.items() if (names := list(spelled_out(code)))}
    assert set(found) == {Path("contract/variables.py"), ALONE}
    assert found[ALONE] == [variables.HOST_ADDRESSES]


def test_every_name_is_a_constant_of_its_own() -> None:
    names = {name: value for name, value in vars(variables).items() if name.isupper() and name != "PREFIX"}
    assert some(names) and {value: variables.PREFIX + name for name, value in names.items()} == {
        value: value for value in names.values()
    }
