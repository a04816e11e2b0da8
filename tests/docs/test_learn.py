"""The tutorial, page after page as a reader follows it: its files are written and its commands run as they stand."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.support.pages import ROOT, Copy, blocks

PAGES = sorted((ROOT / "docs/learn").glob("[0-9]*.md"))


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
    project = Copy.into(tmp_path)
    try:
        for page in PAGES:
            project.run(script(page, tmp_path))
    finally:
        project.take_down()
