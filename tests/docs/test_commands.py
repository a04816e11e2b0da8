"""Every `yard` command that a page shows is one, and takes the options that the page gives it."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
import typer.main

from yard.commands import register

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
APP = typer.Typer()
register(APP)
ROOT_COMMAND = typer.main.get_command(APP)
OF_THE_APP = {"--embedded", "--stage", "--debug", "--help", "--install-completion"}
_BLOCK = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_INLINE = re.compile(r"`((?:\.venv/bin/)?yard [^`]+)`")


def commands(text: str) -> Iterator[list[str]]:
    """The words after `yard` of each command, in blocks and in the text, up to the next command."""
    lines = [line for kind, block in _BLOCK.findall(text) if kind in ("", "sh") for line in block.splitlines()]
    for line in [*lines, *(found.replace("\n", " ") for found in _INLINE.findall(text))]:
        for part in re.split(r"(?:^|[\s(])(?:\.venv/bin/)?yard (?=[a-z-])", line.partition(" #")[0])[1:]:
            yield re.split(r"[;|&>)\"]|\s{2,}", part)[0].split()


def wrong(words: list[str]) -> str | None:
    """What a command's line has that the command does not know."""
    node, options = ROOT_COMMAND, set(OF_THE_APP)
    for word in words:
        if word.startswith("--") and word != "--":
            if word.partition("=")[0].rstrip(".,") not in options:
                return word
        elif hasattr(node, "commands"):
            if word in ("...", "COMMAND"):
                return None
            if word not in node.commands:
                return word if re.fullmatch(r"[a-z][a-z-]*", word) else None
            node = node.commands[word]
            options |= {name for parameter in node.params for name in parameter.opts + parameter.secondary_opts}
    return None


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_of_the_page_is_known(page: Path) -> None:
    found = {" ".join(words): wrong(words) for words in commands(page.read_text(encoding="utf-8"))}
    assert {command: word for command, word in found.items() if word is not None} == {}


def test_the_pages_show_commands_and_a_wrong_one_is_found() -> None:
    shown = [words for page in PAGES for words in commands(page.read_text(encoding="utf-8"))]
    assert len(shown) > 60
    assert wrong(shlex.split("train mnist-ddp --yes --embeded")) == "--embeded"
    assert wrong(shlex.split("cloud upp")) == "upp"
