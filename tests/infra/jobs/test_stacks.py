"""Stacks of jobs: which a job goes to, how many fit, how synth grows with them."""

import json
from dataclasses import replace

import pytest

from checks.rules.house import MOST, MOST_BYTES
from shardyard.spec.errors import SpecError
from shardyard.spec.job_folder import load_jobs
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


def test_forty_jobs_fit_one_stack() -> None:
    shipped = load_jobs(ROOT / "jobs", "dev")
    jobs = [replace(shipped[n % len(shipped)], name=f"{shipped[n % len(shipped)].name}-{n}") for n in range(40)]
    template = templates(jobs)["training"]
    assert {section: len(template[section]) <= most for section, most in MOST.items()} == dict.fromkeys(MOST, True)
    assert len(json.dumps(template).encode()) <= MOST_BYTES


def test_each_further_job_costs_the_same_few_round_trips_to_node() -> None:
    """What a job adds to a synth, whatever else this machine does. `benchmarks/synth.py` has the milliseconds."""

    def adds(before: int) -> int:
        fewer, more = (
            round_trips(lambda n=n: build([job(f"tiny-{k}") for k in range(n)])) for n in (before, before + 1)
        )
        return more - fewer

    build([job()])
    assert 0 < adds(1) <= 25
    assert adds(12) == adds(1)
