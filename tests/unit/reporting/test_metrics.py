"""Numbers on their way out."""

import re
import struct
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from contract.guards import SLOW_RANK_METRIC
from contract.saves import FILES_AT_START
from contract.world import World
from shardyard.spec.jobs.metrics import NOT_FINITE, NOT_FINITE_EPOCH, STANDARD_METRICS, metric_regex
from training.data.tfrecord import checksum
from training.pytorch.checkpoint.checkpointer import Interrupted
from training.pytorch.process_group import Ranks
from training.reporting import event_file, mlflow_run
from training.reporting.metrics import Metrics, format_line

VALUES = {
    "step": 120,
    "total_steps": 5000,
    "epoch": 0,
    "loss": 2.3125,
    "accuracy": 0.5,
    "validation_accuracy": 0.4,
    "learning_rate": 3e-4,
    "grad_norm": 1.5,
    "validation_loss": 1e-7,
    "samples_per_second": 123456.789,
    "tokens_per_second": 8113.2,
    "mfu": 0.412,
    "data_seconds": 0.0,
    "checkpoint_seconds": 1.5e9,
    "peak_memory_bytes": 148_000_000_000,
    SLOW_RANK_METRIC: 1.25,
}


@pytest.mark.parametrize("name", VALUES)
def test_the_constructs_pattern_finds_every_metric(name: str) -> None:
    assert {*VALUES, NOT_FINITE, NOT_FINITE_EPOCH, FILES_AT_START} == set(STANDARD_METRICS)
    found = re.search(metric_regex(name), format_line(VALUES))
    assert found is not None
    assert float(found[1]) == pytest.approx(VALUES[name], rel=1e-5)


def test_a_metric_is_not_found_inside_another_ones_name() -> None:
    assert re.search(metric_regex("loss"), format_line({"step": 1, "validation_loss": 2.0})) is None


def test_what_is_not_finite_is_a_value_that_cloudwatch_does_not_get() -> None:
    line = format_line({"step": 3, "loss": float("nan"), "mfu": float("inf")})
    assert line == "metric step=3 loss=nan mfu=inf"
    assert [re.search(metric_regex(name), line) for name in ("loss", "mfu")] == [None, None]
    assert re.search(metric_regex(NOT_FINITE), line)[1] == "3"


def test_a_number_that_is_not_finite_is_said(capsys: pytest.CaptureFixture) -> None:
    with Metrics(Ranks()) as metrics:
        metrics.log(3, loss=float("nan"))
    said = capsys.readouterr()
    assert (said.out, said.err) == ("metric step=3 loss=nan\n", "warning: loss of step 3 is nan\n")


def test_only_the_first_rank_speaks(capsys: pytest.CaptureFixture) -> None:
    for rank in range(2):
        with Metrics(Ranks(world=World(rank=rank, world_size=2))) as metrics:
            metrics.log(7, loss=0.25)
    assert capsys.readouterr().out == "metric step=7 loss=0.25\n"


