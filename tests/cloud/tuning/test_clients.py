"""Other people's clients, unmodified: the AWS command, and boto3's waiter for a tuning job's training job."""

import json
import os

import pytest

from embedded import lifecycle
from tests.support.cloud import aws_command
from tests.support.clouds.training_cloud import TrainingCloud
from tests.support.clouds.tuning_cloud import config, definition, finished, limits


def test_the_aws_command_starts_shows_and_lists_a_search(cloud: TrainingCloud, image: str) -> None:
    if not aws_command.installed():
        pytest.skip("no AWS command is on the PATH")
    command = aws_command.installed()[0]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    env = kept | lifecycle.variables(cloud.state, cloud.folder)
    given = {
        "HyperParameterTuningJobName": "by-command",
        "HyperParameterTuningJobConfig": config(**limits(2, 2)),
        "TrainingJobDefinition": definition(cloud, image),
    }
    command.run(env, "sagemaker", "create-hyper-parameter-tuning-job", "--cli-input-json", json.dumps(given))
    best = finished(cloud, "by-command")["BestTrainingJob"]["TrainingJobName"]
    name = ("--hyper-parameter-tuning-job-name", "by-command")
    said = json.loads(command.run(env, "sagemaker", "describe-hyper-parameter-tuning-job", *name, "--output", "json"))
    assert said["BestTrainingJob"]["TrainingJobName"] == best
    listed = command.run(
        env,
        *("sagemaker", "list-training-jobs-for-hyper-parameter-tuning-job", *name),
        *("--sort-by", "FinalObjectiveMetricValue", "--query", "TrainingJobSummaries[0].TrainingJobName"),
        *("--output", "text"),
    )
    assert listed.strip() == best


def test_boto3_waits_for_a_training_job_of_a_search(cloud: TrainingCloud, image: str) -> None:
    sagemaker = cloud.client("sagemaker")
    sagemaker.create_hyper_parameter_tuning_job(
        HyperParameterTuningJobName="waited",
        HyperParameterTuningJobConfig=config(**limits(1, 1)),
        TrainingJobDefinition=definition(cloud, image),
    )
    pages = sagemaker.get_paginator("list_training_jobs_for_hyper_parameter_tuning_job")
    names: list[str] = []
    while not names:
        found = pages.paginate(HyperParameterTuningJobName="waited")
        names = [one["TrainingJobName"] for page in found for one in page["TrainingJobSummaries"]]
    waiter = sagemaker.get_waiter("training_job_completed_or_stopped")
    waiter.wait(TrainingJobName=names[0], WaiterConfig={"Delay": 1, "MaxAttempts": 120})
    assert cloud.describe(names[0])["TrainingJobStatus"] == "Completed"
    assert finished(cloud, "waited")["HyperParameterTuningJobStatus"] == "Completed"
