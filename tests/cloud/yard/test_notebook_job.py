"""Notebooks become jobs of a deployed project: one on one node, a distributed one on two."""

import json

import pytest

from tests.support.cloud.own_project import OwnProject
from tests.support.cloud.yard_command import Yard
from tests.support.notebooks import book
from tests.support.notebooks.converted import CONVERTED

pytestmark = pytest.mark.e2e

PLAIN = [
    "%matplotlib inline\nimport os\nimport numpy as np",
    ("parameters", "steps = 5"),
    "rows = np.loadtxt('data/train.csv', delimiter=',')\nrows.shape",
    "for step in range(1, steps + 1):\n    print(f'metric step={step} loss={1 / step}')",
    "!echo from the shell > /tmp/x && cat /tmp/x\nnp.save('model.npy', rows)\nnp.savetxt('out/rows.txt', rows)",
]


def test_notebooks_run_as_jobs_on_one_node_and_on_two(research: OwnProject) -> None:
    root, yard = research.root, Yard(env=research.cloud.env, folder=research.root)
    (root / "notebooks/data").mkdir(parents=True)
    (root / "notebooks/data/train.csv").write_text("1,2\n3,4\n")
    book.write(root / "notebooks/plain.ipynb", PLAIN)
    (ddp,) = (one for one in CONVERTED if one.name == "torch-ddp")
    book.write(root / "notebooks/ddp.ipynb", ddp.cells)
    for name in ("plain", "ddp"):
        yard("notebook", "convert", f"notebooks/{name}.ipynb", "--name", f"nb-{name}", "--keep", "model.npy=model")
    yard("check")
    research.deployed()
    yard("data", "put", "notebooks/data", "--job", "nb-plain", "--channel", "data")
    found = {
        "nb-plain": research.succeed("nb-plain", {"hyperparameters": {"steps": 3}}),
        "nb-ddp": research.succeed("nb-ddp", {"instance_count": 2}),
    }
    plain, distributed = (research.receipt(found[name]) for name in ("nb-plain", "nb-ddp"))
    assert plain["metrics"]["step"] == 3 and plain["settings"]["launcher"] == "plain"
    assert distributed["settings"]["launcher"] == "torchrun" and distributed["metrics"]["step"] == 4
    assert distributed["attempts"][0]["instances"][0]["count"] == 2
    assert "model.npy" in research.model(found["nb-plain"]) and "model.pt" in research.model(found["nb-ddp"])
    said = yard("logs", found["nb-ddp"].run_id).stdout
    assert "ranks 2" in said
    log = json.dumps(yard("logs", found["nb-plain"].run_id).stdout)
    assert "(2, 2)" in log and "from the shell" in log
