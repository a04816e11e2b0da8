"""The programs go on where they were: six steps in two starts make the model of six steps in one, bit by bit."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.training.ranks import results, run_ranks
from training.programs import make_events
from training.pytorch.programs import gpt, linear, mnist


def train_linear(steps: int) -> None:
    """Two steps are an epoch."""
    linear.main(["--max_steps", str(steps), "--batch_size", "5"])


def train_gpt(steps: int) -> None:
    """Two steps are an epoch. The rate rises in each of the first ten, however many steps are asked for."""
    gpt.main(["--max_steps", str(steps), "--batch_size", "2", "--context", "16", "--plan", "fsdp"])


def train_digits(steps: int) -> None:
    """On the digits that scikit-learn brings. With four ranks DDP regroups its gradients after the first step."""
    mnist.main(["--max_steps", str(steps), "--batch_size", "10", "--width", "128"])


def write_events(data: Path) -> None:
    make_events.main([str(data), "--shards", "2", "--rows", "10"])


def write_text(data: Path) -> None:
    (data / "train").mkdir(parents=True)
    (data / "train" / "a.txt").write_text("".join(f"sentence {number}. " for number in range(15)))


def write_nothing(data: Path) -> None:
    pass


@pytest.mark.parametrize(
    ("train", "write", "ranks"),
    [
        (train_linear, write_events, 2),
        (train_gpt, write_text, 2),
        pytest.param(train_digits, write_nothing, 4, marks=pytest.mark.slow),
    ],
)
def test_two_starts_make_the_model_of_one(
    train: Callable[[int], None], write: Callable[[Path], None], ranks: int, tmp_path: Path
) -> None:
    """Where two steps are an epoch, the second start begins in the middle of one that is not the first."""
    write(tmp_path / "data")
    channels = {f"SM_CHANNEL_{path.name.upper()}": str(path) for path in (tmp_path / "data").glob("*")}

    def start(name: str, checkpoints: str, steps: int) -> bytes:
        environ = {
            **channels,
            "SAGEMAKER_BASE_DIR": str(tmp_path / name),
            "SHARDYARD_CHECKPOINT_DIR": str(tmp_path / checkpoints),
            "SHARDYARD_RUN_ID": "run",
        }
        (tmp_path / name).mkdir()
        results(run_ranks(ranks, train, steps, folder=tmp_path / name, environ=environ))
        return (tmp_path / name / "model" / "model.pt").read_bytes()

    undisturbed = start("undisturbed", "a", 6)
    start("first-half", "b", 3)
    assert start("second-half", "b", 6) == undisturbed
    assert "restored step 3 of run run" in (tmp_path / "second-half" / "rank-0.log").read_text()
