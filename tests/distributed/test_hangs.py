"""A rank that hangs is noticed within the time-out and named, in whichever group it was awaited."""

from pathlib import Path

import pytest

from tests.distributed.ranks import run_ranks
from tests.distributed.test_plans import PLANS
from tests.distributed.training_cases import Run, train_and_lose

pytestmark = pytest.mark.slow  # each waits 20 s; `make e2e` runs them


@pytest.mark.parametrize("name", ["ddp-2", "hsdp-2x2", "fsdp-2-tp-2", "ddp-2-pp-2", "tp-2-pp-2"])
def test_a_frozen_rank_is_named_by_all_others(name: str, tmp_path: Path) -> None:
    world, plan = PLANS[name]
    assert_it_is_named(Run(plan=plan, freeze={world - 1: 2}, timeout_seconds=4), world, tmp_path)


@pytest.mark.parametrize("name", ["ddp-2", "hsdp-2x2"])
def test_the_long_limit_of_a_compiling_step_ends_with_it(name: str, tmp_path: Path) -> None:
    world, plan = PLANS[name]
    run = Run(plan=plan, freeze={world - 1: 2}, timeout_seconds=4, first_step_seconds=60)
    assert_it_is_named(run, world, tmp_path)


def assert_it_is_named(run: Run, world: int, folder: Path) -> None:
    """Run, and look at what the others said of the last rank."""
    last = world - 1
    *others, frozen = run_ranks(world, train_and_lose, run, folder=folder)
    assert frozen.code == -9
    for other in others:
        assert other.code == 0, other.errors
        seconds, said = other.result
        assert seconds < 18, "it was noticed only when the frozen rank was killed"
        assert f"rank {last} of {world} did not answer" in said
