"""Every command answers `--help` with an example, and every one that prints data can print it as JSON."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from yard import commands
from yard.main import app

ROOT = Path(__file__).resolve().parents[3]
PRINTS_SOMETHING_ELSE = {"yard exec", "yard shell", "yard export"}
"""A script, or a request that is JSON anyway."""

commands.register(app)


def walk(command: Any, path: str = "yard") -> Iterator[tuple[str, Any]]:
    """Every command that does something, with what a person types."""
    if getattr(command, "hidden", False):  # an alias, with the help of the command
        return
    inner = getattr(command, "commands", None)
    if inner is None or command.invoke_without_command:
        yield path, command
    for name, child in (inner or {}).items():
        yield from walk(child, f"{path} {name}")


COMMANDS = dict(walk(get_command(app)))


def test_the_walk_finds_the_commands() -> None:
    assert {
        "yard train",
        "yard cost",
        "yard cost estimate",
        "yard cloud interrupt",
        "yard model get",
    } <= COMMANDS.keys()


@pytest.mark.parametrize("path", COMMANDS)
def test_help_has_an_example_of_the_command_itself(path: str) -> None:
    examples = [line.strip() for line in (COMMANDS[path].help or "").splitlines()]
    assert any(line.startswith((f"{path} ", f"{path}\n")) or line == path or f"$({path})" in line for line in examples)


@pytest.mark.parametrize("path", sorted(COMMANDS.keys() - PRINTS_SOMETHING_ELSE))
def test_every_command_speaks_json(path: str) -> None:
    assert any("--json" in parameter.opts for parameter in COMMANDS[path].params)


@pytest.mark.parametrize("path", COMMANDS)
def test_every_option_and_argument_says_what_it_is(path: str) -> None:
    assert [one.name for one in COMMANDS[path].params if one.name != "help" and not getattr(one, "help", "")] == []


@pytest.mark.parametrize("path", COMMANDS)
def test_the_summary_is_not_cut(path: str) -> None:
    first = (COMMANDS[path].help or "").splitlines()[0]
    assert len(first) <= 62, "the list of commands would cut it off"


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("yard tra", ["train", "transform"]),
        ("yard train mnist-", ["mnist-ddp", "mnist-hetero", "mnist-tune"]),
        ("yard image push py", ["pytorch"]),
        ("yard cloud int", ["interrupt"]),
        ("yard train mnist-ddp --dry", ["--dry-run"]),
    ],
)
def test_the_shell_completes(words: str, found: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    env = {"_YARD_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
    assert CliRunner().invoke(app, [], env=env, prog_name="yard").stdout.split() == found
