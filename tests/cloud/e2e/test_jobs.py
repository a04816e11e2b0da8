"""Each shipped job, through its own state machine, from data in S3 to a model in S3, with IAM enforced."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.cloud.house import EMAIL, House, make_sample
from tests.support.cloud.yard_command import Yard
from tests.support.spec.small_jobs import SMALL
from yard.runs import runs

_HOST_METRICS = "/aws/sagemaker/TrainingJobs"


def test_mnist_ddp_trains_on_two_nodes(shipped: House, undisturbed: runs.Run) -> None:
    check_results(shipped, undisturbed)
    assert len(shipped.losses(undisturbed)) >= 30


@pytest.mark.e2e
@pytest.mark.parametrize("job", sorted(set(SMALL) - {"mnist-ddp"}))
def test_a_shipped_job_trains(shipped: House, job: str, tmp_path: Path) -> None:
    if job == "tf-mnist":
        shipped.push_image("tensorflow")
    if job == "tf-cifar":
        make_sample("make_images", tmp_path / "images", "--shards=2")
        shipped.put(tmp_path, "")
    check_results(shipped, shipped.succeed(job, SMALL[job]))


@pytest.mark.e2e
def test_tensorboard_files_can_be_fetched(shipped: House, tmp_path: Path) -> None:
    run = shipped.succeed("mnist-hetero", SMALL["mnist-hetero"])
    yard = Yard(env=shipped.cloud.env)
    said = yard.json("tensorboard", run.run_id, "--to", str(tmp_path), "--json")
    files = [path for path in Path(said["folder"]).rglob("*") if path.is_file()]
    assert [said["run"], said["files"]] == [run.run_id, 1] and len(files) == 1
    assert "tfevents" in files[0].name and b"loss" in files[0].read_bytes()


@pytest.mark.e2e
def test_every_shipped_job_is_tried(shipped: House) -> None:
    assert {spec.name for spec in shipped.aws.project.jobs() if spec.kind == "training"} == set(SMALL)


def check_results(house: House, run: runs.Run) -> None:
    """What a run leaves behind: a model, a receipt, logs, metrics of every node, and a message."""
    attempts = house.attempts(run)
    assert [job["TrainingJobStatus"] for job in attempts] == ["Completed"]
    job = attempts[0]
    hosts = _hosts(job["ResourceConfig"])
    assert len(hosts) >= 2

    of_its_framework = "model.keras" if run.job.startswith("tf-") else "model.pt"
    assert {"model.json", of_its_framework} <= set(house.model(run))
    _check_receipt(house.receipt(run), run, job)
    # rank 0 alone reports: a node without one may have nothing to say
    assert hosts[0] in {line.host for line in house.lines(run)} <= set(hosts)
    _check_metrics(house, job, hosts)

    mail = house.mail(run.run_id)
    assert mail["to"] == EMAIL
    assert mail["subject"] == f"{run.job} trained ({run.run_id})"
    assert job["ModelArtifacts"]["S3ModelArtifacts"] in mail["text"]


def _hosts(resources: dict[str, Any]) -> list[str]:
    groups = resources.get("InstanceGroups") or [resources]
    return [f"algo-{number + 1}" for number in range(sum(group["InstanceCount"] for group in groups))]


def _check_receipt(receipt: dict[str, Any], run: runs.Run, job: dict[str, Any]) -> None:
    assert (receipt["run_id"], receipt["job"], receipt["outcome"]) == (run.run_id, run.job, "Completed")
    assert receipt["model"] == job["ModelArtifacts"]["S3ModelArtifacts"]
    assert [one["name"] for one in receipt["attempts"]] == [job["TrainingJobName"]]
    assert 0 < receipt["cost_usd"] <= receipt["worst_case_usd"]
    assert 0 < receipt["billable_seconds"] <= receipt["training_seconds"]
    assert receipt["metrics"] == {one["MetricName"]: one["Value"] for one in job["FinalMetricDataList"]}
    # Of a registry of AWS's the receipt knows no digest
    of_aws = "/tensorflow-training:" in job["AlgorithmSpecification"]["TrainingImage"]
    assert (json.loads(json.dumps(receipt["image"]))["digest"] is None) == of_aws
    assert {one["channel"] for one in receipt["data"]} >= {"train"}


def _check_metrics(house: House, job: dict[str, Any], hosts: list[str]) -> None:
    final = {one["MetricName"]: one["Value"] for one in job["FinalMetricDataList"]}
    assert final["step"] > 0 and final["loss"] > 0
    cloudwatch = house.aws.client("cloudwatch")

    def published(dimension: str, value: str) -> set[str]:
        wanted = [{"Name": dimension, "Value": value}]
        pages = cloudwatch.get_paginator("list_metrics").paginate(Namespace=_HOST_METRICS, Dimensions=wanted)
        return {metric["MetricName"] for page in pages for metric in page["Metrics"]}

    name = job["TrainingJobName"]
    assert set(final) <= published("TrainingJobName", name)
    for host in hosts:
        assert {"CPUUtilization", "MemoryUtilization", "DiskUtilization"} <= published("Host", f"{name}/{host}")
