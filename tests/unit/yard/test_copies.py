"""Several nodes that would each do the same work are named before they bill."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.support.spec.spec_tables import make
from yard.account import deployed
from yard.errors import UserError
from yard.launches import launching
from yard.starter.script.copies import copies_said


@pytest.fixture
def code(tmp_path: Path) -> Path:
    (tmp_path / "code").mkdir()
    (tmp_path / "code/train.py").write_text("import torch\ntorch.save(model, 'm.pt')\n")
    return tmp_path


def said(root: Path, **changes: Any) -> str | None:
    tables: dict[str, Any] = {
        "program": {"entry": "train.py", "launcher": "plain"},
        "source": {"dir": "code"},
        "compute": {"instance_type": "ml.m5.xlarge", "count": 2},
    }
    return copies_said(root, make(**(tables | changes)))


def test_two_nodes_of_a_script_that_knows_no_other_are_copies(code: Path) -> None:
    assert "2 identical copies will run and bill" in (said(code) or "")


@pytest.mark.parametrize(
    "changes",
    [
        {"compute": {"instance_type": "ml.m5.xlarge", "count": 1}},
        {"program": {"entry": "train.py", "launcher": "torchrun"}},
        {"channels": {"train": {"s3": "x/", "distribution": "ShardedByS3Key"}}},
        {"program": {"entry": "train.py", "launcher": "plain", "arguments": ["--hosts", "SM_HOSTS"]}},
        {"source": {"dir": "gone"}},
    ],
    ids=["one node", "ranks", "each its own data", "told by an argument", "no code"],
)
def test_what_are_none_is_not_called_so(code: Path, changes: dict[str, Any]) -> None:
    assert said(code, **changes) is None


@pytest.mark.parametrize(
    "line",
    [
        "dist.init_process_group('gloo')",
        "rank = int(os.environ['RANK'])",
        "hosts = json.loads(os.environ['SM_HOSTS'])",
        "from accelerate import Accelerator",
        "tf.distribute.MultiWorkerMirroredStrategy()",
        "open('/opt/ml/input/config/resourceconfig.json')",
    ],
)
def test_a_module_beside_the_script_may_know_the_others(code: Path, line: str) -> None:
    (code / "code/helpers.py").write_text(line)
    assert said(code) is None


def test_a_launch_says_it_with_the_count_that_it_is_given(
    code: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def nobody(*_: Any, **__: Any) -> None:
        raise UserError("Nobody answers.")

    monkeypatch.setattr(deployed, "read", nobody)
    job = make(
        program={"entry": "train.py", "launcher": "plain"},
        source={"dir": "code"},
        compute={"instance_type": "ml.m5.xlarge", "count": 1},
    )
    aws: Any = SimpleNamespace(project=SimpleNamespace(root=code, job=lambda name: job))
    launching.plan_of(aws, "one", {"instance_count": 3}, dry_run=True)
    assert "3 identical copies will run and bill" in " ".join(capsys.readouterr().err.split())
    launching.plan_of(aws, "one", {}, dry_run=True)
    assert "copies" not in capsys.readouterr().err
