"""Numbers on their way out."""

import re
import struct
import zlib
from pathlib import Path

import pytest

from shardyard.spec.metrics import STANDARD_METRICS, metric_regex
from training.pytorch import event_file
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


def test_the_checksum_is_crc32c_and_not_zips() -> None:
    masked = event_file.masked_crc32c(b"123456789")
    rotated = (masked - 0xA282EAD8) & 0xFFFFFFFF
    assert (rotated << 15 | rotated >> 17) & 0xFFFFFFFF == 0xE3069283, "the published check value of CRC-32C"
    assert zlib.crc32(b"123456789") != 0xE3069283
