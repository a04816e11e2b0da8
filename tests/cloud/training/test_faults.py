"""What goes wrong with a job, by itself or on demand, and how the service says it."""

import json
import os
import signal
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.clouds.training_cloud import TrainingCloud, wait_until
from tests.support.clouds.training_programs import POLITE, statuses


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
        if socket.gethostname() == "algo-2":
            while True:
                try:
                    socket.create_connection(("algo-1", 7777), 5)
                    sys.exit(5)
                except OSError:
                    time.sleep(0.05)
        signal.signal(signal.SIGTERM, lambda *_: (print("asked to stop", flush=True), sys.exit(0)))
        server = socket.create_server(("algo-1", 7777))  # tells algo-2 that signals are heard here
        time.sleep(60)
        """,
    )
    described = cloud.run("one-fails", image, ResourceConfig__InstanceCount=2)
    assert described["FailureReason"] == "AlgorithmError: , exit code: 5"
    assert cloud.lines("one-fails")["algo-1"] == ["asked to stop"]


def test_a_command_that_is_not_there(cloud: TrainingCloud) -> None:
    image = cloud.image("well", "")
    spec = {"TrainingImage": image, "TrainingInputMode": "File", "ContainerEntrypoint": ["/no/such/program"]}
    described = cloud.run("no-program", image, AlgorithmSpecification=spec)
    assert described["FailureReason"] == "AlgorithmError: , exit code: 127"
    assert "cannot run '/no/such/program'" in cloud.lines("no-program")["algo-1"][0]


@pytest.fixture(params=["fair", "pessimistic"])
def weather(request: pytest.FixtureRequest, cloud: TrainingCloud) -> Iterator[str]:
    cloud.admin("weather", preset=request.param)
    yield request.param
    cloud.admin("weather", preset="fair")


def test_kill_of_one_host(cloud: TrainingCloud, weather: str) -> None:
    name = f"killed-{weather}"
    cloud.create(name, cloud.image("polite", POLITE), ResourceConfig__InstanceCount=2)
    for host in ("algo-1", "algo-2"):
        # The first process of a container does not get a signal that it has no handler for yet
        cloud.wait_for_line(name, "ready", host)
    with pytest.raises(AssertionError, match=f"no such host: 'algo-3'; {name} has algo-1, algo-2"):
        cloud.admin("kill", job=name, host="algo-3")
    cloud.admin("kill", job=name, host="algo-2")
    described = cloud.finished(name)
    assert described["FailureReason"] == "AlgorithmError: , exit code: 137"
    assert cloud.lines(name)["algo-1"][-1] == "saved"


def test_a_machine_that_breaks_is_an_internal_error_and_can_be_retried(cloud: TrainingCloud, weather: str) -> None:
    image, broken, retried = cloud.image("polite", POLITE), f"broken-{weather}", f"retried-{weather}"
    cloud.create(broken, image)
    cloud.wait_for_line(broken, "ready")
    cloud.admin("kill", job=broken, hardware=True)
    described = cloud.finished(broken)
    assert described["FailureReason"].startswith("InternalServerError: We encountered an internal error.")

    cloud.create(retried, image, RetryStrategy={"MaximumRetryAttempts": 1})
    cloud.wait_for_line(retried, "ready")
    cloud.admin("kill", job=retried, hardware=True)
    cloud.wait_for_status(retried, "Restarting")
    wait_until(lambda: statuses(cloud.describe(retried)).count("Training") == 2, 20, "the second attempt")
    cloud.wait_for_line(retried, "ready")
    cloud.client("sagemaker").stop_training_job(TrainingJobName=retried)
    assert cloud.finished(retried)["TrainingJobStatus"] == "Stopped"


def test_a_cluster_that_is_repaired_starts_the_same_job_again(cloud: TrainingCloud) -> None:
    """After a GPU's error, without any retry strategy: SageMaker AI developer guide, cluster repairs."""
    cloud.create("mended", cloud.image("polite", POLITE))
    cloud.wait_for_line("mended", "ready")
    cloud.admin("kill", job="mended", hardware=True, repaired=True)
    wait_until(lambda: statuses(cloud.describe("mended")).count("Training") == 2, 20, "the start after the repair")
    said = [step["StatusMessage"] for step in cloud.describe("mended")["SecondaryStatusTransitions"]]
    assert "Repairing training cluster due to hardware failure" in said
    cloud.wait_for_line("mended", "ready")
    cloud.client("sagemaker").stop_training_job(TrainingJobName="mended")
    assert cloud.finished("mended")["TrainingJobStatus"] == "Stopped"


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


@pytest.mark.cells
def test_an_environment_that_cannot_be_made(cloud: TrainingCloud) -> None:
    image = cloud.image("unmakable", "", requirements="/no/such/package.whl\n")
    described = cloud.run("unmakable", image)
    assert "ClientError: The image's environment cannot be made" in described["FailureReason"]
    assert "unmakable/requirements.txt: package.whl is not a valid wheel" in described["FailureReason"]
    environments = cloud.folder / "cache" / "shardyard" / "environments"
    assert all((folder / ".complete").exists() for folder in environments.iterdir() if folder.is_dir())


@pytest.mark.cells
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
