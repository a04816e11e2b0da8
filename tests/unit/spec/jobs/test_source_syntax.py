"""Syntax errors are found before an upload, and only where they would be met."""

from pathlib import Path

import pytest

from shardyard.spec.jobs.code.files import SourceFiles, source_files
from shardyard.spec.jobs.code.syntax import syntax_problems


def code(folder: Path, **files: str) -> SourceFiles:
    for name, content in files.items():
        path = folder / f"{name.replace('__', '/')}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return source_files(folder, ".")


def problems(found: SourceFiles, entry: str) -> list[str]:
    return [str(problem) for problem in syntax_problems(found, entry)]


def test_the_program_itself(tmp_path: Path) -> None:
    found = code(tmp_path, train="import os\nprint('a'\n")
    assert problems(found, "train.py") == ["source.dir: train.py is no Python: '(' was never closed (line 2)"]


@pytest.mark.parametrize("imported", ["import lib.net", "from lib import net", "from lib.net import x"])
def test_what_it_imports_of_its_own(tmp_path: Path, imported: str) -> None:
    found = code(tmp_path, train=f"import torch\n{imported}\n", lib__net="def f(:\n", old="print 'python 2'\n")
    assert problems(found, "train.py") == ["source.dir: lib/net.py is no Python: invalid syntax (line 1)"]


def test_relative_imports_of_a_module(tmp_path: Path) -> None:
    found = code(tmp_path, pkg__main="from . import a\nfrom .b import c\n", pkg__a="x = 1", pkg__b="x = = 1")
    assert problems(found, "pkg.main") == ["source.dir: pkg/b.py is no Python: invalid syntax (line 1)"]


def test_sound_code_that_imports_itself_in_circles(tmp_path: Path) -> None:
    assert problems(code(tmp_path, train="import a", a="import train"), "train.py") == []


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_bytes(b"\0\0")
    assert problems(source_files(tmp_path, "."), "train.py")[0].startswith("source.dir: train.py is no Python: ")


def test_a_program_that_an_ignore_file_leaves_out_is_said(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text("train.py\n")
    found = code(tmp_path, train="pass")
    said = problems(found, "train.py")
    assert said == [
        "program.entry: 'train.py' does not travel: a .gitignore or .yardignore leaves it out (take it back in "
        ".yardignore: !train.py)"
    ]
    (tmp_path / ".yardignore").write_text("!train.py\n")
    assert problems(source_files(tmp_path, "."), "train.py") == []
