"""Every plan computes what a single process computes."""

from dataclasses import replace
from pathlib import Path

import numpy
import pytest

from tests.support.training.ranks import results, run_ranks
from tests.support.training.training_cases import Run, clip_spread, count_forwards, train
from training.pytorch.parallel.plan import Plan

PLANS = {
    "ddp-2": (2, Plan(clip_norm=0.5)),
    "fsdp-2": (2, Plan(data="fsdp", clip_norm=0.5)),
    "tp-2": (2, Plan(tensor_parallel=2, clip_norm=0.5)),
    "pp-2": (2, Plan(pipeline_parallel=2, clip_norm=0.5)),
    "ddp-4": (4, Plan(clip_norm=0.5)),
    "fsdp-4": (4, Plan(data="fsdp", clip_norm=0.5)),
    "pp-4": (4, Plan(pipeline_parallel=4, microbatches=4, clip_norm=0.5)),
    "hsdp-2x2": (4, Plan(data="hsdp", shard_size=2, clip_norm=0.5)),
    "ddp-2-tp-2": (4, Plan(tensor_parallel=2, clip_norm=0.5)),
    "fsdp-2-tp-2": (4, Plan(data="fsdp", tensor_parallel=2, clip_norm=0.5)),
    "tp-2-pp-2": (4, Plan(tensor_parallel=2, pipeline_parallel=2, clip_norm=0.5)),
    "ddp-2-pp-2": (4, Plan(pipeline_parallel=2, microbatches=2, clip_norm=0.5)),
    "fsdp-2-pp-2": (4, Plan(data="fsdp", pipeline_parallel=2, microbatches=2, clip_norm=0.5)),
    "hsdp-2x2-accumulation": (4, Plan(data="hsdp", shard_size=2, accumulation=2, clip_norm=0.5)),
    "ddp-2-accumulation": (2, Plan(accumulation=2, clip_norm=0.5)),
    "fsdp-2-accumulation": (2, Plan(data="fsdp", accumulation=2, clip_norm=0.5)),
    "fsdp-2-activation-checkpointing": (2, Plan(data="fsdp", activation_checkpointing=True, clip_norm=0.5)),
    "hsdp-2x2-tp-2": (8, Plan(data="hsdp", shard_size=2, tensor_parallel=2, clip_norm=0.5)),
    "hsdp-2x2-pp-2": (8, Plan(data="hsdp", shard_size=2, pipeline_parallel=2, microbatches=2, clip_norm=0.5)),
    "fsdp-2-tp-2-pp-2": (8, Plan(data="fsdp", tensor_parallel=2, pipeline_parallel=2, microbatches=2, clip_norm=0.5)),
}

QUICK = ("hsdp-2x2", "fsdp-2-tp-2", "tp-2-pp-2")
"""Plans of four ranks that `make test` runs as well: every dimension of the grid is in one of them."""

SLOW = pytest.mark.slow  # four ranks and more on two processors; `make slow` runs them


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> dict:
    """What one process computes."""
    folder = tmp_path_factory.mktemp("alone")
    (report,) = results(run_ranks(1, train, Run(plan=Plan(clip_norm=0.5), steps=4), folder=folder))
    return report


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=SLOW if PLANS[name][0] > 2 and name not in QUICK else ()) for name in PLANS],
)
def test_a_plan_computes_what_one_process_computes(name: str, alone: dict, tmp_path: Path) -> None:
    world, plan = PLANS[name]
    reports = results(run_ranks(world, train, Run(plan=plan, steps=4), folder=tmp_path))
    for report in reports:
        losses = [float.fromhex(loss) for loss in report["losses"].values()]
        assert losses == pytest.approx([float.fromhex(loss) for loss in alone["losses"].values()], rel=2e-6)
        assert list(report["norms"].values()) == pytest.approx(list(alone["norms"].values()), rel=2e-5)
        assert min(report["norms"].values()) > 0.5, "nothing was clipped, so clipping was not tested"
        assert list(report["clipped"].values()) == pytest.approx([0.5] * 4, rel=1e-5)
    assert reports[0]["weights"].keys() == alone["weights"].keys()
    for key, expected in alone["weights"].items():
        numpy.testing.assert_allclose(reports[0]["weights"][key], expected, rtol=0, atol=5e-5, err_msg=key)


@pytest.mark.parametrize(
    "name",
    [
        "ddp-2",
        "fsdp-2",
        "tp-2",
        *(pytest.param(name, marks=SLOW) for name in ("tp-2-pp-2", "fsdp-2-tp-2", "fsdp-2-pp-2")),
    ],
)
def test_bf16_changes_the_losses_a_little(name: str, alone: dict, tmp_path: Path) -> None:
    world, plan = PLANS[name]
    plan = replace(plan, precision="bf16", activation_checkpointing=world == 4)
    report = results(run_ranks(world, train, Run(plan=plan, steps=4), folder=tmp_path))[0]
    losses = [float.fromhex(loss) for loss in report["losses"].values()]
    expected = [float.fromhex(loss) for loss in alone["losses"].values()]
    assert losses == pytest.approx(expected, rel=5e-3)
    assert losses != pytest.approx(expected, rel=1e-7), "this was not bf16"
    assert list(report["norms"].values()) == pytest.approx(list(alone["norms"].values()), rel=2e-2)


@pytest.mark.parametrize(("name", "microbatches"), [("ddp-2", 1), ("fsdp-2", 1), ("tp-2", 1), ("pp-2", 4)])
def test_activation_checkpointing_computes_a_block_twice(name: str, microbatches: int, tmp_path: Path) -> None:
    world, plan = PLANS[name]
    counts = results(run_ranks(world, count_forwards, plan, folder=tmp_path))
    assert counts == [[microbatches, 2 * microbatches]] * world


@pytest.mark.parametrize("kind", ["ddp", "fsdp", "tp"])
def test_a_model_that_is_spread_by_hand_is_clipped_by_the_norm_of_its_whole_gradients(
    kind: str, tmp_path: Path
) -> None:
    for before, said, after in results(run_ranks(2, clip_spread, kind, folder=tmp_path)):
        assert said == pytest.approx(before, rel=1e-6)
        assert after == pytest.approx(before / 2, rel=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["ddp-2", "fsdp-2", "pp-2"])
def test_a_compiled_plan_computes_the_same(name: str, alone: dict, tmp_path: Path) -> None:
    world, plan = PLANS[name]
    run = Run(plan=replace(plan, compile=True), steps=4, timeout_seconds=200)
    report = results(run_ranks(world, train, run, folder=tmp_path, seconds=200))[0]
    losses = [float.fromhex(loss) for loss in report["losses"].values()]
    assert losses == pytest.approx([float.fromhex(loss) for loss in alone["losses"].values()], rel=2e-6)
    assert list(report["norms"].values()) == pytest.approx(list(alone["norms"].values()), rel=2e-5)


def test_two_runs_are_equal_bit_by_bit(tmp_path: Path) -> None:
    digests = set()
    for number in range(2):
        folder = tmp_path / str(number)
        folder.mkdir()
        digests.add(results(run_ranks(4, train, Run(plan=Plan(), steps=3), folder=folder))[0]["digest"])
    assert len(digests) == 1
