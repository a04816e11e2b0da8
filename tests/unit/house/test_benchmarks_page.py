"""docs/reference/benchmarks.md is made from the results, and says where a limit was missed."""

import pytest

from benchmarks.__main__ import page
from benchmarks.containers import __main__ as containers
from tests.support.clouds.training_cloud import ENGINE_VARIABLE


def test_a_missed_limit_is_said() -> None:
    figure = {"name": "x", "value": 2.0, "unit": "s", "at_most": 1.0, "at_least": None, "is_met": False}
    result = {
        "name": "launch",
        "taken": "2026-11-21T00:00:00Z",
        "machine": {"processors": 2, "python": "3.11", "load": [0.5, 0, 0]},
        "figures": [figure],
        "notes": "",
    }
    assert "| x | 2 | s | at most 1 | **missed** |" in page([result])


def test_without_a_daemon_containers_are_not_measured(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv(ENGINE_VARIABLE, raising=False)
    assert containers.main() == 0
    assert capsys.readouterr().out.startswith("not measured: root starts a daemon and builds our image for it: ")
