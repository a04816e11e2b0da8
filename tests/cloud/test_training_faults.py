"""What goes wrong with a job, by itself or on demand, and how the service says it."""

import json
import os
import signal
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.cloud.training_cloud import BUCKET, TrainingCloud, training_cloud, wait_until


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TrainingCloud]:
    with training_cloud(tmp_path_factory.mktemp("cloud")) as running:
        yield running


def statuses(described: dict[str, Any]) -> list[str]:
    return [entry["Status"] for entry in described["SecondaryStatusTransitions"]]


def test_a_job_that_goes_well_passes_through_all_statuses(cloud: TrainingCloud) -> None:
    described = cloud.run("well", cloud.image("well", "import time; time.sleep(1.2)"))
    assert statuses(described) == ["Starting", "Downloading", "Training", "Uploading", "Completed"]
    transitions = described["SecondaryStatusTransitions"]
    assert all(entry["StartTime"] <= entry["EndTime"] for entry in transitions)
    ends = [entry["EndTime"] for entry in transitions[:-1]]
    assert ends == [entry["StartTime"] for entry in transitions[1:]]
    assert described["CreationTime"] <= described["TrainingStartTime"] <= described["TrainingEndTime"]
    assert described["TrainingTimeInSeconds"] == described["BillableTimeInSeconds"] >= 1
    assert "FailureReason" not in described


def test_the_failure_file_and_the_exit_code_make_the_reason(cloud: TrainingCloud) -> None:
    image = cloud.image(
        "failing",
        """
        import os, sys
        os.makedirs("/opt/ml/output", exist_ok=True)
        open("/opt/ml/output/failure", "w").write("x" * 2000)
        open("/opt/ml/output/data/trace", "w").write("trace")
        open("/opt/ml/model/half", "w").write("half")
        sys.exit(3)
        """,
    )
    described = cloud.run("failing", image)
    assert described["TrainingJobStatus"] == described["SecondaryStatus"] == "Failed"
    assert described["FailureReason"] == "AlgorithmError: " + "x" * 1024 + ", exit code: 3"
    assert "ModelArtifacts" not in described
    assert cloud.keys("out/failing/") == ["out/failing/output/output.tar.gz"]
    silent = cloud.run("silent", cloud.image("silent", "raise SystemExit(7)"))
    assert silent["FailureReason"] == "AlgorithmError: , exit code: 7"


def test_when_one_node_fails_the_others_are_stopped(cloud: TrainingCloud) -> None:
    image = cloud.image(
        "one-fails",
        """
        import signal, socket, sys, time
        signal.signal(signal.SIGTERM, lambda *_: (print("asked to stop", flush=True), sys.exit(0)))
        if socket.gethostname() == "algo-2":
            time.sleep(5)  # until the other one listens to signals
            sys.exit(5)
        time.sleep(60)
        """,
    )
    began = time.monotonic()
    described = cloud.run("one-fails", image, ResourceConfig__InstanceCount=2)
    assert described["FailureReason"] == "AlgorithmError: , exit code: 5"
    assert cloud.lines("one-fails")["algo-1"] == ["asked to stop"]
    assert time.monotonic() - began < 60


def test_a_command_that_is_not_there(cloud: TrainingCloud) -> None:
    image = cloud.image("well", "")
    spec = {"TrainingImage": image, "TrainingInputMode": "File", "ContainerEntrypoint": ["/no/such/program"]}
    described = cloud.run("no-program", image, AlgorithmSpecification=spec)
    assert described["FailureReason"] == "AlgorithmError: , exit code: 127"
    assert "cannot run '/no/such/program'" in cloud.lines("no-program")["algo-1"][0]


POLITE = """
import signal, sys, time
def stop(*_):
    open("/opt/ml/model/saved", "w").write("saved")
    print("saved", flush=True)
    sys.exit(0)
signal.signal(signal.SIGTERM, stop)
print("ready", flush=True)
time.sleep(60)
"""
STUBBORN = """
import signal, time
signal.signal(signal.SIGTERM, lambda *_: print("not now", flush=True))
print("ready", flush=True)
while True:
    time.sleep(1)
"""


