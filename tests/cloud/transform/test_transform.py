"""Transform jobs run: a model's container answers every record, and what it answers lies in S3."""

import gzip
import json
import uuid
from datetime import UTC

import pytest
from botocore.exceptions import ClientError

from tests.support.clouds.training_cloud import BUCKET, wait_until
from tests.support.clouds.transform_cloud import TransformCloud

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="session")
def model(cloud: TransformCloud) -> str:
    return cloud.model("answers", "yes", Environment={"FROM_MODEL": "1"})


def test_objects_are_shared_and_joined_in_their_order(cloud: TransformCloud, model: str) -> None:
    objects = {f"{name}.csv": b"".join(b"%d,%d\n" % (number, number * n) for number in range(50)) for n, name in
               enumerate(("a", "b/c", "d"), 1)}  # fmt: skip
    ended = cloud.transform(
        "joined",
        model,
        objects,
        BatchStrategy="SingleRecord",
        TransformResources__InstanceCount=2,
        DataProcessing={"InputFilter": "$[1:]", "JoinSource": "Input", "OutputFilter": "$[0,-1]"},
    )
    assert ended["TransformJobStatus"] == "Completed", ended
    assert ended["TransformStartTime"] <= ended["TransformEndTime"]
    made = cloud.results("joined")
    assert set(made) == {"a.csv.out", "b/c.csv.out", "d.csv.out"}
    for n, name in enumerate(("a", "b/c", "d"), 1):
        rows = [line.split(",") for line in made[f"{name}.csv.out"].decode().splitlines()]
        assert rows == [[str(number), f"yes:{number * n}"] for number in range(50)]


def test_what_the_request_leaves_open_the_container_says(cloud: TransformCloud, model: str) -> None:
    ended = cloud.transform("whole", model, {"x.csv": b"1\n2\n"})
    assert ended["TransformJobStatus"] == "Completed", ended
    assert cloud.results("whole") == {"x.csv.out": b"yes:1\n2\n"}, "both records in one request"
    # The container's /execution-parameters says two at a time
    assert cloud.data_log("whole")[0] == "MaxConcurrentTransforms=2, MaxPayloadInMB=6, BatchStrategy=MULTI_RECORD"


def test_the_container_knows_that_it_transforms(cloud: TransformCloud, model: str) -> None:
    cloud.transform(
        "environ",
        model,
        {"x": b"environ"},
        BatchStrategy="SingleRecord",
        MaxPayloadInMB=3,
        MaxConcurrentTransforms=4,
        Environment={"FROM_JOB": "2"},
    )
    seen = json.loads(cloud.results("environ")["x.out"])
    assert seen["SAGEMAKER_BATCH"] == "true"
    assert seen["SAGEMAKER_BATCH_STRATEGY"] == "SINGLE_RECORD"
    assert (seen["SAGEMAKER_MAX_PAYLOAD_IN_MB"], seen["SAGEMAKER_MAX_CONCURRENT_TRANSFORMS"]) == ("3", "4")
    assert (seen["FROM_MODEL"], seen["FROM_JOB"]) == ("1", "2")


def test_an_object_that_fails_has_no_result_and_the_others_have_theirs(cloud: TransformCloud, model: str) -> None:
    objects = {"good": b"1\n2\n", "refused": b"1\nrefuse\n", "zipped": b"3\n"}
    ended = cloud.transform("partly", model, objects, BatchStrategy="SingleRecord")
    assert ended["TransformJobStatus"] == "Failed"
    assert ended["FailureReason"] == "ClientError: See job logs for more information"
    assert cloud.results("partly") == {"good.out": b"yes:1\nyes:2\n", "zipped.out": b"yes:3\n"}
    said = cloud.data_log("partly")
    key = f"{BUCKET}/in/partly/refused"
    assert said[1:] == [f"{key}: ClientError: 400", f"{key}: ", f"{key}: Message:", f"{key}: no such thing"]


