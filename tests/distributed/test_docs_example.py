"""The program of docs/reference/parallelism.md trains under the launcher, and survives a kill bit by bit."""

import json
import re
from pathlib import Path

import numpy
import pytest
import torch

from tests.support.training.launching import ROOT, nodes

PAGE = ROOT / "docs/reference/parallelism.md"
PROGRAM = "\n".join(re.findall(r"^```python\n(.*?)^```", PAGE.read_text(), re.M | re.S))
SAVE = "                saved.after_step(step)\n"
KILL = """\
                if (step, ranks.rank, os.environ["SHARDYARD_ATTEMPT"]) == (25, 1, "0"):
                    os.kill(os.getpid(), 9)
"""


def train(folder: Path, program: str) -> tuple[dict[str, torch.Tensor], str]:
    """The model that a program makes of 100 rows, and what the launcher printed."""
    base = folder / "algo-1"
    for part in ("input/config", "input/data/train", "model"):
        (base / part).mkdir(parents=True)
    numpy.save(base / "input/data/train/rows.npy", numpy.random.default_rng(3).random((100, 8), dtype=numpy.float32))
    (base / "input/config/inputdataconfig.json").write_text(json.dumps({"train": {"TrainingInputMode": "File"}}))
    with nodes(folder, program, SHARDYARD_RUN_ID="run") as (node,):
        assert node.end() == 0, node.output
    return torch.load(base / "model/model.pt"), node.output


@pytest.mark.e2e
def test_a_killed_run_makes_the_same_model(tmp_path: Path) -> None:
    expected, _ = train(tmp_path / "undisturbed", PROGRAM)
    assert SAVE in PROGRAM
    found, output = train(tmp_path / "killed", PROGRAM.replace(SAVE, SAVE + KILL))
    assert "restored step 20 of run run" in output
    assert found.keys() == expected.keys()
    for name, tensor in expected.items():
        assert torch.equal(found[name], tensor), name
