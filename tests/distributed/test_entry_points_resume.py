"""The programs go on where they were: six steps in two starts make the model of six steps in one, bit by bit."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.distributed.ranks import results, run_ranks
from training.pytorch import gpt, linear, make_events


def train_linear(steps: int) -> None:
    """Two steps are an epoch."""
    linear.main(["--max_steps", str(steps), "--batch_size", "5"])


def train_gpt(steps: int) -> None:
    """Two steps are an epoch. The rate rises in each of the first ten, however many steps are asked for."""
    gpt.main(["--max_steps", str(steps), "--batch_size", "2", "--context", "16", "--plan", "fsdp"])


def write_events(data: Path) -> None:
    make_events.main([str(data), "--shards", "2", "--rows", "10"])


def write_text(data: Path) -> None:
    (data / "train").mkdir(parents=True)
    (data / "train" / "a.txt").write_text("".join(f"sentence {number}. " for number in range(15)))


@pytest.mark.parametrize(("train", "write"), [(train_linear, write_events), (train_gpt, write_text)])
def test_two_starts_make_the_model_of_one(
    train: Callable[[int], None], write: Callable[[Path], None], tmp_path: Path
) -> None:
    """The second one begins in the middle of an epoch that is not the first."""
    write(tmp_path / "data")

    def start(name: str, checkpoints: str, steps: int) -> bytes:
        environ = {
            "SAGEMAKER_BASE_DIR": str(tmp_path / name),
            "SM_CHANNEL_TRAIN": str(tmp_path / "data" / "train"),
            "SM_CHANNEL_VALIDATION": str(tmp_path / "data" / "validation"),
            "SHARDYARD_CHECKPOINT_DIR": str(tmp_path / checkpoints),
            "SHARDYARD_RUN_ID": "run",
        }
        (tmp_path / name).mkdir()
        results(run_ranks(2, train, steps, folder=tmp_path / name, environ=environ))
        return (tmp_path / name / "model" / "model.pt").read_bytes()

    undisturbed = start("undisturbed", "a", 6)
    start("first-half", "b", 3)
    assert start("second-half", "b", 6) == undisturbed
    assert "restored step 3 of run run" in (tmp_path / "second-half" / "rank-0.log").read_text()
