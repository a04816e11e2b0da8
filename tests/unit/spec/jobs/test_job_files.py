"""The jobs that ship: right on AWS as written, small enough for this machine by an execution's input."""

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from shardyard.spec.catalogue.cost import snapshot_prices, worst_case
from shardyard.spec.job_folder import load_jobs
from shardyard.spec.jobs.job import JobSpec
from shardyard.spec.jobs.overrides import LaunchInput, apply_input
from shardyard.spec.jobs.processing.processing import ProcessingSpec
from shardyard.spec.jobs.transform.transform import TransformSpec
from shardyard.spec.rules import Facts, check
from shardyard.spec.tuning.cost import search_cost
from tests.support.spec.small_jobs import SMALL

JOBS = Path(__file__).parents[4] / "jobs"
NAMES = [
    "gpt-ddp",
    "gpt-fsdp",
    "gpt-tp-pp",
    "linear-replicated",
    "linear-sharded",
    "mnist-ddp",
    "mnist-hetero",
    "mnist-tune",
    "tf-cifar",
    "tf-mnist-ps",
    "tf-mnist",
]
LOADED = [job for job in load_jobs(JOBS, "dev") if isinstance(job, JobSpec)]
OTHERS = [job for job in load_jobs(JOBS, "dev") if isinstance(job, ProcessingSpec | TransformSpec)]


def test_these_ship_and_no_others() -> None:
    assert [job.name for job in LOADED] == NAMES
    assert sorted(job.name for job in load_jobs(JOBS, "prod")) == sorted([*NAMES, *(job.name for job in OTHERS)])


@pytest.mark.parametrize("job", LOADED, ids=NAMES)
def test_a_shipped_job_says_what_it_costs_and_stays_below_its_cap(job: JobSpec) -> None:
    cost = worst_case(job, snapshot_prices("us-east-1"))
    if job.tuning is not None:
        cost = search_cost(job, snapshot_prices("us-east-1"))
    assert cost.usd is not None and job.cost.cap_usd is not None
    assert cost.usd <= job.cost.cap_usd


@pytest.mark.parametrize("job", LOADED, ids=NAMES)
def test_a_shipped_job_runs_on_two_machines_or_more_and_keeps_checkpoints(job: JobSpec) -> None:
    trials_at_once = 1 if job.tuning is None else job.tuning.max_parallel
    assert job.compute.most_instances * trials_at_once >= 2
    assert job.checkpoints.enabled
    assert job.description


@pytest.mark.parametrize("job", LOADED, ids=NAMES)
def test_a_small_launch_passes_the_rules_too(job: JobSpec) -> None:
    alone = replace(job, tuning=None)  # what launches the job itself is not told of its search
    small, _ = apply_input(alone, LaunchInput.from_dict(SMALL[job.name]))
    assert check(small, Facts(has_network=True, group_allows_itself=True)) == []
    assert 2 <= small.compute.most_instances <= 5


def test_the_two_linear_jobs_differ_in_the_distribution_only() -> None:
    def without(job: JobSpec) -> dict[str, Any]:
        tables = job.to_dict()
        tables["channels"]["train"].pop("distribution", None)
        return {key: value for key, value in tables.items() if key not in ("name", "description")}

    replicated, sharded = (job for job in LOADED if job.name.startswith("linear"))
    assert without(replicated) == without(sharded)
    assert sharded.channels["train"].distribution == "ShardedByS3Key"


def test_a_hundred_jobs_are_read_and_checked_within_a_second(tmp_path: Path) -> None:
    texts = [path.read_text() for path in sorted(JOBS.glob("*.toml"))]
    for number in range(100):
        (tmp_path / f"job-{number}.toml").write_text(texts[number % len(texts)])
    start = time.process_time()
    assert len(load_jobs(tmp_path, "dev")) == 100
    assert time.process_time() - start < 1


def test_other_jobs_ship_that_cost_little_and_say_what_they_do() -> None:
    assert len(OTHERS) >= 2
    for job in OTHERS:
        cost = worst_case(job, snapshot_prices("us-east-1"))
        assert cost.usd is not None and job.cost.cap_usd is not None and cost.usd <= job.cost.cap_usd
        assert job.description and (isinstance(job, TransformSpec) or job.outputs)
        assert check(job, Facts(has_network=True)) == []
