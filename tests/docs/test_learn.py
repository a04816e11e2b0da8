"""The tutorial, page after page as a reader follows it: its files are written and its commands run as they stand."""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted((ROOT / "docs/learn").glob("*.md"))
_BLOCK = re.compile(r"^```(\w+)([^\n]*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_FOLDERS = ("checks", "constructs", "containers", "contract", "embedded", "jobs", "stacks", "training", "yard")
_FILES = (
    *("Makefile", "app.py", "cdk.json", "package.json", "package-lock.json"),
    *("pyproject.toml", "requirements.txt", "setup.py"),
)
_LONGEST_SECONDS = 900
_SHELL = """\
export PATH="$PWD/.venv/bin:$PATH"
if yard cloud status >/dev/null; then eval "$(yard cloud env)"; fi
"""


@dataclass(frozen=True, kw_only=True)
class Block:
    """One fenced block of a page."""

    language: str
    options: str
    text: str


def blocks(page: Path) -> list[Block]:
    found = _BLOCK.findall(page.read_text(encoding="utf-8"))
    return [Block(language=language, options=options.strip(), text=text) for language, options, text in found]


def script(page: Path, folder: Path) -> str:
    """The page as one shell script: files are written where the page shows them, commands follow."""
    parts = ["set -eo pipefail"]
    for number, block in enumerate(blocks(page)):
        if block.options.startswith("file="):
            content = folder / f"block-{number}"
            content.write_text(block.text)
            name = block.options.removeprefix("file=")
            parts.append(f"mkdir -p $(dirname {name}) && cp {content} {name}")
        elif block.language == "sh" and not block.options:
            parts.append(f"set -x\n{block.text}{{ set +x; }} 2>/dev/null")
    return "\n".join(parts)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_marks_its_blocks_in_words_that_this_test_knows(page: Path) -> None:
    found = blocks(page)
    assert any(block.language == "sh" for block in found)
    for block in found:
        assert block.options in ("", "aws") or re.fullmatch(r"file=[\w/.-]+", block.options), block.options


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_block_is_sound_shell_and_every_yard_command_is_one(page: Path) -> None:
    for block in blocks(page):
        if block.language != "sh":
            continue
        subprocess.run(["bash", "-n"], input=block.text, text=True, check=True)
        for words in re.findall(r"\byard((?: [a-z-]+){1,2})", block.text):
            command = [str(ROOT / ".venv/bin/yard"), *words.split()[:1], "--help"]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            assert done.returncode == 0, words


@pytest.mark.e2e
def test_the_pages_run_one_after_the_other(tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    for name in _FOLDERS:
        shutil.copytree(ROOT / name, project / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in _FILES:
        copy = shutil.copy(ROOT / name, project)
        # Older than the environment, or `make setup` would install this copy into it
        os.utime(copy, (0, 0))
    for name in (".venv", "node_modules"):
        (project / name).symlink_to(ROOT / name)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    try:
        for page in PAGES:
            # what the first page exports, a reader's shell still has on the next one
            done = subprocess.run(
                ["bash", "-c", _SHELL + script(page, tmp_path)],
                cwd=project,
                env=kept,
                capture_output=True,
                text=True,
                check=False,
                timeout=_LONGEST_SECONDS,
            )
            assert done.returncode == 0, f"{page.name}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    finally:
        command = [str(ROOT / ".venv/bin/yard"), "cloud", "down"]
        subprocess.run(command, cwd=project, env=kept, check=False, capture_output=True)
