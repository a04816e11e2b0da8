"""Numbers on their way out."""

import re
import struct
import threading
import zlib
from pathlib import Path

import pytest

from shardyard.spec.metrics import STANDARD_METRICS, metric_regex
from training.pytorch import event_file, mlflow_run
from training.pytorch.metrics import Metrics, format_line
from training.pytorch.process_group import Ranks

VALUES = {
    "step": 120,
    "total_steps": 5000,
    "epoch": 0,
    "loss": 2.3125,
    "accuracy": 0.5,
    "validation_loss": 1e-7,
    "samples_per_second": 123456.789,
    "tokens_per_second": 8113.2,
    "mfu": 0.412,
    "data_seconds": 0.0,
    "checkpoint_seconds": 1.5e9,
    "peak_memory_bytes": 148_000_000_000,
}


@pytest.mark.parametrize("name", STANDARD_METRICS)
def test_the_constructs_pattern_finds_every_metric(name: str) -> None:
    found = re.search(metric_regex(name), format_line(VALUES))
    assert found is not None
    assert float(found[1]) == pytest.approx(VALUES[name], rel=1e-5)


def test_a_metric_is_not_found_inside_another_ones_name() -> None:
    assert re.search(metric_regex("loss"), format_line({"step": 1, "validation_loss": 2.0})) is None


def test_what_is_no_number_is_left_out() -> None:
    assert format_line({"step": 3, "loss": float("nan"), "mfu": float("inf")}) == "metric step=3"


def test_a_number_that_is_left_out_is_said(capsys: pytest.CaptureFixture) -> None:
    with Metrics(Ranks()) as metrics:
        metrics.log(3, loss=float("nan"))
    said = capsys.readouterr()
    assert (said.out, said.err) == ("metric step=3\n", "warning: loss of step 3 is nan\n")


def test_only_the_first_rank_speaks(capsys: pytest.CaptureFixture) -> None:
    for rank in range(2):
        with Metrics(Ranks(rank=rank, world_size=2)) as metrics:
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
    """Keeps what it is told; `fails` names the call that raises, `hangs` the one that never ends."""

    def __init__(self, fails: str = "", hangs: str = "") -> None:
        self.fails, self.hangs, self.calls = fails, hangs, []

    def _call(self, name: str, *arguments: object) -> None:
        if name == self.hangs:
            threading.Event().wait()
        if name == self.fails:
            raise OSError("connection refused")
        self.calls.append((name, *arguments))

    def start_run(self, *, run_name: str) -> None:
        self._call("start_run", run_name)

    def log_metrics(self, values: dict[str, float], *, step: int) -> None:
        self._call("log_metrics", values, step)

    def end_run(self, status: str) -> None:
        self._call("end_run", status)


def log_two_steps(mlflow: Mlflow, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    monkeypatch.setenv("SHARDYARD_RUN_ID", "run")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: object())
    monkeypatch.setattr("importlib.import_module", lambda name: mlflow)
    with Metrics(Ranks()) as metrics:
        metrics.log(1, loss=1.0)
        metrics.log(2, loss=0.5)


def test_mlflow_gets_every_step_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    mlflow = Mlflow()
    log_two_steps(mlflow, monkeypatch)
    assert mlflow.calls == [
        ("start_run", "run"),
        ("log_metrics", {"loss": 1.0}, 1),
        ("log_metrics", {"loss": 0.5}, 2),
        ("end_run", "FINISHED"),
    ]


@pytest.mark.parametrize("fails", ["start_run", "log_metrics", "end_run"])
def test_a_job_does_not_fail_because_mlflow_does(
    fails: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    log_two_steps(Mlflow(fails=fails), monkeypatch)
    said = capsys.readouterr()
    assert len(said.out.splitlines()) == 2
    assert said.err == "warning: MLflow gets no further metrics: connection refused\n"


@pytest.mark.parametrize("hangs", ["start_run", "log_metrics"])
def test_a_job_does_not_wait_for_a_server_that_does_not_answer(
    hangs: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.setattr(mlflow_run, "END_SECONDS", 0.05)
    log_two_steps(Mlflow(hangs=hangs), monkeypatch)
    said = capsys.readouterr()
    assert len(said.out.splitlines()) == 2
    assert "MLflow has not answered for 0.05 s" in said.err


def read_records(data: bytes) -> list[bytes]:
    records = []
    while data:
        (length,) = struct.unpack("<Q", data[:8])
        (length_check,) = struct.unpack("<I", data[8:12])
        body, (check,) = data[12 : 12 + length], struct.unpack("<I", data[12 + length : 16 + length])
        assert length_check == event_file.masked_crc32c(data[:8])
        assert check == event_file.masked_crc32c(body)
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


def test_the_checksum_is_crc32c_and_not_zips() -> None:
    masked = event_file.masked_crc32c(b"123456789")
    rotated = (masked - 0xA282EAD8) & 0xFFFFFFFF
    assert (rotated << 15 | rotated >> 17) & 0xFFFFFFFF == 0xE3069283, "the published check value of CRC-32C"
    assert zlib.crc32(b"123456789") != 0xE3069283
