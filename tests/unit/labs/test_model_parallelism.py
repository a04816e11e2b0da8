"""Lab 5: how its program counts memory, and what the rules say of the public lab's settings. Lab 6: its files."""

from collections.abc import Iterator
from types import ModuleType

import pytest
import torch

from labs.frame.places import LABS
from shardyard.spec.endpoint_folder import load_endpoints
from shardyard.spec.errors import SpecError
from shardyard.spec.job_folder import load_jobs
from tests.support.lab_code import load
from training.pytorch.models.gpt.model import PRESETS

MEGABYTE = 1 << 20


@pytest.fixture
def spread(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The program, whose presets are its own affair."""
    with monkeypatch.context() as patch:
        for name in ("lab", "small", "served"):
            patch.setitem(PRESETS, name, PRESETS["toy"])
        yield load("05-model-parallelism", "spread")


def test_lab_6_serves_the_model_of_lab_5(spread: ModuleType) -> None:
    load("06-inference", "served")
    assert PRESETS["served"] == spread.PRESETS["lab"] != PRESETS["toy"]


def test_the_peak_is_the_most_that_was_held_at_once(spread: ModuleType) -> None:
    peak = spread.Peak()
    with peak.watched(torch.device("cpu")):
        first = torch.zeros(4 * MEGABYTE, dtype=torch.uint8)
        del first
        kept = [torch.zeros(3 * MEGABYTE, dtype=torch.uint8) for _ in range(2)]
        del kept
    assert peak.bytes == pytest.approx(6 * MEGABYTE, rel=0.01)


def test_what_is_kept_of_a_model_is_sixteen_bytes_a_parameter(spread: ModuleType) -> None:
    model = torch.nn.Linear(10, 10)
    optimizer = torch.optim.AdamW(model.parameters())
    model(torch.ones(1, 10)).sum().backward()
    optimizer.step()
    parallel = type("Whole", (), {"model": model})()
    assert spread.kept_bytes(parallel, optimizer) == 16 * 110


def test_the_shape_that_the_lab_predicts_is_the_one_that_it_trains(spread: ModuleType) -> None:
    script = (LABS / "05-model-parallelism/lab.py").read_text()
    shape = PRESETS["lab"]
    assert f"LAYERS, WIDTH, CONTEXT, WORLD = {shape.layers}, {shape.width}, {shape.context}, 2" in script


def test_the_public_labs_settings_are_refused_for_four_reasons() -> None:
    with pytest.raises(SpecError) as refused:
        load_jobs(LABS / "05-model-parallelism/traps", "dev")
    assert {problem.where.split(": ")[1] for problem in refused.value.problems} == {
        "program.processes_per_node",
        "hyperparameters.precision",
        "model.parameters",
        "environment.FI_PROVIDER",
    }


@pytest.mark.parametrize(("folder", "endpoint"), [("endpoints", "answers"), ("aws", "lmi")])
def test_an_endpoint_of_lab_6_keeps_the_rules(folder: str, endpoint: str) -> None:
    assert [one.name for one in load_endpoints(LABS / "06-inference" / folder, "dev")] == [endpoint]
