"""A rank that hangs is noticed within the time-out and named, in whichever group it was awaited."""

import os
from pathlib import Path

import pytest
from torch import nn

from tests.distributed.test_plans import PLANS
from tests.support.training.ranks import results, run_ranks
from tests.support.training.training_cases import Run, train_and_lose
from training.pytorch.process_group import Ranks
from training.pytorch.programs import gpt

SLOW = pytest.mark.slow  # each waits 20 s; `make slow` runs them


@SLOW
@pytest.mark.parametrize("name", ["ddp-2", "hsdp-2x2", "fsdp-2-tp-2", "ddp-2-pp-2", "tp-2-pp-2"])
def test_a_frozen_rank_is_named_by_all_others(name: str, tmp_path: Path) -> None:
    world, plan = PLANS[name]
    assert_it_is_named(Run(plan=plan, freeze={world - 1: 2}, timeout_seconds=4), world, tmp_path)


@SLOW
@pytest.mark.parametrize("name", ["ddp-2", "hsdp-2x2"])
def test_the_long_limit_of_a_compiling_step_ends_with_it(name: str, tmp_path: Path) -> None:
    world, plan = PLANS[name]
    run = Run(plan=plan, freeze={world - 1: 2}, timeout_seconds=4, first_step_seconds=60)
    assert_it_is_named(run, world, tmp_path)


def train_compiled(base: Path) -> list[tuple[float, float, int]]:
    """Two steps of the program with its option, in which nothing is really compiled; what it says after the first."""
    (base / "a.txt").write_text("some text " * 40)
    os.environ |= {"SM_CHANNEL_TRAIN": str(base), "SAGEMAKER_BASE_DIR": str(base / os.environ["RANK"])}
    said: list[tuple[float, float, int]] = []

    def note(ranks: Ranks, *groups: object) -> None:
        said.append((ranks.timeout_seconds, ranks.first_step_seconds, len(groups)))

    gpt.end_first_step, nn.Module.compile = note, lambda self: None
    gpt.main(["--max_steps", "2", "--batch_size", "2", "--context", "16", "--compile", "true", "--plan", "fsdp"])
    return said


def test_the_program_ends_the_long_limit_once_for_all_its_groups(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    assert results(run_ranks(2, train_compiled, data, folder=tmp_path)) == [[(30.0, 600.0, 4)]] * 2


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