def test_stop_gives_time_to_save(cloud: TrainingCloud) -> None:
    cloud.create("polite", cloud.image("polite", POLITE))
    cloud.wait_for_line("polite", "ready")
    cloud.client("sagemaker").stop_training_job(TrainingJobName="polite")
    assert cloud.describe("polite")["TrainingJobStatus"] in ("Stopping", "Stopped")
    described = cloud.finished("polite")
    assert described["TrainingJobStatus"] == described["SecondaryStatus"] == "Stopped"
    assert statuses(described) == ["Starting", "Downloading", "Training", "Stopping", "Uploading", "Stopped"]
    assert cloud.lines("polite")["algo-1"] == ["ready", "saved"]
    assert described["ModelArtifacts"]["S3ModelArtifacts"].endswith("polite/output/model.tar.gz")


def test_stop_kills_what_does_not_end_within_the_grace(cloud: TrainingCloud) -> None:
    cloud.create("stubborn", cloud.image("stubborn", STUBBORN), ResourceConfig__InstanceCount=2)
    cloud.wait_for_line("stubborn", "ready")
    cloud.wait_for_line("stubborn", "ready", "algo-2")
    began = time.monotonic()
    cloud.client("sagemaker").stop_training_job(TrainingJobName="stubborn")
    described = cloud.finished("stubborn")
    assert described["TrainingJobStatus"] == "Stopped"
    assert 3 <= time.monotonic() - began < 60
    assert cloud.lines("stubborn")["algo-2"] == ["ready", "not now"]


def test_process_1_without_a_handler_does_not_hear_sigterm(cloud: TrainingCloud) -> None:
    """As in a container: the kernel gives process 1 only the signals that it asked for."""
    cloud.create("deaf", cloud.image("deaf", "import time; print('ready', flush=True); time.sleep(60)"))
    cloud.wait_for_line("deaf", "ready")
    began = time.monotonic()
    cloud.client("sagemaker").stop_training_job(TrainingJobName="deaf")
    cloud.finished("deaf")
    assert time.monotonic() - began >= 3


def test_max_runtime(cloud: TrainingCloud) -> None:
    described = cloud.run("overtime", cloud.image("polite", POLITE), StoppingCondition={"MaxRuntimeInSeconds": 1})
    assert described["TrainingJobStatus"] == "Stopped"
    assert described["SecondaryStatus"] == "MaxRuntimeExceeded"
    assert cloud.lines("overtime")["algo-1"][-1] == "saved"
    assert "ModelArtifacts" in described


RESUMING = """
import os, signal, sys, time
path = "/opt/ml/checkpoints/step"
step = int(open(path).read()) if os.path.exists(path) else 0
print(f"from {step}", flush=True)
def stop(*_):
    open(path, "w").write(str(step))
    sys.exit(75)
signal.signal(signal.SIGTERM, stop)
while step < 10 or not step > int(os.environ["UNTIL"]):
    step += 1
    if step == 5 and not os.path.exists(path):
        print("five", flush=True)
        time.sleep(60)
print("done", flush=True)
"""


def spot(cloud: TrainingCloud, max_wait: int = 100, **fields: Any) -> dict[str, Any]:
    return {
        "EnableManagedSpotTraining": True,
        "StoppingCondition": {"MaxRuntimeInSeconds": 50, "MaxWaitTimeInSeconds": max_wait},
        **fields,
    }


