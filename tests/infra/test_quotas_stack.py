"""The quotas stack when it is fed from the jobs."""

from pathlib import Path

from shardyard.spec.jobs import load_jobs
from shardyard.spec.quotas import needed_together
from stacks.scenarios import synthesise

ROOT = Path(__file__).parents[2]


def test_what_all_jobs_need_at_once_is_asked_for() -> None:
    assembly = synthesise({"quotas.from_jobs": "true"}).assembly
    asked = {
        resource.properties["QuotaName"]: float(resource.properties["AtLeast"])
        for resource in assembly.resources("Custom::ServiceQuota")
    }
    assert asked == {name: float(value) for name, value in needed_together(load_jobs(ROOT / "jobs", "dev")).items()}
