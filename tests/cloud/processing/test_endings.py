"""Processing jobs that fail, are stopped, run out of time or of machines, in fair weather and in pessimistic."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.support.clouds.processing_cloud import ProcessingCloud, result, source
from tests.support.clouds.training_cloud import BUCKET, wait_until

WAITS = """
import json, signal, sys, time
def stop(*_):
    open("/opt/ml/processing/output/out/last", "w").write("x")
    sys.exit(0)
signal.signal(signal.SIGINT, stop)
open("/opt/ml/processing/output/out/first", "w").write("x")
open("/opt/ml/output/message", "w").write("on the way")
print("ready", flush=True)
time.sleep(60)
"""


@pytest.fixture(autouse=True)
def fair(cloud: ProcessingCloud) -> Iterator[None]:
    """In fair weather, with a grace that a program has time to use on a busy machine."""
    cloud.admin("settings", stop_grace_seconds=60)
    yield
    cloud.admin("weather", preset="fair")


def outputs(prefix: str, mode: str = "EndOfJob") -> dict[str, Any]:
    return {"Outputs": [result("out", prefix, mode)]}


def test_a_stopped_job_gets_sigint_and_keeps_what_it_has(cloud: ProcessingCloud) -> None:
    cloud.create("stopped", cloud.image("waits", WAITS), ProcessingOutputConfig=outputs("stopped"))
    cloud.wait_for_line("stopped", "ready")
    client = cloud.client("sagemaker")
    with pytest.raises(client.exceptions.ResourceInUse, match="is in status InProgress"):
        client.delete_processing_job(ProcessingJobName="stopped")
    client.stop_processing_job(ProcessingJobName="stopped")
    described = cloud.finished("stopped")
    assert described["ProcessingJobStatus"] == "Stopped"
    assert "FailureReason" not in described
    assert described["ExitMessage"] == "on the way"
    assert cloud.keys("stopped/") == ["stopped/first", "stopped/last"]
    with pytest.raises(ClientError, match="the processing job is in status Stopped"):
        client.stop_processing_job(ProcessingJobName="stopped")


@pytest.mark.parametrize("mode", ["EndOfJob", "Continuous"])
def test_in_pessimistic_weather_a_stop_is_a_kill_and_nothing_is_uploaded_after_it(
    cloud: ProcessingCloud, mode: str
) -> None:
    cloud.admin("weather", preset="pessimistic")
    cloud.admin("settings", checkpoint_seconds=1000)
    name = f"killed-{mode.lower()}"
    cloud.create(name, cloud.image("waits", WAITS), ProcessingOutputConfig=outputs(name, mode))
    cloud.wait_for_line(name, "ready")
    cloud.client("sagemaker").stop_processing_job(ProcessingJobName=name)
    assert cloud.finished(name)["ProcessingJobStatus"] == "Stopped"
    assert cloud.keys(f"{name}/") == []
    cloud.admin("settings", checkpoint_seconds=0.2)


def test_a_job_that_ran_out_of_time_is_stopped(cloud: ProcessingCloud) -> None:
    cloud.create(
        "slow",
        cloud.image("waits", WAITS),
        ProcessingOutputConfig=outputs("slow"),
        StoppingCondition__MaxRuntimeInSeconds=5,
    )
    described = cloud.finished("slow")
    assert (described["ProcessingJobStatus"], cloud.keys("slow/")[-1]) == ("Stopped", "slow/last")
    took = described["ProcessingEndTime"] - described["ProcessingStartTime"]
    assert took.total_seconds() >= 5


def test_a_program_that_fails_is_an_algorithm_error(cloud: ProcessingCloud) -> None:
    program = """
        import json, signal, sys, time
        open("/opt/ml/processing/output/out/half", "w").write("x")
        open("/opt/ml/output/message", "w").write("no such column")
        if json.load(open("/opt/ml/config/resourceconfig.json"))["current_host"] == "algo-2":
            sys.exit(7)
        time.sleep(60)
    """
    cloud.create(
        "fails",
        cloud.image("fails", program),
        ProcessingOutputConfig=outputs("fails"),
        ProcessingResources__ClusterConfig__InstanceCount=2,
    )
    described = cloud.finished("fails")
    assert described["ProcessingJobStatus"] == "Failed"
    assert described["FailureReason"] == "AlgorithmError: , exit code: 7"
    assert "no such column" in described["ExitMessage"]
    assert cloud.keys("fails/") == ["fails/half"]


def test_faults_on_demand(cloud: ProcessingCloud) -> None:
    image = cloud.image("waits", WAITS)
    for name in ("killed", "lost"):
        cloud.create(name, image, ProcessingOutputConfig=outputs(name))
        cloud.wait_for_line(name, "ready")
    assert set(cloud.admin("status")["processing_jobs_running"]) == {"killed", "lost"}
    with pytest.raises(AssertionError, match="no spot job"):
        cloud.admin("interrupt", job="killed")
    with pytest.raises(AssertionError, match="no such kind of job: 'tuning'; known:"):
        cloud.admin("kill", job="killed", kind="tuning")
    with pytest.raises(AssertionError, match="no training job 'killed' runs"):
        cloud.admin("kill", job="killed", kind="training")
    cloud.admin("kill", job="killed", host="algo-1")
    cloud.admin("kill", job="lost", kind="processing", hardware=True)
    killed, lost = cloud.finished("killed"), cloud.finished("lost")
    assert killed["FailureReason"] == "AlgorithmError: , exit code: 137"
    assert lost["FailureReason"].startswith("InternalServerError: We encountered an internal error.")
    assert (cloud.keys("killed/"), cloud.keys("lost/")) == (["killed/first"], [])


def test_a_visit(cloud: ProcessingCloud) -> None:
    cloud.create("visited", cloud.image("waits", WAITS), ProcessingOutputConfig=outputs("visited"))
    cloud.wait_for_line("visited", "ready")
    assert cloud.admin("visit", job="visited")["host"] == "algo-1"
    cloud.admin("kill", job="visited")
    cloud.finished("visited")


def test_data_that_is_not_there_fails_the_job(cloud: ProcessingCloud) -> None:
    cloud.create("nothing", cloud.image("quick", ""), ProcessingInputs=[source("data", "nothing/here")])
    described = cloud.finished("nothing")
    assert described["ProcessingJobStatus"] == "Failed"
    assert described["FailureReason"].startswith(
        f'ClientError: No S3 objects found under S3 URL "s3://{BUCKET}/nothing/here" given in input data source.'
    )


@pytest.mark.parametrize("mode", ["EndOfJob", "Continuous"])
def test_an_output_that_cannot_be_uploaded_is_not_called_completed(cloud: ProcessingCloud, mode: str) -> None:
    output = result("out", "x", mode)
    output["S3Output"]["S3Uri"] = "s3://no-such-bucket-anywhere/x"
    name = f"nowhere-{mode.lower()}"
    program = "open('/opt/ml/processing/output/out/a', 'w').write('x')"
    cloud.create(name, cloud.image("one-file", program), ProcessingOutputConfig={"Outputs": [output]})
    described = cloud.finished(name)
    assert described["ProcessingJobStatus"] == "Failed"
    assert "NoSuchBucket" in described["FailureReason"]


def test_instances_in_the_order_of_preference(cloud: ProcessingCloud) -> None:
    cloud.admin("capacity", instance_type="ml.m5.xlarge", count=0)
    cloud.admin("settings", capacity_wait_seconds=0.5)
    cluster = {
        "VolumeSizeInGB": 1,
        "InstancePreferences": [
            {"InstanceType": "ml.m5.xlarge", "InstanceCount": 1},
            {"InstanceType": "ml.m5.large", "InstanceCount": 2},
        ],
    }
    image = cloud.image("hosts", "print(open('/opt/ml/config/resourceconfig.json').read())")
    cloud.create("second-choice", image, ProcessingResources={"ClusterConfig": cluster})
    described = cloud.finished("second-choice")
    assert described["ProcessingJobStatus"] == "Completed", described.get("FailureReason")
    chosen = described["ProcessingResources"]["ClusterConfig"]
    assert (chosen["SelectedInstanceType"], chosen["SelectedInstanceCount"]) == ("ml.m5.large", 2)
    assert cloud.said("second-choice", "algo-2")["hosts"] == ["algo-1", "algo-2"]
    cloud.create("no-choice", image, ProcessingResources__ClusterConfig__InstanceType="ml.m5.xlarge")
    assert cloud.finished("no-choice")["FailureReason"].startswith("CapacityError: Unable to provision")
    cloud.admin("capacity", instance_type="ml.m5.xlarge")


def test_each_change_is_an_event(cloud: ProcessingCloud) -> None:
    sqs, events = cloud.client("sqs"), cloud.client("events")
    queue = sqs.create_queue(QueueName="changes")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    principal = {"Service": "events.amazonaws.com"}
    statement = {"Effect": "Allow", "Principal": principal, "Action": "sqs:SendMessage", "Resource": arn}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": policy})
    pattern = {"source": ["aws.sagemaker"], "detail-type": ["SageMaker Processing Job State Change"]}
    events.put_rule(Name="changes", EventPattern=json.dumps(pattern))
    events.put_targets(Rule="changes", Targets=[{"Id": "queue", "Arn": arn}])
    cloud.create("announced", cloud.image("quick", ""), Environment={"A": "1"}, Tags=[{"Key": "k", "Value": "v"}])
    cloud.finished("announced")
    heard: list[dict[str, Any]] = []

    def both() -> bool:
        for message in sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", []):
            heard.append(json.loads(message["Body"]))
        return len(heard) >= 2

    wait_until(both, 20, "two events")
    assert [event["detail"]["ProcessingJobStatus"] for event in heard] == ["InProgress", "Completed"]
    last = heard[-1]
    assert last["resources"] == [last["detail"]["ProcessingJobArn"]]
    assert (last["detail"]["ProcessingJobName"], last["detail"]["Tags"]) == ("announced", {"k": "v"})
    assert isinstance(last["detail"]["ProcessingEndTime"], int)
