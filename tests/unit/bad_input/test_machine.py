"""The machine and its clock: what is read-only, full, gone, damaged, closed or wrong."""

import contextlib
import errno
import io
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.support.bad_input import Said, everything, hold_the_rule, project, yard
from yard import main as yard_main
from yard.commands import watch
from yard.errors import Exit, UserError, explain
from yard.transfer.uploaded import Uploaded

ERRORS = [
    (OSError(errno.ENOSPC, "No space left on device", "a"), "The disk is full while writing a."),
    (OSError(errno.EDQUOT, "Disk quota exceeded", "a"), "The disk is full while writing a."),
    (OSError(errno.EROFS, "Read-only file system", "a"), "a is on a file system that is read-only."),
    (OSError(errno.EACCES, "Permission denied", "a"), "No permission for a."),
    (OSError(errno.EPERM, "Operation not permitted", "a"), "No permission for a."),
    (OSError(errno.ENOENT, "No such file or directory", "a"), "a: No such file or directory."),
    (OSError(errno.ENOTDIR, "Not a directory", "a"), "a: Not a directory."),
    (OSError(errno.EISDIR, "Is a directory", "a"), "a: Is a directory."),
    (OSError(errno.ENAMETOOLONG, "File name too long", "a" * 300), "a" * 76 + "...: the name is too long."),
    (OSError(errno.ELOOP, "Too many levels of symbolic links", "a"), "a: Too many levels of symbolic links."),
    (OSError(errno.EMFILE, "Too many open files", "a"), "a: Too many open files."),
    (OSError(errno.EIO, "Input/output error", "a"), "a: Input/output error."),
    (OSError(errno.EFBIG, "File too large", "a"), "a: File too large."),
    (OSError(errno.EEXIST, "File exists", "a"), "a: File exists."),
    (OSError(errno.ENOTEMPTY, "Directory not empty", "a"), "a: Directory not empty."),
    (OSError(errno.EBUSY, "Device or resource busy", "a"), "a: Device or resource busy."),
    (OSError(errno.EXDEV, "Invalid cross-device link", "a"), "a: Invalid cross-device link."),
    (OSError(errno.ENOENT, "No such file or directory"), "a file: No such file or directory."),
]


@pytest.mark.parametrize(("error", "said"), ERRORS, ids=[str(error) for error, _ in ERRORS])
def test_what_the_system_refuses_is_a_sentence(error: OSError, said: str) -> None:
    known = explain(error)
    assert known is not None
    assert known.happened == said
    assert known.fix


def test_a_folder_that_is_gone_is_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before, gone = Path.cwd(), tmp_path / "gone"
    gone.mkdir()
    os.chdir(gone)
    gone.rmdir()
    try:
        code = yard_main.guard(lambda: watch.status(None, as_json=False), debug=False)
    finally:
        os.chdir(before)
    assert code == Exit.FIX
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize("since", ["30000d", "9999999h", "999999999999999s", "0s"])
def test_a_time_before_all_clocks_is_the_beginning(since: str) -> None:
    start = watch._start(since, now_milliseconds=int(datetime(2026, 11, 30, tzinfo=UTC).timestamp() * 1000))
    assert start >= 0


@pytest.mark.parametrize("clock", [0, -1, -86_400_000, 2**41, 2**53])
def test_any_clock_has_a_beginning(clock: int) -> None:
    assert watch._start("2d", now_milliseconds=clock) >= 0


@pytest.mark.parametrize("since", ["", "yesterday", "-5m", "nan", "1y", "5", "\ud800"])
def test_a_time_that_is_none_is_refused(since: str) -> None:
    with pytest.raises(UserError, match="--since ") as refusal:
        watch._start(since, now_milliseconds=0)
    assert refusal.value.code == Exit.USAGE


@pytest.mark.parametrize("grep", ["(", "*", "[", "a{99999999999}", "(?P<1>a)"])
def test_a_pattern_that_is_none_is_refused(grep: str) -> None:
    with pytest.raises(UserError, match="is not a regular expression"):
        watch._pattern(grep)


class Closed(io.StringIO):
    """A pipe whose reader has gone, or a disk that is full."""

    def __init__(self, error: OSError) -> None:
        super().__init__()
        self.error = error

    def write(self, _: str) -> int:
        raise self.error


def test_a_full_disk_behind_the_output_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = project(tmp_path / "p")
    monkeypatch.setattr(sys, "stdout", Closed(OSError(errno.ENOSPC, "No space left on device")))
    err = io.StringIO()
    monkeypatch.chdir(root)
    with contextlib.redirect_stderr(err):
        from tests.support.bad_input import _app

        code = yard_main.guard(lambda: _app()(["jobs", "--offline", "--json"], prog_name="yard"), debug=False)
    hold_the_rule(Said(code=code, out="", err=err.getvalue()))


@pytest.mark.parametrize(
    "state", ["", "{", "[]", "5", '{"port": "x"}', '{"pid": -1, "port": 1}', '{"endpoint": 5}', "\0", "[" * 50_000]
)
@pytest.mark.parametrize("words", [("cloud", "status"), ("cloud", "env")])
def test_a_damaged_state_of_the_cloud_is_no_traceback(tmp_path: Path, state: str, words: tuple[str, ...]) -> None:
    root = project(tmp_path / "p")
    (root / ".yard/cloud").mkdir(parents=True)
    (root / ".yard/cloud/state.json").write_text(state)
    hold_the_rule(yard(root, *words))


def test_a_memory_of_uploads_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "uploaded").write_text("a file where the folder would be")
    uploaded = Uploaded.of(tmp_path, "b", "p/")
    uploaded.seen["p/a"] = ("tag", "sum")
    uploaded.keep()
    assert list(everything(tmp_path)) == ["uploaded"]


@pytest.mark.parametrize("width", ["0", "1", "5", "-3", "x", "99999"])
def test_a_terminal_of_any_width(tmp_path: Path, width: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", width)
    said = yard(project(tmp_path / "p"), "jobs", "--offline")
    assert said.code == 0, said.err
    assert "xy" in said.out


def test_a_reader_that_has_gone_is_no_traceback(tmp_path: Path) -> None:
    import subprocess

    root: Any = project(tmp_path / "p")
    command = f"{sys.executable} -c 'from yard.main import main; main()' jobs --offline --json | true"
    here = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(["bash", "-c", command], cwd=root, env=here, capture_output=True, text=True, timeout=60)
    assert "Traceback" not in done.stderr
