"""When a snapshot is due, and which files have to wait for it."""

import threading
import time
from pathlib import Path

import pytest

from embedded.kept import parts


@pytest.fixture(autouse=True)
def own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "_changes", parts._Changes())
    monkeypatch.setattr(parts, "_unneeded", None)


def waited(quiet: float, at_most: float) -> float:
    began = time.monotonic()
    parts.wait_for_quiet(quiet, at_most=at_most)
    return time.monotonic() - began


def test_a_snapshot_is_due_when_nothing_changes_any_more() -> None:
    parts.touch()
    threading.Timer(0.2, parts.touch).start()
    assert 0.45 <= waited(0.3, at_most=60) < 5


def test_a_cloud_that_is_never_quiet_does_not_wait_for_ever() -> None:
    ended = threading.Event()

    def go_on() -> None:
        while not ended.wait(0.02):
            parts.touch()

    parts.touch()
    threading.Thread(target=go_on).start()
    try:
        assert 0.4 <= waited(30, at_most=0.5) < 5
    finally:
        ended.set()


def test_a_file_goes_at_once_where_nothing_is_kept(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    parts.remove(tmp_path / "file")
    assert not (tmp_path / "file").exists()


def test_a_file_waits_for_the_snapshot_that_does_not_name_it(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    parts.begin(lambda: None)
    parts.remove(tmp_path / "file")
    assert (tmp_path / "file").exists()
    assert parts.unneeded() == [tmp_path / "file"]
    assert parts.unneeded() == []


def test_contents_come_back_into_the_same_object(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "_parts", {})
    told: list[str] = []
    monkeypatch.setattr(parts, "_afterwards", [lambda: told.append("all is back")])
    names, numbers = {"a": 1}, [1, 2]
    parts.keep_contents("names", names)
    parts.keep_contents("numbers", numbers)
    kept = {name: type(value)(value) for name, value in parts.values().items()}
    names["b"], numbers[:] = 2, []
    parts.restore(kept)
    assert (names, numbers, told) == ({"a": 1}, [1, 2], ["all is back"])
