"""What the GPT program would refuse in the container is refused before launch, if its options alone tell."""

import re
from typing import Any

import pytest

from shardyard.spec.rules import RULES, Facts
from tests.support.spec.spec_tables import make
from training.pytorch.parallel.plan import PlanError
from training.pytorch.programs.gpt import make_parser_for_gpt, plan_of

RULE = RULES["plan-options-go-together"]


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"plan": "hsdp"}, "shard_size: is missing: the plan hsdp needs it (usually the ranks of a node)"),
        ({"plan": "fsdp", "shard_size": 2}, "shard_size: is for the plan hsdp, and the plan is fsdp"),
        ({"microbatches": 4}, "microbatches: is for pipeline_parallel above 1 (use accumulation)"),
        (
            {"pipeline_parallel": 2, "accumulation": 4},
            "accumulation: does not go with pipeline_parallel (raise microbatches)",
        ),
        (
            {"tensor_parallel": 2, "compile": True},
            "compile: does not go with tensor_parallel: torch 2.13 fails in the backward pass of compiled blocks whose "
            "matrices are shared (leave it out)",
        ),
    ],
)
def test_options_that_contradict_each_other(given: dict[str, Any], says: str) -> None:
    spec = make(hyperparameters=given, program={"entry": "training.pytorch.programs.gpt"})
    assert [str(problem) for problem in RULE.check(spec, Facts())] == [f"hyperparameters.{says}"]
    arguments = [text for name, value in given.items() for text in (f"--{name}", str(value))]
    with pytest.raises(PlanError, match=f"^{re.escape(says.replace(': ', ' ', 1))}$"):
        plan_of(make_parser_for_gpt().parse_args(arguments))


def test_options_of_other_programs_are_their_own() -> None:
    assert list(RULE.check(make(hyperparameters={"plan": "hsdp"}, program={"entry": "train.py"}), Facts())) == []


def test_stages_that_do_not_divide_the_ranks() -> None:
    spec = make(hyperparameters={"pipeline_parallel": 3}, compute={"instance_type": "ml.g5.12xlarge"})
    (problem,) = RULES["parallelism-divides-the-ranks"].check(spec, Facts())
    assert str(problem) == (
        "hyperparameters.pipeline_parallel: 3 makes groups of 3 ranks, which do not divide the 4 ranks: choose sizes "
        "whose product divides 4 (on 1 x ml.g5.12xlarge)"
    )