def test_a_spot_interruption_and_the_way_back(cloud: TrainingCloud) -> None:
    config = {"S3Uri": f"s3://{BUCKET}/spot"}
    image = cloud.image("resuming", RESUMING)
    cloud.create("spot", image, **spot(cloud, CheckpointConfig=config, Environment={"UNTIL": "0"}))
    cloud.wait_for_line("spot", "five")
    cloud.admin("interrupt", job="spot")
    described = cloud.finished("spot")
    assert described["TrainingJobStatus"] == "Completed", described.get("FailureReason")
    assert statuses(described) == [
        *("Starting", "Downloading", "Training", "Interrupted"),
        *("Starting", "Downloading", "Training", "Uploading", "Completed"),
    ]
    assert cloud.lines("spot")["algo-1"] == ["from 5", "done"], "the second attempt has a stream of its own"
    assert described["EnableManagedSpotTraining"] is True
    assert described["BillableTimeInSeconds"] <= described["TrainingTimeInSeconds"]
    streams = cloud.client("logs").describe_log_streams(
        logGroupName="/aws/sagemaker/TrainingJobs", logStreamNamePrefix="spot/"
    )["logStreams"]
    assert len(streams) == 2


def test_an_interruption_that_is_not_heeded_loses_what_was_not_sent(cloud: TrainingCloud) -> None:
    image = cloud.image(
        "heedless",
        """
        import os, signal, sys, time
        root = "/opt/ml/checkpoints"
        if os.path.exists(root + "/first"):
            print(sorted(os.listdir(root)), flush=True)
            sys.exit(0)
        def late(*_):
            time.sleep(2.9)
            while True:
                open(root + "/late", "a").write("x")
        signal.signal(signal.SIGTERM, late)
        open(root + "/first", "w").write("x")
        print("ready", flush=True)
        time.sleep(60)
        """,
    )
    config = {"S3Uri": f"s3://{BUCKET}/heedless"}
    cloud.create("heedless", image, **spot(cloud, CheckpointConfig=config))
    cloud.wait_for_line("heedless", "ready")
    wait_until(lambda: cloud.keys("heedless/") == ["heedless/first"], 10, "the first checkpoint")
    cloud.admin("settings", checkpoint_seconds=30)
    cloud.admin("interrupt", job="heedless")
    described = cloud.finished("heedless")
    cloud.admin("settings", checkpoint_seconds=0.2)
    assert described["TrainingJobStatus"] == "Completed"
    assert "Interrupted" in statuses(described)


def test_only_spot_jobs_can_be_interrupted(cloud: TrainingCloud) -> None:
    cloud.create("on-demand", cloud.image("polite", POLITE))
    with pytest.raises(AssertionError, match="on-demand is no spot job"):
        cloud.admin("interrupt", job="on-demand")
    with pytest.raises(AssertionError, match="no training job 'nothing' runs"):
        cloud.admin("interrupt", job="nothing")
    cloud.client("sagemaker").stop_training_job(TrainingJobName="on-demand")
    cloud.finished("on-demand")


def test_kill_of_one_host(cloud: TrainingCloud) -> None:
    cloud.create("killed", cloud.image("polite", POLITE), ResourceConfig__InstanceCount=2)
    cloud.wait_for_line("killed", "ready", "algo-2")
    with pytest.raises(AssertionError, match="no such host: 'algo-3'; killed has algo-1, algo-2"):
        cloud.admin("kill", job="killed", host="algo-3")
    cloud.admin("kill", job="killed", host="algo-2")
    described = cloud.finished("killed")
    assert described["FailureReason"] == "AlgorithmError: , exit code: 137"
    assert cloud.lines("killed")["algo-1"][-1] == "saved"


def test_a_machine_that_breaks_is_an_internal_error_and_can_be_retried(cloud: TrainingCloud) -> None:
    image = cloud.image("polite", POLITE)
    cloud.create("broken", image)
    cloud.wait_for_line("broken", "ready")
    cloud.admin("kill", job="broken", hardware=True)
    described = cloud.finished("broken")
    assert described["FailureReason"].startswith("InternalServerError: We encountered an internal error.")

    cloud.create("retried", image, RetryStrategy={"MaximumRetryAttempts": 1})
    cloud.wait_for_line("retried", "ready")
    cloud.admin("kill", job="retried", hardware=True)
    cloud.wait_for_status("retried", "Restarting")
    wait_until(lambda: statuses(cloud.describe("retried")).count("Training") == 2, 20, "the second attempt")
    cloud.wait_for_line("retried", "ready")
    cloud.client("sagemaker").stop_training_job(TrainingJobName="retried")
    assert cloud.finished("retried")["TrainingJobStatus"] == "Stopped"