def test_a_model_that_breaks_is_asked_again_and_then_blamed(cloud: TransformCloud, model: str) -> None:
    ended = cloud.transform(
        "broken", model, {"x": b"fail"}, BatchStrategy="SingleRecord", ModelClientConfig__InvocationsMaxRetries=1
    )
    assert ended["FailureReason"] == "AlgorithmError: See job logs for more information"
    assert f"{BUCKET}/in/broken/x: Bad HTTP status received from algorithm: 500" in cloud.data_log("broken")


def test_gzip_and_a_manifest(cloud: TransformCloud, model: str) -> None:
    cloud.put("packed/a.gz", gzip.compress(b"1\n"))
    cloud.put("packed/b.gz", gzip.compress(b"2\n"))
    cloud.put("in/listed/manifest", json.dumps([{"prefix": f"s3://{BUCKET}/packed/"}, "b.gz"]))
    ended = cloud.transform(
        "listed",
        model,
        {},
        TransformInput__DataSource={
            "S3DataSource": {"S3DataType": "ManifestFile", "S3Uri": f"s3://{BUCKET}/in/listed/manifest"}
        },
        TransformInput__CompressionType="Gzip",
    )
    assert ended["TransformJobStatus"] == "Completed", ended
    assert cloud.results("listed") == {"b.gz.out": b"yes:2\n"}


def test_what_is_captured_are_lists_and_each_record_has_an_id(cloud: TransformCloud, model: str) -> None:
    config = {"DestinationS3Uri": f"s3://{BUCKET}/captured", "GenerateInferenceId": True}
    objects = {"a.csv": b"1\n2\n", "b/c.csv": b"3\n", "refused.csv": b"refuse\n"}
    ended = cloud.transform("captured", model, objects, BatchStrategy="SingleRecord", DataCaptureConfig=config)
    assert ended["DataCaptureConfig"] == config
    started = ended["TransformStartTime"].astimezone(UTC)
    read, written = cloud.keys("captured/")
    assert read.startswith(f"captured/input/{started:%Y/%m/%d/%H}/")
    assert written.startswith(f"captured/output/{started:%Y/%m/%d/%H}/")
    assert json.loads(cloud.get(read)) == [{"prefix": f"s3://{BUCKET}/in/captured/"}, "a.csv", "b/c.csv"]
    assert json.loads(cloud.get(written)) == [{"prefix": f"s3://{BUCKET}/out/captured/"}, "a.csv.out", "b/c.csv.out"]
    rows = [row.split(",") for row in cloud.results("captured")["a.csv.out"].decode().splitlines()]
    assert [row[0] for row in rows] == ["yes:1", "yes:2"]
    assert {row[2] for row in rows} == {f"{started:%Y-%m-%dT%H:%M:%SZ}"}
    assert len({uuid.UUID(row[1]) for row in rows}) == 2


def test_a_job_that_is_stopped_leaves_nothing(cloud: TransformCloud) -> None:
    slow = cloud.model("slow", Environment={"SLOW": "0.5"})
    cloud.put("in/stopped/x", b"1\n" * 200)
    client = cloud.client("sagemaker")
    client.create_transform_job(**cloud.job("stopped", slow, BatchStrategy="SingleRecord"))
    wait_until(lambda: "TransformStartTime" in cloud.described("stopped"), 20, "the job's start")
    client.stop_transform_job(TransformJobName="stopped")
    assert cloud.transformed("stopped", 30)["TransformJobStatus"] == "Stopped"
    assert cloud.results("stopped") == {}


def test_a_container_that_does_not_get_well_is_told_with_its_last_lines(cloud: TransformCloud) -> None:
    crashes = cloud.model("crashes", Environment={"CRASHES": "1"})
    ended = cloud.transform("crashed", crashes, {"x": b"1"})
    assert ended["TransformJobStatus"] == "Failed"
    assert "ended with exit code 3 before it was healthy" in ended["FailureReason"]
    assert "cannot read the weights" in ended["FailureReason"]


