"""Two of the scripts in other people's styles under the launcher; tests/cloud/scripts runs all of them in the cloud."""

from pathlib import Path

import pytest

from shardyard.spec.jobs.log_metrics import LogMetrics
from tests.support.scripts.styles import STYLES
from tests.support.training.launching import nodes


@pytest.mark.parametrize("name", ["nanogpt", "hf_trainer_like"])
def test_a_script_of_somebody_elses_trains_one_model_on_two_nodes(tmp_path: Path, name: str) -> None:
    style = next(style for style in STYLES if style.folder == name)
    program = style.path.read_text(encoding="utf-8")
    for host in ("algo-1", "algo-2"):
        (tmp_path / host / "model").mkdir(parents=True)
    with nodes(tmp_path, program, count=2, processes=1, arguments=list(style.arguments)) as (first, second):
        assert (first.end(), second.end()) == (0, 0), first.output + second.output
    found = [metrics for line in first.lines if "loss" in (metrics := LogMetrics().read(line))]
    assert len(found) > 3 and found[-1]["loss"] < found[0]["loss"]
    assert not any(LogMetrics().read(line) for line in second.lines), "the other node is rank 1, which reports nothing"
    assert any((first.base / "model").iterdir()) and not any((second.base / "model").iterdir())