def test_no_capacity(cloud: TrainingCloud) -> None:
    image = cloud.image("well", "")
    cloud.admin("capacity", instance_type="ml.p5.48xlarge", count=0)
    cloud.admin("settings", capacity_wait_seconds=0.3)
    cloud.admin("quota", name="ml.p5.48xlarge for training job usage", value=10)
    cloud.admin("quota", name="ml.p5.48xlarge for spot training job usage", value=10)
    described = cloud.run("no-capacity", image, ResourceConfig__InstanceType="ml.p5.48xlarge")
    assert described["FailureReason"].startswith("CapacityError: Unable to provision requested ML compute capacity")
    assert statuses(described) == ["Starting", "Failed"]
    assert "TrainingTimeInSeconds" not in described

    waited = cloud.run("max-wait", image, **spot(cloud, 2, ResourceConfig__InstanceType="ml.p5.48xlarge") | _short())
    assert waited["TrainingJobStatus"] == "Stopped"
    assert waited["SecondaryStatus"] == "MaxWaitTimeExceeded"

    preferences = [{"InstanceType": "ml.p5.48xlarge"}, {"InstanceType": "ml.m5.large"}]
    config = {"InstancePreferences": preferences, "InstanceCount": 1, "VolumeSizeInGB": 10}
    image = cloud.image("type", "import json; print(open('/opt/ml/input/config/resourceconfig.json').read())")
    chosen = cloud.run("preferences", image, ResourceConfig=config)
    assert chosen["TrainingJobStatus"] == "Completed"
    assert cloud.said("preferences")["current_instance_type"] == "ml.m5.large"
    cloud.admin("capacity", instance_type="ml.p5.48xlarge")


def _short() -> dict[str, Any]:
    return {"StoppingCondition": {"MaxRuntimeInSeconds": 1, "MaxWaitTimeInSeconds": 1}}


def test_a_job_waits_for_capacity_that_comes_back(cloud: TrainingCloud) -> None:
    cloud.admin("settings", capacity_wait_seconds=20)
    cloud.admin("capacity", instance_type="ml.m5.xlarge", count=1)
    image = cloud.image("polite", POLITE)
    small = {"ResourceConfig__InstanceType": "ml.m5.xlarge"}
    cloud.create("first", image, **small)
    cloud.wait_for_line("first", "ready")
    cloud.create("second", image, **small)

    def message() -> str:
        text: str = cloud.describe("second")["SecondaryStatusTransitions"][-1]["StatusMessage"]
        return text

    wait_until(lambda: "Insufficient capacity" in message(), 10, "the word about capacity")
    cloud.client("sagemaker").stop_training_job(TrainingJobName="first")
    cloud.wait_for_line("second", "ready")
    cloud.client("sagemaker").stop_training_job(TrainingJobName="second")
    cloud.finished("second")
    cloud.admin("capacity", instance_type="ml.m5.xlarge")


def test_quotas_are_enforced_in_the_service_s_words(cloud: TrainingCloud) -> None:
    name = "ml.m5.4xlarge for training job usage"
    cloud.admin("quota", name=name, value=1)
    sagemaker = cloud.client("sagemaker")
    with pytest.raises(sagemaker.exceptions.ResourceLimitExceeded) as caught:
        cloud.create(
            "too-many",
            cloud.image("well", ""),
            ResourceConfig={"InstanceType": "ml.m5.4xlarge", "InstanceCount": 2, "VolumeSizeInGB": 1},
        )
    assert caught.value.response["Error"]["Message"] == (
        f"The account-level service limit '{name}' is 1 Instances, with current utilization of 0 Instances and a "
        "request delta of 2 Instances. Please use AWS Service Quotas to request an increase for this quota. If AWS "
        "Service Quotas is not available, contact AWS support to request an increase for this quota."
    )
    with pytest.raises(sagemaker.exceptions.ClientError, match="Requested resource not found"):
        cloud.describe("too-many")


