"""How a job is stopped, runs out of time or is interrupted, and what it has saved by then."""

import pytest

from tests.support.clouds.training_cloud import BUCKET, LOG_GROUP, TrainingCloud, wait_until
from tests.support.clouds.training_programs import POLITE, RESUMING, STUBBORN, seconds_in, spot, statuses


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
    cloud.client("sagemaker").stop_training_job(TrainingJobName="stubborn")
    described = cloud.finished("stubborn")
    assert described["TrainingJobStatus"] == "Stopped"
    assert seconds_in(described, "Stopping") >= 3
    assert cloud.lines("stubborn")["algo-2"] == ["ready", "not now"]


def test_process_1_without_a_handler_does_not_hear_sigterm(cloud: TrainingCloud) -> None:
    """As in a container: the kernel gives process 1 only the signals that it asked for."""
    cloud.create("deaf", cloud.image("deaf", "import time; print('ready', flush=True); time.sleep(60)"))
    cloud.wait_for_line("deaf", "ready")
    cloud.client("sagemaker").stop_training_job(TrainingJobName="deaf")
    assert seconds_in(cloud.finished("deaf"), "Stopping") >= 3


def test_max_runtime(cloud: TrainingCloud) -> None:
    described = cloud.run("overtime", cloud.image("polite", POLITE), StoppingCondition={"MaxRuntimeInSeconds": 1})
    assert described["TrainingJobStatus"] == "Stopped"
    assert described["SecondaryStatus"] == "MaxRuntimeExceeded"
    assert cloud.lines("overtime")["algo-1"][-1] == "saved"
    assert "ModelArtifacts" in described


def test_a_spot_interruption_and_the_way_back(cloud: TrainingCloud) -> None:
    config = {"S3Uri": f"s3://{BUCKET}/spot"}
    image = cloud.image("resuming", RESUMING)
    cloud.create("spot", image, **spot(CheckpointConfig=config, Environment={"UNTIL": "0"}))
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
    streams = cloud.client("logs").describe_log_streams(logGroupName=LOG_GROUP, logStreamNamePrefix="spot/")[
        "logStreams"
    ]
    assert len(streams) == 2


def test_an_interruption_that_is_not_heeded_loses_what_was_not_sent(cloud: TrainingCloud) -> None:
    image = cloud.image(
        "heedless",
        """
        import os, signal, time
        root = "/opt/ml/checkpoints"
        signal.signal(signal.SIGTERM, lambda *_: open(root + "/late", "w").write("x"))
        print(sorted(os.listdir(root)), flush=True)
        while True:
            time.sleep(1)
        """,
    )
    cloud.put("heedless/first", "x")
    cloud.admin("settings", checkpoint_seconds=1000)
    cloud.create("heedless", image, **spot(CheckpointConfig={"S3Uri": f"s3://{BUCKET}/heedless"}))
    cloud.wait_for_line("heedless", "['first']")
    cloud.admin("interrupt", job="heedless")
    wait_until(lambda: statuses(cloud.describe("heedless")).count("Training") == 2, 40, "the second attempt")
    cloud.admin("settings", checkpoint_seconds=0.2)
    streams = cloud.client("logs").describe_log_streams
    wait_until(
        lambda: len(streams(logGroupName=LOG_GROUP, logStreamNamePrefix="heedless/")["logStreams"]) == 2,
        20,
        "the second attempt's log",
    )
    cloud.wait_for_line("heedless", "['first']")
    assert cloud.keys("heedless/") == ["heedless/first"]
    assert cloud.lines("heedless")["algo-1"] == ["['first']"]
    cloud.client("sagemaker").stop_training_job(TrainingJobName="heedless")
    assert cloud.finished("heedless")["TrainingJobStatus"] == "Stopped"


def test_only_spot_jobs_can_be_interrupted(cloud: TrainingCloud) -> None:
    cloud.create("on-demand", cloud.image("polite", POLITE))
    with pytest.raises(AssertionError, match="on-demand is no spot job"):
        cloud.admin("interrupt", job="on-demand")
    with pytest.raises(AssertionError, match="no training or processing job 'nothing' runs"):
        cloud.admin("interrupt", job="nothing")
    cloud.client("sagemaker").stop_training_job(TrainingJobName="on-demand")
    cloud.finished("on-demand")
