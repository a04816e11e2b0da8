"""Every command that README.md shows: it runs as it stands on the embedded cloud, or the reason why not is listed."""

import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.support.pages import ROOT, Copy

README = ROOT / "README.md"
TEXT = README.read_text(encoding="utf-8")

NOT_RUN: Mapping[str, str] = {
    "make demo": "minutes; tests/cloud/e2e/test_demo.py runs it",
    "make demo-clean": "tests/cloud/e2e/test_demo.py runs it",
    "make test": "this test is part of it",
    "make check": "minutes; .ci/run runs it",
    "yard --embedded ...": "a pattern",
    "npx cdk deploy STACK --parameters STACK:Name=value": "a pattern",
    "yard check --parameters Name=value": "a pattern",
    ".venv/bin/yard invoke digits FILE": "a pattern; tests/cloud/e2e/test_demo.py asks the endpoint for a digit",
}
"""Commands that the reader's way below leaves out."""

AT_A_TERMINAL: Mapping[str, str] = {
    "npx cdk deploy --all": "y",
    ".venv/bin/yard train mnist-ddp": "y",
    ".venv/bin/yard deploy digits --run mnist-ddp:latest": "y",
    ".venv/bin/yard destroy": "shardyard",
}
"""Commands that ask, with what the reader answers."""

FIRST = ("yard cloud up", 'eval "$(yard cloud env)"')
"""Where the reader has no account."""


_PLACES = re.compile(
    r"^```sh\n(?P<block>.*?)^```$|`(?P<text>(?:make|npx|yard|\.venv/bin/\w+|eval) [^`\n]+)`", re.DOTALL | re.MULTILINE
)


def shown() -> list[str]:
    """Every command of the page in its order, in blocks and in the text."""
    lines = [line for found in _PLACES.finditer(TEXT) for line in (found["block"] or found["text"]).splitlines()]
    commands = [re.sub(r"\s+#.*", "", line).strip() for line in lines]
    return list(dict.fromkeys(command for command in commands if command))


def run_here() -> list[str]:
    """The commands that this test runs, in the order of the page; the embedded cloud comes first and goes last."""
    return [command for command in shown() if command not in NOT_RUN and command not in FIRST]


def test_the_page_shows_commands_and_the_lists_name_only_those() -> None:
    assert len(run_here()) > 5
    assert {*NOT_RUN, *AT_A_TERMINAL, *FIRST} <= set(shown())


@pytest.mark.parametrize("command", [one for one in shown() if one.startswith("make ")])
def test_make_knows_the_verb(command: str) -> None:
    done = subprocess.run(["make", "-n", *command.split()[1:]], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and done.stdout, done.stderr


@pytest.mark.parametrize("command", [one for one in NOT_RUN if "--parameters" in one])
def test_a_pattern_names_options_that_exist(command: str) -> None:
    program, verb = re.match(r"(npx cdk|yard) (\w+)", command).groups()  # type: ignore[union-attr]
    there = {"npx cdk": "node_modules/.bin/cdk", "yard": ".venv/bin/yard"}[program]
    done = subprocess.run(
        [there, verb, "--help"],
        cwd=ROOT,
        env=os.environ | {"COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0 and "--parameters" in done.stdout, done.stdout


@pytest.mark.e2e
def test_the_commands_run_as_they_stand(tmp_path: Path) -> None:
    project = Copy.into(tmp_path)
    try:
        project.run("\n".join(FIRST))
        for command in run_here():
            if command in AT_A_TERMINAL:
                project.at_a_terminal(command, answer=AT_A_TERMINAL[command])
            else:
                project.run(command)
    finally:
        project.take_down()