def test_a_container_that_is_killed_fails_the_job(cloud: TransformCloud) -> None:
    slow = cloud.model("slower", Environment={"SLOW": "1"})
    cloud.put("in/killed/x", b"1\n" * 50)
    client = cloud.client("sagemaker")
    client.create_transform_job(**cloud.job("killed", slow, BatchStrategy="SingleRecord", MaxConcurrentTransforms=1))
    log = f"{BUCKET}"
    wait_until(lambda: _has_begun(cloud, "killed"), 30, "the first request")
    cloud.admin("kill", job="killed", kind="transform")
    ended = cloud.transformed("killed", 30)
    assert ended["FailureReason"] == "AlgorithmError: See job logs for more information"
    assert f"{log}/in/killed/x: Unable to get response from algorithm" in cloud.data_log("killed")


def _has_begun(cloud: TransformCloud, name: str) -> bool:
    try:
        return bool(cloud.data_log(name))
    except (ValueError, cloud.client("logs").exceptions.ResourceNotFoundException):
        return False


def test_jobs_are_listed_tagged_and_announced(cloud: TransformCloud, model: str) -> None:
    sqs, client = cloud.client("sqs"), cloud.client("sagemaker")
    queue = sqs.create_queue(QueueName="transforms")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    pattern = {"source": ["aws.sagemaker"], "detail-type": ["SageMaker Transform Job State Change"]}
    cloud.client("events").put_rule(Name="transforms", EventPattern=json.dumps(pattern))
    cloud.client("events").put_targets(Rule="transforms", Targets=[{"Id": "queue", "Arn": arn}])
    principal = {"Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": arn}
    cloud.allow(queue, {"Effect": "Allow", **principal})
    ended = cloud.transform("listed-1", model, {"x": b"1\n"}, Tags=[{"Key": "run", "Value": "r"}])
    found = client.list_transform_jobs(NameContains="listed-1")["TransformJobSummaries"]
    assert [(one["TransformJobName"], one["TransformJobStatus"]) for one in found] == [("listed-1", "Completed")]
    assert client.list_tags(ResourceArn=ended["TransformJobArn"])["Tags"] == [{"Key": "run", "Value": "r"}]
    seen: list[str] = []

    def told() -> bool:
        for message in sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", ()):
            seen.append(json.loads(message["Body"])["detail"]["TransformJobStatus"])
        return "Completed" in seen

    wait_until(told, 20, "the job's events")
    assert seen[0] == "InProgress"
    with pytest.raises(ClientError, match="Job name must be unique"):
        client.create_transform_job(**cloud.job("listed-1", model))


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"ModelName": "nowhere"}, 'Could not find model "arn:aws:sagemaker:us-east-1:123456789012:model/nowhere"'),
        ({"MaxPayloadInMB": 101}, "MaxPayloadInMB 101 cannot be greater than 100 MB"),
        ({"MaxConcurrentTransforms": 17}, "MaxConcurrentTransforms \\* MaxPayloadInMB is 102 MB"),
        ({"MaxPayloadInMB": 0}, "HTTP chunked encoding, is not emulated"),
        ({"TransformInput__SplitType": "None", "BatchStrategy": "MultiRecord"}, "you must set the SplitType property"),
        ({"DataProcessing": {"InputFilter": "id"}}, "InputFilter: 'id' does not begin with"),
        ({"DataProcessing": {"InputFilter": "$[1:4]"}}, "a slice with an end is not emulated"),
        (
            {"DataProcessing": {"JoinSource": "Input"}, "TransformOutput__Accept": "a/b"},
            "Accept must be one of text/csv",
        ),
        ({"DataCaptureConfig": {"DestinationS3Uri": "https://b/c"}}, "must begin with s3://"),
        ({"TransformResources__InstanceCount": 101}, "InstanceCount 101 is more than the maximum of 100"),
        (
            {"TransformInput__DataSource": {"S3DataSource": {"S3DataType": "Converse", "S3Uri": "s3://b/c"}}},
            "S3DataType Converse is not compatible",
        ),
    ],
)
def test_what_the_service_refuses(cloud: TransformCloud, model: str, fields: dict[str, object], says: str) -> None:
    with pytest.raises(ClientError, match=says):
        cloud.client("sagemaker").create_transform_job(**cloud.job("refused", model, **fields))
