"""A run in a notebook: quick to import, the same facts as the command, and how it looks there."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import yard
from tests.support.screens.account import FAILED, STOPPED, TRAINED, TRAINING
from tests.support.screens.scenes import stage
from yard import api
from yard.errors import Exit, UserError

ROOT = Path(__file__).resolve().parents[4]


@pytest.fixture(autouse=True)
def account() -> Iterator[None]:
    with stage(80):
        yield


def test_the_import_loads_nothing_that_is_not_used() -> None:
    code = "import sys, yard; print([name for name in ('boto3', 'rich', 'typer', 'yard.api') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_what_the_package_offers_is_there_and_nothing_else() -> None:
    assert yard.train is api.train and yard.find is api.find and yard.TrainingRun is api.TrainingRun
    with pytest.raises(AttributeError, match="module 'yard' has no attribute 'trian'"):
        _ = yard.trian  # type: ignore[attr-defined]


def test_a_run_is_found_by_its_id_and_by_its_job() -> None:
    one = yard.find(TRAINED)
    assert (one.job, one.run_id, one.status) == ("gpt-fsdp", TRAINED, "succeeded")
    assert yard.find("gpt-fsdp").run_id == TRAINING
    assert repr(one) == f"<run {TRAINED} of gpt-fsdp, succeeded>"


def test_metrics_are_rows_by_step() -> None:
    rows = yard.find(TRAINING).metrics()
    assert [row["step"] for row in rows] == [100, 200, 300, 400, 500, 600, 700]
    assert rows[0] == {
        "step": 100,
        "total_steps": 2000,
        "loss": 3.95,
        "tokens_per_second": 81134.2,
        "mfu": 0.3712,
        "seconds": 0.0,
    }


def test_logs_are_kept_between_calls_and_can_be_of_one_node() -> None:
    one = yard.find(TRAINING)
    for _ in range(2):
        assert one.logs(node=2)[0] == "algo-2  [rank 4] loading the shard data/train-00001.bin"
        assert len(one.logs()) == 10


def test_a_notebook_shows_how_it_goes_and_its_curves() -> None:
    shown = yard.find(TRAINING)._repr_html_()
    assert f"gpt-fsdp, run {TRAINING}: running" in shown
    assert 'aria-label="Loss by step"' in shown and "<polyline" in shown
    assert "body{" not in shown, "the notebook's own style"
    assert ".shardyard svg{width:100%" in shown
    one = yard.find(TRAINING).plot("mfu", by="time")._repr_html_()
    assert one.count("<figure>") == 1 and "Mfu by time" in one


def test_whoever_waits_for_a_run_that_fails_is_told_why() -> None:
    with pytest.raises(
        api.RunFailedError, match=f"The run {FAILED} of gpt-fsdp has failed. .*ValueError: the voc"
    ) as it:
        yard.find(FAILED).wait()
    assert it.value.code == Exit.JOB_FAILED
    with pytest.raises(api.RunFailedError, match="was stopped"):
        yard.find(STOPPED).wait()
    assert yard.find(FAILED).wait(check=False).status == "failed"
    assert yard.find(TRAINED).wait().receipt()["cost_usd"] == 16.13


def test_a_wait_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "_LOOK_SECONDS", 0.01)
    with pytest.raises(TimeoutError, match=r"still runs after 0\.02 s"):
        yard.find(TRAINING).wait(timeout_seconds=0.02)


def test_a_frame_without_pandas_says_what_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    found = api.importlib.util.find_spec

    def without(name: str, *more: Any) -> Any:
        return None if name == "pandas" else found(name, *more)

    monkeypatch.setattr(api.importlib.util, "find_spec", without)
    with pytest.raises(UserError, match="There is no pandas here"):
        yard.find(TRAINED).frame()
