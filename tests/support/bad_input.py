"""Runs the command in this process on bad input, and holds what it says to one rule.

The rule: one clear line per problem, no traceback, nothing half-written, the right exit code.
"""

import contextlib
import io
import os
import re
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import typer

from yard import commands
from yard.errors import Exit
from yard.main import guard, options

ROOT = Path(__file__).parents[2]
_MOST_LETTERS = 1000
JOB = """\
[image]
folder = "pytorch"
[source]
dir = "code"
[program]
entry = "train.py"
[compute]
instance_type = "ml.m5.xlarge"
count = 2
[channels.train]
s3 = "digits/train/"
"""


@dataclass(frozen=True, kw_only=True)
class Said:
    """What a command did."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        """What it said to the person, without blank lines."""
        return [line for line in self.err.splitlines() if line.strip()]


@cache
def _app() -> typer.Typer:
    app = typer.Typer(name="yard", pretty_exceptions_enable=False, rich_markup_mode=None)
    app.callback()(options)
    commands.register(app)
    return app


def yard(folder: Path, *arguments: str) -> Said:
    """Run the command in a folder; an error that it does not know is a traceback, as in a shell."""
    out, err = io.StringIO(), io.StringIO()
    with _inside(folder), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = guard(lambda: _app()(list(arguments), prog_name="yard"), debug=False)
        except Exception:
            traceback.print_exc()
            code = 1
    return Said(code=code, out=out.getvalue(), err=err.getvalue())


@contextlib.contextmanager
def _inside(folder: Path) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def project(folder: Path, *, job: str | bytes | None = JOB, settings: str = "{}") -> Path:
    """A small project with one job, xy."""
    (folder / "jobs").mkdir(parents=True)
    (folder / "code").mkdir()
    (folder / "code/train.py").write_text("print('loss: 1')\n")
    (folder / "containers").symlink_to(ROOT / "containers")
    (folder / "cdk.json").write_text(settings)
    if job is not None:
        (folder / "jobs/xy.toml").write_bytes(job.encode("utf-8", "surrogatepass") if isinstance(job, str) else job)
    return folder


def everything(folder: Path) -> dict[str, object]:
    """What lies in a folder, to see that nothing was written."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() if path.is_file() else None
        for path in sorted(folder.rglob("*"))
    }


def hold_the_rule(said: Said, *, codes: Sequence[int] = (Exit.FIX,), starts: str = "", most_lines: int = 120) -> None:
    """One clear line per problem, no traceback, the right exit code."""
    text = said.out + said.err
    assert "Traceback" not in text and not re.search(r"^\w+(Error|Exception)\b", text, re.MULTILINE), text[-2000:]
    assert said.code in codes, (said.code, said.err[:500])
    assert 1 <= len(said.lines) <= most_lines, said.err[:500]
    for line in said.lines:
        assert len(line) <= _MOST_LETTERS, line
        assert line.isprintable(), repr(line)
        assert re.match(starts, line), line
