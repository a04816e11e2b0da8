"""Which part of which channel a rank takes."""

import json
from pathlib import Path

import numpy
import pytest

from contract.world import World
from training.programs.digits import held_out_digits


@pytest.mark.parametrize("distribution", ["FullyReplicated", "ShardedByS3Key"])
def test_every_test_digit_is_scored_once_whatever_the_distribution(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, distribution: str
) -> None:
    scored = []
    for node in range(2):
        base = tmp_path / f"node-{node}"
        folder = base / "input" / "data" / "test"
        folder.mkdir(parents=True)
        for file in range(2):
            if distribution == "FullyReplicated" or file == node:
                numpy.save(folder / f"{file}-images.npy", numpy.zeros((5 + file, 28, 28), numpy.uint8))
                numpy.save(folder / f"{file}-labels.npy", numpy.arange(5 + file) % 10)
        config = base / "input" / "config"
        config.mkdir()
        (config / "inputdataconfig.json").write_text(json.dumps({"test": {"S3DistributionType": distribution}}))
        monkeypatch.setenv("SAGEMAKER_BASE_DIR", str(base))
        for local_rank in range(2):
            world = World(rank=2 * node + local_rank, world_size=4, local_rank=local_rank, local_world_size=2)
            digits = held_out_digits(None, world)
            assert digits is not None
            scored.append(digits[1])
    assert sorted(numpy.concatenate(scored).tolist()) == sorted([*range(5), *range(6)])
