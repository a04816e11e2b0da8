"""Each condition of the weather, as a job meets it."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.clouds.training_cloud import BUCKET, TrainingCloud, wait_until
from tests.support.clouds.training_programs import POLITE, RESUMING, spot, statuses

LATE = """
import signal, sys, time
def stop(*_):
    open("/opt/ml/checkpoints/late", "w").write("saved")
    sys.exit(0)
signal.signal(signal.SIGTERM, stop)
print("ready", flush=True)
time.sleep(60)
"""


@pytest.fixture(autouse=True)
def fair(cloud: TrainingCloud) -> Iterator[None]:
    """Whatever a test makes of it, the next one begins in fair weather."""
    yield
    cloud.admin("weather", preset="fair")
    cloud.admin("settings", checkpoint_seconds=0.2)


@pytest.mark.parametrize(("last_sync", "kept"), [("after_end", ["late/late"]), ("never", [])])
def test_what_is_written_last_reaches_s3_only_by_a_last_copy(
    cloud: TrainingCloud, last_sync: str, kept: list[str]
) -> None:
    cloud.admin("weather", last_sync=last_sync)
    cloud.admin("settings", checkpoint_seconds=1000)
    name = f"late-{last_sync.replace('_', '-')}"
    cloud.create(name, cloud.image("late", LATE), CheckpointConfig={"S3Uri": f"s3://{BUCKET}/late"})
    cloud.wait_for_line(name, "ready")
    cloud.client("sagemaker").stop_training_job(TrainingJobName=name)
    assert cloud.finished(name)["TrainingJobStatus"] == "Stopped"
    assert cloud.keys("late/") == kept
    cloud.client("s3").delete_object(Bucket=BUCKET, Key="late/late")


def test_a_deletion_on_a_node_is_one_in_s3(cloud: TrainingCloud) -> None:
    cloud.admin("weather", deletions="carried", deletion_lag_seconds=0.1)
    cloud.put("deleted/old", "from an earlier job")
    program = """
        import os, time
        root = "/opt/ml/checkpoints"
        os.remove(root + "/old")
        open(root + "/new", "w").write("x")
        while not os.path.exists(root + "/go"):
            time.sleep(0.05)
    """
    cloud.create("deletes", cloud.image("deletes", program), CheckpointConfig={"S3Uri": f"s3://{BUCKET}/deleted"})
    wait_until(lambda: cloud.keys("deleted/") == ["deleted/new"], 20, "the deletion in S3")
    (folder,) = cloud.work.glob("*/algo-1/ml/checkpoints")
    (folder / "go").touch()
    assert cloud.finished("deletes")["TrainingJobStatus"] == "Completed"


def test_a_slow_upload_is_not_there_when_a_short_job_ends(cloud: TrainingCloud) -> None:
    cloud.admin("weather", last_sync="never", upload_bytes_per_second=1000)
    program = """
        import time
        open("/opt/ml/checkpoints/large", "wb").write(bytes(100_000))
        time.sleep(1)
    """
    described = cloud.run("slow", cloud.image("slow", program), CheckpointConfig={"S3Uri": f"s3://{BUCKET}/slow"})
    assert described["TrainingJobStatus"] == "Completed"
    assert cloud.keys("slow/") == []


def test_a_change_is_announced_twice_and_late(cloud: TrainingCloud) -> None:
    cloud.admin("weather", training_events="doubled", event_delay_seconds=1)
    sqs, events = cloud.client("sqs"), cloud.client("events")
    queue = sqs.create_queue(QueueName="changes")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    pattern = {"source": ["aws.sagemaker"], "detail": {"TrainingJobStatus": ["Completed"]}}
    events.put_rule(Name="changes", EventPattern=json.dumps(pattern))
    principal = {"Service": "events.amazonaws.com"}
    statement = {"Effect": "Allow", "Principal": principal, "Action": "sqs:SendMessage", "Resource": arn}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": policy})
    events.put_targets(Rule="changes", Targets=[{"Id": "queue", "Arn": arn}])
    cloud.run("twice", cloud.image("quick", ""))
    assert "Messages" not in sqs.receive_message(QueueUrl=queue), "the announcement is late"
    seen: list[dict[str, Any]] = []

    def twice() -> bool:
        found = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", [])
        seen.extend(json.loads(message["Body"])["detail"] for message in found)
        return len(seen) == 2

    wait_until(twice, 10, "the second announcement")
    assert seen[0] == seen[1]


def test_a_container_need_not_be_called_algo(cloud: TrainingCloud) -> None:
    cloud.admin("settings", isolation="auto")
    cloud.admin("weather", hostnames="random")
    program = """
        import json, os, socket
        config = json.load(open("/opt/ml/input/config/resourceconfig.json"))
        names = [socket.gethostname(), os.environ["HOSTNAME"], open("/etc/hostname").read().strip()]
        print(json.dumps([names, config["current_host"], [socket.gethostbyname(host) for host in config["hosts"]]]))
    """
    cloud.run("named", cloud.image("named", program), ResourceConfig__InstanceCount=2)
    said = {host: cloud.said("named", host) for host in ("algo-1", "algo-2")}
    for host, (names, current, addresses) in said.items():
        assert len(set(names)) == 1 and not names[0].startswith("algo")
        assert current == host and len(set(addresses)) == 2
    assert said["algo-1"][0] != said["algo-2"][0]


def test_spot_capacity_goes_without_a_word(cloud: TrainingCloud) -> None:
    cloud.admin("weather", spot_notice="none")
    config = {"S3Uri": f"s3://{BUCKET}/sudden"}
    image = cloud.image("resuming", RESUMING)
    cloud.create("sudden", image, **spot(CheckpointConfig=config, Environment={"UNTIL": "0"}))
    cloud.wait_for_line("sudden", "five")
    cloud.admin("interrupt", job="sudden")
    wait_until(lambda: statuses(cloud.describe("sudden")).count("Training") == 2, 20, "the second attempt")
    cloud.wait_for_line("sudden", "five")
    assert cloud.lines("sudden")["algo-1"][0] == "from 0", "the program was not asked to save"
    cloud.client("sagemaker").stop_training_job(TrainingJobName="sudden")
    assert cloud.finished("sudden")["TrainingJobStatus"] == "Stopped"


def test_spot_capacity_that_never_comes_is_waited_for_and_no_other_job_waits(cloud: TrainingCloud) -> None:
    cloud.admin("weather", spot_capacity="never")
    limits = {"MaxRuntimeInSeconds": 1, "MaxWaitTimeInSeconds": 2}
    cloud.create("waits", cloud.image("polite", POLITE), EnableManagedSpotTraining=True, StoppingCondition=limits)
    assert cloud.run("on-demand", cloud.image("quick", ""))["TrainingJobStatus"] == "Completed"
    described = cloud.finished("waits")
    assert (described["TrainingJobStatus"], described["SecondaryStatus"]) == ("Stopped", "MaxWaitTimeExceeded")
    assert "TrainingStartTime" not in described


def test_the_status_shows_the_weather_and_a_wrong_condition_is_refused(cloud: TrainingCloud) -> None:
    assert cloud.admin("status")["weather"] == "fair"
    assert cloud.admin("weather", preset="pessimistic")["weather"] == "pessimistic"
    with pytest.raises(AssertionError, match="no such weather: 'awful'; known: fair, pessimistic"):
        cloud.admin("weather", preset="awful")
    assert cloud.admin("status")["weather"] == "pessimistic"