def test_a_role_without_rights_fails_the_job_and_not_the_cloud(cloud: TrainingCloud) -> None:
    missing = cloud.run(
        "no-bucket", cloud.image("well", ""), OutputDataConfig={"S3OutputPath": "s3://no-such-bucket/out"}
    )
    assert missing["FailureReason"].startswith("ClientError:")
    assert "NoSuchBucket" in missing["FailureReason"]


def test_an_image_that_nobody_pushed(cloud: TrainingCloud) -> None:
    described = cloud.run("unpushed", cloud.uri("unpushed"))
    assert described["FailureReason"].startswith("ClientError: Cannot pull the image")
    assert "yard image push unpushed" in described["FailureReason"]


def test_an_environment_that_cannot_be_made(cloud: TrainingCloud) -> None:
    image = cloud.image("unmakable", "", requirements="/no/such/package.whl\n")
    described = cloud.run("unmakable", image)
    assert "ClientError: The image's environment cannot be made" in described["FailureReason"]
    assert "/no/such/package.whl" in described["FailureReason"]
    environments = cloud.folder / "cache" / "shardyard" / "environments"
    assert all((folder / ".complete").exists() for folder in environments.iterdir() if folder.is_dir())


def test_a_cell_that_is_killed_takes_its_nodes_along(cloud: TrainingCloud) -> None:
    cloud.create("cell", cloud.image("polite", POLITE), ResourceConfig__InstanceCount=2)
    cloud.wait_for_line("cell", "ready", "algo-2")
    below = cloud.descendants()
    (cell,) = [pid for pid in below if _parent(pid) == cloud.process.pid]
    os.kill(cell, signal.SIGKILL)
    described = cloud.finished("cell")
    assert described["FailureReason"] == "AlgorithmError: , exit code: 137"
    wait_until(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in below), 10, "the end of all processes")


def _parent(pid: int) -> int:
    with open(f"/proc/{pid}/stat") as stat:
        return int(stat.read().rpartition(")")[2].split()[1])


def test_state_changes_are_events(cloud: TrainingCloud) -> None:
    sqs, events = cloud.client("sqs"), cloud.client("events")
    queue = sqs.create_queue(QueueName="states")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    pattern = {"source": ["aws.sagemaker"], "detail-type": ["SageMaker Training Job State Change"]}
    rule = events.put_rule(Name="states", EventPattern=json.dumps(pattern))["RuleArn"]
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "events.amazonaws.com"},
                "Action": "sqs:SendMessage",
                "Resource": arn,
                "Condition": {"ArnEquals": {"aws:SourceArn": rule}},
            }
        ],
    }
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": json.dumps(policy)})
    events.put_targets(Rule="states", Targets=[{"Id": "queue", "Arn": arn}])
    cloud.run("announced", cloud.image("well", ""))
    seen: dict[str, dict[str, Any]] = {}

    def completed() -> bool:
        for message in sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", []):
            event = json.loads(message["Body"])
            seen[event["detail"]["SecondaryStatus"]] = event
        return "Completed" in seen

    wait_until(completed, 10, "the event of the end")
    assert {"Starting", "Downloading", "Training", "Uploading", "Completed"} <= set(seen)
    last = seen["Completed"]
    assert last["resources"] == [last["detail"]["TrainingJobArn"]]
    assert last["detail"]["TrainingJobName"] == "announced"
    assert isinstance(last["detail"]["CreationTime"], int)
