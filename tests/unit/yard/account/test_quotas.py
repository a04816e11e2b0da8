"""Whether quotas let a job launch, and where a job's file and its deployment part."""

from dataclasses import replace
from pathlib import Path

import pytest

from shardyard.spec.catalogue.quotas import ALL_SPOT_JOBS, needed_by_job, of_type
from shardyard.spec.job_folder import load_jobs
from shardyard.spec.jobs.job import JobSpec
from shardyard.spec.requests.deployment import Deployment
from yard.account.deployed import Deployed, changed_since
from yard.account.quotas import JobQuota, _best, _held

ROOT = Path(__file__).parents[4]
QUOTA = of_type("ml.g5.xlarge", spot=True)


@pytest.fixture(scope="module")
def job() -> JobSpec:
    return next(spec for spec in load_jobs(ROOT / "jobs", "dev") if spec.name == "mnist-ddp")


def judged(job: JobSpec, used: dict[str, int] | None = None, **changed: float) -> JobQuota:
    granted = {name: float(amount) for name, amount in needed_by_job(job).items()} | changed
    return _best(job, granted, used if used is not None else {})


def test_what_fits_may_launch(job: JobSpec) -> None:
    assert judged(job) == JobQuota(state="yes")


def test_too_small_a_quota_forbids(job: JobSpec) -> None:
    found = judged(job, **{QUOTA: 1.0})
    assert found == JobQuota(state="no", reasons=(f"{QUOTA}: 1 granted, 2 needed",))


def test_what_others_hold_counts_until_they_end(job: JobSpec) -> None:
    found = judged(job, {QUOTA: 1})
    assert found == JobQuota(state="in use", reasons=(f"{QUOTA}: 2 granted, 1 in use, 2 needed",))


def test_the_worst_reason_decides(job: JobSpec) -> None:
    found = judged(job, {QUOTA: 1}, **{ALL_SPOT_JOBS: 0.0})
    assert found.state == "no"
    assert len(found.reasons) == 2


def test_an_unlisted_quota_is_not_known(job: JobSpec) -> None:
    granted = {name: float(amount) for name, amount in needed_by_job(job).items() if name != QUOTA}
    assert _best(job, granted, {}).state == "unknown"


def deployed(job: JobSpec) -> Deployed:
    deployment = Deployment(
        project="p",
        stage="dev",
        data_bucket="d",
        artifact_bucket="a",
        role_arn="r",
        image_uri="123456789012.dkr.ecr.us-east-1.amazonaws.com/p-dev/pytorch:0123456789abcdef",
    )
    return Deployed(definition=job, spec=job, deployment=deployment, sources={})


def test_what_was_edited_since_the_deployment_is_named(job: JobSpec) -> None:
    assert changed_since(deployed(job), job) == []
    edited = replace(
        job, hyperparameters={**job.hyperparameters, "epochs": 3, "new": 1}, compute=replace(job.compute, count=5)
    )
    assert changed_since(deployed(job), edited) == ["compute.count", "hyperparameters.epochs", "hyperparameters.new"]


def test_the_deployed_image_is_a_repository_and_a_tag(job: JobSpec) -> None:
    assert deployed(job).image == ("p-dev/pytorch", "0123456789abcdef")


def test_of_a_list_of_types_the_chosen_one_is_in_use() -> None:
    chosen = {"SelectedInstanceType": "ml.m5.large", "SelectedInstanceCount": 2}
    preferences = [{"InstanceType": "ml.c5.large", "InstanceCount": 1}]
    processing = {"ProcessingResources": {"ClusterConfig": {**chosen, "InstancePreferences": preferences}}}
    assert _held(processing)["ml.m5.large for processing job usage"] == 2
    training = {"ResourceConfig": {"SelectedInstanceType": "ml.g5.xlarge", "InstanceCount": 2}}
    assert _held(training)[of_type("ml.g5.xlarge", spot=False)] == 2
    assert not _held({"ProcessingResources": {"ClusterConfig": {"InstancePreferences": preferences}}})
