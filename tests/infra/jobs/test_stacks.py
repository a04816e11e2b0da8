"""Stacks of jobs: which a job goes to, how many fit, how synth grows with them."""

import json
import time
from dataclasses import replace

import pytest

from checks.rules.house import MOST, MOST_BYTES
from shardyard.spec.errors import SpecError
from shardyard.spec.job_folder import load_jobs
from stacks.build import ROOT
from tests.support.training_stack import (
    build,
    job,
    of_type,
    templates,
)


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


@pytest.mark.slow
def test_synth_grows_by_at_most_30_ms_a_job() -> None:
    """The best of three slopes: what else runs here must not decide."""

    def seconds(count: int) -> float:
        jobs = [job(f"tiny-{number}", stack=f"training-{number // 30}") for number in range(count)]
        before = time.perf_counter()
        build(jobs)[0].synth()
        return time.perf_counter() - before

    seconds(1)
    assert min((seconds(60) - seconds(10)) / 50 for _ in range(3)) <= 0.030
