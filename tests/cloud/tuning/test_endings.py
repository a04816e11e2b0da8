"""Searches that fail, wait or are refused, and how a state machine and an event tell of the end."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.support.clouds.training_cloud import TRUST, TrainingCloud, wait_until
from tests.support.clouds.tuning_cloud import (
    config,
    definition,
    describe,
    finished,
    limits,
    objective,
    training_jobs,
    tune,
)

MACHINE_TRUST = json.dumps(TRUST).replace("sagemaker.", "states.")
ALLOW = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}


def request(cloud: TrainingCloud, image: str, name: str, **tuning: Any) -> dict[str, Any]:
    return {
        "HyperParameterTuningJobName": name,
        "HyperParameterTuningJobConfig": config(**tuning),
        "TrainingJobDefinition": definition(cloud, image),
    }


@pytest.fixture(scope="module")
def machine(cloud: TrainingCloud) -> str:
    """A state machine that tunes with whatever it is given."""
    iam = cloud.client("iam")
    role = iam.create_role(RoleName="machine", AssumeRolePolicyDocument=MACHINE_TRUST)["Role"]["Arn"]
    iam.put_role_policy(RoleName="machine", PolicyName="all", PolicyDocument=json.dumps(ALLOW))
    state = {
        "Type": "Task",
        "Resource": "arn:aws:states:::sagemaker:createHyperParameterTuningJob.sync",
        "Parameters": {
            f"{name}.$": f"$.{name}"
            for name in ("HyperParameterTuningJobName", "HyperParameterTuningJobConfig", "TrainingJobDefinition")
        },
        "End": True,
    }
    text = json.dumps({"StartAt": "Tune", "States": {"Tune": state}})
    made = cloud.client("stepfunctions").create_state_machine(name="tunes", roleArn=role, definition=text)
    return str(made["stateMachineArn"])


def execute(cloud: TrainingCloud, machine: str, given: dict[str, Any]) -> dict[str, Any]:
    machines = cloud.client("stepfunctions")
    arn = machines.start_execution(stateMachineArn=machine, input=json.dumps(given))["executionArn"]
    wait_until(lambda: machines.describe_execution(executionArn=arn)["status"] != "RUNNING", 120, "the execution's end")
    said: dict[str, Any] = machines.describe_execution(executionArn=arn)
    return said


def test_a_state_machine_waits_for_the_best_training_job(cloud: TrainingCloud, image: str, machine: str) -> None:
    said = execute(cloud, machine, request(cloud, image, "by-machine", **limits(2, 2)))
    assert said["status"] == "SUCCEEDED", said
    output = json.loads(said["output"])
    described = describe(cloud, "by-machine")
    assert output["HyperParameterTuningJobStatus"] == "Completed"
    assert output["BestTrainingJob"]["TrainingJobName"] == described["BestTrainingJob"]["TrainingJobName"]
    assert output["CreationTime"] == int(described["CreationTime"].timestamp() * 1000)
    tags = cloud.client("sagemaker").list_tags(ResourceArn=described["HyperParameterTuningJobArn"])["Tags"]
    assert {"Key": "MANAGED_BY_AWS", "Value": "STARTED_BY_STEP_FUNCTIONS"} in tags


def test_training_jobs_that_all_fail_fail_the_search_and_its_state(
    cloud: TrainingCloud, image: str, machine: str
) -> None:
    given = request(cloud, image, "all-fail", **limits(9, 3))
    given["TrainingJobDefinition"]["StaticHyperParameters"] = {"epochs": "none"}
    said = execute(cloud, machine, given)
    assert (said["status"], said["error"]) == ("FAILED", "States.TaskFailed")
    reason = json.loads(said["cause"])["FailureReason"]
    assert reason.startswith("No training job succeeded after ") and reason.endswith("to get more details.")
    described = describe(cloud, "all-fail")
    counters = described["TrainingJobStatusCounters"]
    assert described["FailureReason"] == reason and counters["NonRetryableError"] in (5, 6, 7)
    # those that ran when the search gave up were stopped or failed by themselves
    assert sum(counters.values()) == counters["NonRetryableError"] + counters["Stopped"] < 9
    assert "BestTrainingJob" not in described
    failed = training_jobs(cloud, "all-fail", StatusEquals="Failed")[0]
    assert failed["ObjectiveStatus"] == "Failed" and failed["FailureReason"].startswith("AlgorithmError: ")
    assert training_jobs(cloud, "all-fail", SortBy="FinalObjectiveMetricValue") == []


def test_an_objective_that_no_line_shows_fails_the_search(cloud: TrainingCloud, image: str) -> None:
    silent = definition(cloud, image)
    silent["AlgorithmSpecification"]["MetricDefinitions"] = [{"Name": "loss", "Regex": "accuracy=([0-9.]+)"}]
    said = tune(cloud, "silent", config(**limits(2, 2)), silent)
    assert said["HyperParameterTuningJobStatus"] == "Failed"
    assert said["FailureReason"].startswith("No objective metrics found after running 2 training jobs.")
    assert said["ObjectiveStatusCounters"] == {"Succeeded": 0, "Pending": 0, "Failed": 2}
    assert said["TrainingJobStatusCounters"]["Completed"] == 2


def test_a_training_job_without_capacity_moves_to_the_next_instances(cloud: TrainingCloud, image: str) -> None:
    cloud.admin("settings", capacity_wait_seconds=0.1)
    cloud.admin("capacity", instance_type="ml.c5.xlarge", count=0)
    one = {"InstanceCount": 1, "VolumeSizeInGB": 10}
    configs = [{"InstanceType": "ml.c5.xlarge", **one}, {"InstanceType": "ml.m5.xlarge", **one}]
    training = definition(
        cloud,
        image,
        HyperParameterTuningResourceConfig={"InstanceConfigs": configs, "AllocationStrategy": "Prioritized"},
    )
    del training["ResourceConfig"]
    said = tune(cloud, "flexible", config(**limits(2, 2)), training)
    assert said["HyperParameterTuningJobStatus"] == "Completed"
    assert (
        said["TrainingJobStatusCounters"] | {"Completed": 2, "RetryableError": 2} == said["TrainingJobStatusCounters"]
    )
    best = cloud.describe(said["BestTrainingJob"]["TrainingJobName"])
    assert best["ResourceConfig"]["InstanceType"] == "ml.m5.xlarge"
    values = sorted(job["TunedHyperParameters"]["x"] for job in training_jobs(cloud, "flexible"))
    assert values[0] == values[1] != values[2] == values[3], "the same values, on other instances"


def test_a_search_waits_for_instances_that_others_use(cloud: TrainingCloud, image: str) -> None:
    busy = cloud.image("busy", "import time; time.sleep(2)")
    cloud.admin("quota", name="ml.c5.2xlarge for training job usage", value=1)
    resources = {"InstanceType": "ml.c5.2xlarge", "InstanceCount": 1, "VolumeSizeInGB": 10}
    cloud.client("sagemaker").create_hyper_parameter_tuning_job(
        HyperParameterTuningJobName="patient",
        HyperParameterTuningJobConfig=config(**limits(2, 1)),
        TrainingJobDefinition=definition(cloud, image, ResourceConfig=resources),
    )
    wait_until(lambda: training_jobs(cloud, "patient", StatusEquals="Completed") != [], 60, "the first training job")
    try:
        cloud.run("in-the-way", busy, ResourceConfig=resources)
    except ClientError as error:
        assert "ResourceLimitExceeded" in str(error), "the second one was faster"
    assert finished(cloud, "patient")["TrainingJobStatusCounters"]["Completed"] == 2


def test_each_status_is_announced_with_the_description_and_the_tags(cloud: TrainingCloud, image: str) -> None:
    sqs = cloud.client("sqs")
    queue = sqs.create_queue(QueueName="heard")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    policy = {"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": arn}]}
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": json.dumps({"Version": "2012-10-17", **policy})})
    pattern = {"source": ["aws.sagemaker"], "detail-type": ["SageMaker HyperParameter Tuning Job State Change"]}
    events = cloud.client("events")
    events.put_rule(Name="heard", EventPattern=json.dumps(pattern))
    events.put_targets(Rule="heard", Targets=[{"Id": "1", "Arn": arn}])
    said = tune(cloud, "announced", config(**limits(1, 1)), definition(cloud, image), Tags=[{"Key": "a", "Value": "b"}])
    bodies: list[dict[str, Any]] = []

    def both() -> bool:
        messages = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", [])
        bodies.extend(json.loads(message["Body"]) for message in messages)
        return len(bodies) >= 2

    wait_until(both, 30, "two events")
    details = [body["detail"] for body in bodies]
    assert {one["HyperParameterTuningJobStatus"] for one in details} == {"InProgress", "Completed"}
    last = next(one for one in details if one["HyperParameterTuningJobStatus"] == "Completed")
    assert last["HyperParameterTuningJobName"] == "announced" and last["Tags"] == {"a": "b"}
    assert last["BestTrainingJob"]["TrainingJobName"] == said["BestTrainingJob"]["TrainingJobName"]
    assert bodies[0]["resources"] == [said["HyperParameterTuningJobArn"]]


REFUSED: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    ({"ParameterRanges": {}}, {}, "At least one hyperparameter range must be specified"),
    ({"Strategy": "Grid"}, {}, "The Grid strategy takes CategoricalParameterRanges only, and x is in another range"),
    (
        {"Strategy": "Hyperband"},
        {"StaticHyperParameters": {}},
        "MaxResource must be specified in HyperbandStrategyConfig",
    ),
    (
        {"Strategy": "Hyperband", "TrainingJobEarlyStoppingType": "Auto"},
        {},
        "TrainingJobEarlyStoppingType must be Off with the Hyperband strategy",
    ),
    ({"StrategyConfig": {}}, {}, "StrategyConfig is for the Hyperband strategy only, and the strategy is Random"),
    ({}, {"StaticHyperParameters": {"x": "1"}}, "A hyperparameter cannot be both static and tuned: x"),
    (
        {"HyperParameterTuningJobObjective": objective("accuracy")},
        {},
        "A metric is required for this hyperparameter tuning job objective. Provide a metric in the metric",
    ),
    ({}, {"TuningObjective": objective()}, "TuningObjective is for TrainingJobDefinitions"),
    ({}, {"HyperParameterTuningResourceConfig": {}}, "Exactly one of ResourceConfig and HyperParameterTuningResource"),
    (limits(None, 2), {}, "MaxNumberOfTrainingJobs must be specified in ResourceLimits, or MaxRuntimeInSeconds"),
    (limits(1, 2), {}, "MaxParallelTrainingJobs 2 must not be greater than MaxNumberOfTrainingJobs 1"),
    (limits(40, 11), {}, "limit 'Number of parallel training jobs per hyperparameter tuning job' is 10"),
    (limits(751, 1), {}, "limit 'Number of training jobs per hyperparameter tuning job' is 750"),
    (
        limits(9, 9),
        {"ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 3, "VolumeSizeInGB": 10}},
        "a request delta of 27 Instances",
    ),
    (
        {"ParameterRanges": {"AutoParameters": [{"Name": "p", "ValueHint": "4"}]}},
        {},
        "AutoParameters need Autotune with the Mode Enabled",
    ),
    ({}, {"StoppingCondition": {"MaxRuntimeInSeconds": 29 * 86400}}, "MaxRuntimeInSeconds must be between 1 and"),
]


@pytest.mark.parametrize(("tuning", "training", "said"), REFUSED, ids=[said[:40] for *_, said in REFUSED])
def test_a_wrong_request_is_refused(
    cloud: TrainingCloud, image: str, tuning: dict[str, Any], training: dict[str, Any], said: str
) -> None:
    sagemaker = cloud.client("sagemaker")
    given = {
        "HyperParameterTuningJobConfig": config(**tuning),
        "TrainingJobDefinition": definition(cloud, image, **training),
    }
    with pytest.raises(ClientError) as refused:
        sagemaker.create_hyper_parameter_tuning_job(HyperParameterTuningJobName="wrong", **given)
    assert said in str(refused.value)


def test_a_name_is_used_once_and_parents_must_be_there(cloud: TrainingCloud, image: str) -> None:
    sagemaker = cloud.client("sagemaker")
    tune(cloud, "taken", config(**limits(1, 1)), definition(cloud, image))
    with pytest.raises(sagemaker.exceptions.ResourceInUse, match="already exists"):
        sagemaker.create_hyper_parameter_tuning_job(**request(cloud, image, "taken"))
    warm = {"ParentHyperParameterTuningJobs": [{"HyperParameterTuningJobName": "nobody"}]}
    with pytest.raises(sagemaker.exceptions.ResourceNotFound, match="can't find a tuning job called nobody"):
        sagemaker.create_hyper_parameter_tuning_job(
            **request(cloud, image, "child"), WarmStartConfig={**warm, "WarmStartType": "TransferLearning"}
        )
