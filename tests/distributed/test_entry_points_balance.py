"""The programs say at the start how unequal the nodes' own files are, and what that costs."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy
import pytest

from tests.support.training.ranks import results, run_ranks
from training.pytorch.programs import gpt, mnist


def on_own_node(base: Path, main: Callable[[list[str]], None], *options: str) -> None:
    """Run a program where this rank's node has its files."""
    os.environ["SAGEMAKER_BASE_DIR"] = str(base / f"node-{os.environ['GROUP_RANK']}")
    main(["--max_steps", "1", *options])


def train_digits(base: Path) -> None:
    on_own_node(base, mnist.main, "--batch_size", "5", "--width", "8")


def train_gpt(base: Path) -> None:
    on_own_node(base, gpt.main, "--batch_size", "5", "--context", "16")


def write_digits(folder: Path, samples: int) -> None:
    numpy.save(folder / "a-images.npy", numpy.zeros((samples, 28, 28), numpy.uint8))
    numpy.save(folder / "a-labels.npy", numpy.arange(samples) % 10)


def write_text(folder: Path, samples: int) -> None:
    (folder / "a.txt").write_text("x" * (16 * samples + 1))


@pytest.mark.parametrize(("train", "write"), [(train_digits, write_digits), (train_gpt, write_text)])
def test_nodes_of_three_to_one_are_a_warning(
    train: Callable[[Path], None], write: Callable[[Path, int], None], tmp_path: Path
) -> None:
    for node, samples in enumerate((60, 20)):
        base = tmp_path / f"node-{node}" / "input"
        for folder in (base / "data" / "train", base / "config"):
            folder.mkdir(parents=True)
        write(base / "data" / "train", samples)
        settings = {"train": {"S3DistributionType": "ShardedByS3Key"}}
        (base / "config" / "inputdataconfig.json").write_text(json.dumps(settings))
    environ = {"SHARDYARD_CHECKPOINT_DIR": str(tmp_path / "checkpoints")}
    ended = run_ranks(2, train, tmp_path, folder=tmp_path, nodes=2, environ=environ)
    results(ended)
    assert (
        "data: warning: channel train: samples per node 60, 20; imbalance 50.0 percent; an epoch reads 40 of 80 and "
        "leaves out 40: make the objects under the prefix more equal, or their number a multiple of nodes\n"
    ) in ended[0].errors
    assert "samples per node" not in ended[1].errors