def test_a_job_does_not_fail_because_mlflow_is_absent(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with Metrics(Ranks()) as metrics:
        metrics.log(1, loss=1.0)
    assert "mlflow is not installed: no MLflow run" in capsys.readouterr().err


class Mlflow:
    """Keeps what it is told; `fails` names the call that raises, `hangs` the one that never ends.

    `runs` has the tags of each run that it knows, by its own id.
    """

    def __init__(self, fails: str = "", hangs: str = "", runs: dict[str, dict[str, str]] | None = None) -> None:
        self.fails, self.hangs, self.calls = fails, hangs, []
        self.runs = {} if runs is None else runs

    def _call(self, name: str, *arguments: object) -> None:
        if name == self.hangs:
            threading.Event().wait()
        if name == self.fails:
            raise OSError("connection refused")
        self.calls.append((name, *arguments))

    def search_runs(self, *, filter_string: str, max_results: int, output_format: str) -> list[SimpleNamespace]:
        self._call("search_runs")
        key, value = re.fullmatch(r"tags\.`(.+)` = '(.+)'", filter_string).groups()
        found = [run_id for run_id, tags in self.runs.items() if tags.get(key) == value][:max_results]
        assert output_format == "list", "pandas is not there"
        return [SimpleNamespace(info=SimpleNamespace(run_id=run_id)) for run_id in found]

    def start_run(
        self, *, run_id: str | None = None, run_name: str | None = None, tags: dict[str, str] | None = None
    ) -> None:
        self._call("start_run", run_name if run_id is None else run_id)
        if run_id is None:
            self.runs[f"{len(self.runs):032x}"] = tags

    def log_metrics(self, values: dict[str, float], *, step: int) -> None:
        self._call("log_metrics", values, step)

    def end_run(self, status: str) -> None:
        self._call("end_run", status)


@pytest.fixture
def start(monkeypatch: pytest.MonkeyPatch) -> Callable[[Mlflow], Metrics]:
    """Metrics that go to an MLflow, of a run with an id."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    monkeypatch.setenv("SHARDYARD_RUN_ID", "run")
    monkeypatch.delenv("MLFLOW_RUN_ID", raising=False)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: object())

    def begin(mlflow: Mlflow) -> Metrics:
        monkeypatch.setitem(sys.modules, "mlflow", mlflow)
        return Metrics(Ranks())

    return begin


Start = Callable[[Mlflow], Metrics]


def log_two_steps(metrics: Metrics) -> None:
    with metrics:
        metrics.log(1, loss=1.0)
        metrics.log(2, loss=0.5)


def test_mlflow_gets_every_step_in_order(start: Start) -> None:
    mlflow = Mlflow()
    log_two_steps(start(mlflow))
    assert mlflow.calls == [
        ("search_runs",),
        ("start_run", "run"),
        ("log_metrics", {"loss": 1.0}, 1),
        ("log_metrics", {"loss": 0.5}, 2),
        ("end_run", "FINISHED"),
    ]


@pytest.mark.parametrize(
    ("error", "status"),
    [(Interrupted(4), "KILLED"), (SystemExit(75), "KILLED"), (SystemExit(1), "FAILED"), (OSError(75), "FAILED")],
    ids=repr,
)
def test_a_run_that_was_interrupted_and_saved_has_not_failed(error: BaseException, status: str, start: Start) -> None:
    mlflow = Mlflow()
    with pytest.raises(type(error)), start(mlflow):
        raise error
    assert mlflow.calls[-1] == ("end_run", status)


def started(mlflow: Mlflow) -> list[str]:
    return [call[1] for call in mlflow.calls if call[0] == "start_run"]


def test_a_run_that_goes_on_goes_on_in_mlflow(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    mlflow = Mlflow()
    for run_id in ("run", "another", "run"):
        monkeypatch.setenv("SHARDYARD_RUN_ID", run_id)
        log_two_steps(start(mlflow))
    first = f"{0:032x}"
    assert started(mlflow) == ["run", "another", first]
    assert mlflow.runs[first] == {"shardyard.run_id": "run"}


def test_runs_without_an_id_are_not_taken_for_one(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    mlflow = Mlflow()
    monkeypatch.delenv("SHARDYARD_RUN_ID")
    monkeypatch.delenv("TRAINING_JOB_NAME", raising=False)
    for _ in range(2):
        log_two_steps(start(mlflow))
    assert started(mlflow) == ["local", "local"]


def test_a_run_that_is_named_to_mlflow_itself_is_not_searched_for(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    mlflow = Mlflow(runs={"0": {"shardyard.run_id": "run"}})
    monkeypatch.setenv("MLFLOW_RUN_ID", "1")
    log_two_steps(start(mlflow))
    assert mlflow.calls[0] == ("start_run", "run"), "without a run_id MLflow takes that of MLFLOW_RUN_ID"


@pytest.mark.parametrize("fails", ["search_runs", "start_run", "log_metrics", "end_run"])
def test_a_job_does_not_fail_because_mlflow_does(fails: str, start: Start, capsys: pytest.CaptureFixture) -> None:
    log_two_steps(start(Mlflow(fails=fails)))
    said = capsys.readouterr()
    assert len(said.out.splitlines()) == 2
    assert said.err == "warning: MLflow gets no further metrics: connection refused\n"


@pytest.mark.parametrize("hangs", ["start_run", "log_metrics"])
def test_a_job_does_not_wait_for_a_server_that_does_not_answer(
    hangs: str, start: Start, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.setattr(mlflow_run, "END_SECONDS", 0.05)
    log_two_steps(start(Mlflow(hangs=hangs)))
    said = capsys.readouterr()
    assert len(said.out.splitlines()) == 2
    assert "MLflow has not answered for 0.05 s" in said.err


def read_records(data: bytes) -> list[bytes]:
    records = []
    while data:
        (length,) = struct.unpack("<Q", data[:8])
        (length_check,) = struct.unpack("<I", data[8:12])
        body, (check,) = data[12 : 12 + length], struct.unpack("<I", data[12 + length : 16 + length])
        assert length_check == checksum.of_length(data[:8])
        assert check == checksum.of_data(body)
        records.append(body)
        data = data[16 + length :]
    return records


def test_scalars_are_written_as_tensorboard_reads_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHARDYARD_TENSORBOARD_DIR", str(tmp_path))
    with Metrics(Ranks()) as metrics:
        metrics.log(300, loss=0.5)
    (path,) = tmp_path.glob("events.out.tfevents.*")
    version, scalar = read_records(path.read_bytes())
    assert version.endswith(b"brain.Event:2")
    assert scalar[9:] == b"\x10\xac\x02" + b"\x2a\x0d" + b"\x0a\x0b" + b"\x0a\x04loss" + b"\x15" + struct.pack(
        "<f", 0.5
    )


def test_a_number_too_large_for_tensorboard_is_infinite_there() -> None:
    assert event_file.scalar_event(0.0, 1, "loss", -1e39).endswith(struct.pack("<f", float("-inf")))
