"""What is written down between two snapshots."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from embedded.kept import journal


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    found: list[Any] = []
    monkeypatch.setattr(journal, "_replays", {"test": found.append})
    yield found
    journal._current.folder, journal._current.descriptor = None, -1


def test_what_is_written_is_read_back_in_order_from_a_number_on(tmp_path: Path, read: list[Any]) -> None:
    journal.begin(tmp_path, 3)
    journal.write("test", lambda: "before")
    assert journal.rotate() == 4
    for number in range(3):
        journal.write("test", lambda number=number: {"n": number})  # type: ignore[misc]
    assert journal.replay(tmp_path, 4) == 5
    assert read == [{"n": 0}, {"n": 1}, {"n": 2}]
    read.clear()
    assert journal.replay(tmp_path, 3) == 5
    assert read[0] == "before"


def test_a_record_that_was_cut_off_ends_its_journal(tmp_path: Path, read: list[Any]) -> None:
    journal.begin(tmp_path, 0)
    journal.write("test", lambda: "whole")
    journal.write("test", lambda: "cut")
    path = tmp_path / "journal.0"
    path.write_bytes(path.read_bytes()[:-3])
    journal.replay(tmp_path, 0)
    assert read == ["whole"]


def test_overtaken_journals_go(tmp_path: Path, read: list[Any]) -> None:
    journal.begin(tmp_path, 0)
    journal.rotate()
    journal.rotate()
    journal.drop(tmp_path, 2)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["journal.2"]


def test_nothing_is_written_before_it_begins(read: list[Any]) -> None:
    assert not journal.is_open()
    journal.write("test", lambda: pytest.fail("nobody should look"))
