"""Stacks of jobs: which a job goes to, how many fit, how synth grows with them."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from checks.rules.house import MOST, MOST_BYTES
from shardyard.spec.errors import SpecError
from shardyard.spec.job_folder import load_jobs
from shardyard.spec.jobs.launched import LaunchedSpec
from shardyard.spec.stack_limits import Estimate
from shardyard.spec.tuning.trials import without_search
from stacks.build import ROOT
from tests.support.round_trips import round_trips
from tests.support.training_stack import build, job, of_type, templates


def test_jobs_go_to_the_stack_that_they_name() -> None:
    found = templates([job(), job("far", stack="second")])
    assert set(found) == {"training", "second"}
    assert not of_type(found["second"], "AWS::Lambda::Function")  # the functions are shared
    assert len(of_type(found["second"], "AWS::StepFunctions::StateMachine")) == 1


def test_a_full_stack_says_which_jobs_to_move() -> None:
    with pytest.raises(SpecError, match=r"stack 'training': 50 jobs need 200 parameters .* jobs/tiny-49.toml"):
        build([job(f"tiny-{number}") for number in range(50)])


def test_what_a_file_tells_of_a_jobs_size_is_what_synth_finds() -> None:
    """`yard check` refuses a full stack without a synth; it must never refuse one that synth takes."""
    more = [
        job("long", environment={f"V{n}": "x" * 20 for n in range(20)}),
        job("spotty", spot={"enabled": True, "max_wait": "2h", "give_up": "10m"}, checkpoints={"enabled": True}),
        job("kept", registry={"enabled": True}),
    ]
    _, stacks = build([*load_jobs(ROOT / "jobs", "dev"), *more])
    sized = [one for stack in stacks.values() for one in stack.jobs]
    assert len(sized) >= 10
    for one in sized:
        estimate = Estimate(one.spec)
        assert estimate.counts == one.counts, one.name
        assert one.template_bytes * 0.8 <= estimate.template_bytes <= one.template_bytes, one.name


def of_the_shipped(count: int) -> list[LaunchedSpec]:
    """As many jobs as are asked for, in the kinds that ship; a search would add a machine of its own to its job's."""
    shipped = [without_search(spec) for spec in load_jobs(ROOT / "jobs", "dev")]
    return [replace(shipped[n % len(shipped)], name=f"{shipped[n % len(shipped)].name}-{n}") for n in range(count)]


@pytest.mark.parametrize(("count", "most"), [(20, 200_000), (40, MOST_BYTES)])
def test_many_jobs_fit_one_stack(count: int, most: int) -> None:
    app, _ = build(of_the_shipped(count))
    written = Path(app.synth().directory, "shardyard-dev-training.template.json")
    template = json.loads(written.read_bytes())
    assert {section: len(template[section]) <= limit for section, limit in MOST.items()} == dict.fromkeys(MOST, True)
    assert written.stat().st_size <= most


def test_each_further_job_costs_the_same_few_round_trips_to_node() -> None:
    """What a job adds to a synth, whatever else this machine does. `benchmarks/synth.py` has the milliseconds."""

    def adds(before: int) -> int:
        fewer, more = (
            round_trips(lambda n=n: build([job(f"tiny-{k}") for k in range(n)])) for n in (before, before + 1)
        )
        return more - fewer

    build([job()])
    assert 0 < adds(1) <= 30
    assert adds(12) == adds(1)
