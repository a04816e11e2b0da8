"""Launches that are refused before anything is paid for, each with its sentence."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.support.cloud.house import House
from tests.support.spec.small_jobs import SMALL

ON_DEMAND = "ml.m5.xlarge for training job usage"


def refused(house: House, job: str, launch: Mapping[str, Any]) -> str:
    """Launch a job that must be refused; the cause, once it is sure that nothing was launched and people know."""
    ended = house.run(job, launch)
    assert (ended.status, ended.error) == ("FAILED", "Refused"), house.story(ended)
    assert house.attempts(ended.run) == []
    mail = house.mail(ended.run.execution_arn.rpartition(":")[2])
    assert mail["text"].startswith(f"{job} was not launched, and nothing was billed")
    for line in ended.cause.splitlines():
        assert line in mail["text"]
    return ended.cause


def test_a_launch_against_a_rule_is_refused(shipped: House) -> None:
    cause = refused(shipped, "mnist-ddp", {"spot": True, "max_runtime_seconds": 3 * 3600})
    assert cause == "spot.max_wait: 2h is less than limits.max_runtime (3h or more)"


@pytest.mark.e2e
def test_a_launch_above_its_cap_is_refused(shipped: House) -> None:
    cause = refused(shipped, "mnist-ddp", {**SMALL["mnist-ddp"], "cap_usd": 0.05})
    assert cause.startswith("cost: the worst case is 0.2")
    assert " USD and the job's cap (cost.cap_usd) is 0.05 USD: " in cause


@pytest.fixture
def quota_of_one(shipped: House) -> Iterator[None]:
    shipped.cloud.admin("quota", name=ON_DEMAND, value=1)
    yield
    shipped.cloud.admin("quota", name=ON_DEMAND, value=20)


@pytest.mark.e2e
@pytest.mark.usefixtures("quota_of_one")
def test_a_launch_beyond_a_quota_is_refused(shipped: House) -> None:
    cause = refused(shipped, "mnist-ddp", SMALL["mnist-ddp"])
    assert cause == f"quotas: the quota {ON_DEMAND!r} is 1 and this launch needs 2: 1 more are needed"


@pytest.mark.e2e
def test_all_that_is_wrong_with_an_input_is_said_at_once(shipped: House) -> None:
    cause = refused(shipped, "mnist-ddp", {"instance_count": 0, "hyperparametres": {}})
    assert "instance_count: 0 is not allowed (1 or more)" in cause
    assert "hyperparametres: " in cause and "hyperparameters" in cause


@pytest.mark.e2e
def test_a_launch_without_data_is_refused(shipped: House) -> None:
    s3, bucket = shipped.aws.client("s3"), shipped.aws.data_bucket()
    texts = [one["Key"] for one in s3.list_objects_v2(Bucket=bucket, Prefix="text/train/")["Contents"]]
    kept = {key: s3.get_object(Bucket=bucket, Key=key)["Body"].read() for key in texts}
    for key in kept:
        s3.delete_object(Bucket=bucket, Key=key)
    try:
        cause = refused(shipped, "gpt-ddp", SMALL["gpt-ddp"])
    finally:
        for key, body in kept.items():
            s3.put_object(Bucket=bucket, Key=key, Body=body)
    assert cause.startswith("channels.train") and "text/train/" in cause
