"""The strategy `torchrun` in PID 1: what the end of the process that imports torch means."""

import signal
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from tests.support.orders import make_order
from training.launcher.forking import host as host_processes
from training.launcher.torchrun import strategy


@pytest.mark.parametrize(
    ("status", "terminated", "code", "says"),
    [
        (-signal.SIGTERM, True, 75, "interrupted: SIGTERM came before the program was started; exit 75"),
        (-signal.SIGKILL, True, 1, "the torchrun host on algo-1 was killed by SIGKILL"),
        (1, False, 1, "the torchrun host on algo-1 failed: ImportError: no torch"),
    ],
)
def test_a_host_that_ended_without_an_outcome_and_is_not_started_again(
    status: int,
    terminated: bool,
    code: int,
    says: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    tail = b"" if status < 0 else b"Traceback (most recent call last):\nImportError: no torch\n"
    host: Any = SimpleNamespace(
        child=SimpleNamespace(name="the torchrun host", status=status, tail=tail), memory_kills=0
    )
    contract = SimpleNamespace(base=tmp_path, current_host="algo-1")
    launch: Any = SimpleNamespace(contract=contract, grace_seconds=1.0, environ={"SAGEMAKER_BASE_DIR": str(tmp_path)})
    monkeypatch.setattr(strategy, "_order", lambda launch: make_order(restart_limit=3, restarts_left=3))
    monkeypatch.setattr(host_processes, "run_once", lambda *arguments: None)
    assert strategy.run(cast(Any, SimpleNamespace(terminated=terminated)), launch, host) == code
    assert capsys.readouterr().err.splitlines()[0] == f"launcher: {says}"
    assert (tmp_path / "output" / "failure").exists() == (code == 1)
