"""A processing container finds what SageMaker documents, and what it leaves is told and uploaded."""

import gzip
import json
from typing import Any

import pytest

from tests.support.clouds.processing_cloud import ProcessingCloud, result, source
from tests.support.clouds.training_cloud import BUCKET, wait_until

REPORT = """
import json, os, pathlib, socket, sys
root = pathlib.Path("/opt/ml")
def read(name):
    return json.loads((root / "config" / name).read_text())
host = read("resourceconfig.json")["current_host"]
for name in ("whole", "shards"):
    out = root / "processing/output" / name
    (out / host).write_text(host)
    (out / "same").write_text(host)
(root / "processing/output/whole/link").symlink_to("same")
(root / "output/message").write_text(f"{host} is done. ")
print(json.dumps({
    "arguments": sys.argv[1:], "pid": os.getpid(), "hostname": socket.gethostname(), "environment": dict(os.environ),
    "job": read("processingjobconfig.json"), "resources": read("resourceconfig.json"),
    "addresses": {h: socket.gethostbyname(h) for h in ("algo-1", "algo-2")},
    "inputs": {str(p.relative_to(root)): p.read_text() for p in root.glob("processing/input/**/*") if p.is_file()},
    "ml": sorted(os.listdir(root)),
}))
"""


def test_two_nodes_with_replicated_and_sharded_inputs(cloud: ProcessingCloud) -> None:
    for name in ("a", "b", "c"):
        cloud.put(f"data/{name}", name)
    cloud.put("code/run.py", "print()")
    inputs = [
        source("whole", "data/"),
        source("parts", "data", S3DataDistributionType="ShardedByS3Key"),
        source("code", "code/run.py"),
    ]
    outputs = [result("whole", "out/whole"), result("shards", "out/shards", "Continuous")]
    cloud.create(
        "contract",
        cloud.image("report", REPORT),
        ProcessingInputs=inputs,
        ProcessingOutputConfig={"Outputs": outputs},
        ProcessingResources__ClusterConfig__InstanceCount=2,
        AppSpecification__ContainerArguments=["--size", "3"],
        Environment={"MINE": "yes", "AWS_REGION": "mars"},
        Tags=[{"Key": "team", "Value": "x"}],
    )
    described = cloud.finished("contract")
    assert described["ProcessingJobStatus"] == "Completed", described.get("FailureReason")
    assert described["ExitMessage"] == "algo-1 is done. algo-2 is done. "
    assert "FailureReason" not in described
    times = [described[f"{name}Time"] for name in ("Creation", "ProcessingStart", "ProcessingEnd")]
    assert times == sorted(times)
    first, second = cloud.said("contract", "algo-1"), cloud.said("contract", "algo-2")
    assert (first["arguments"], first["pid"], first["ml"]) == (["--size", "3"], 1, ["config", "output", "processing"])
    assert second["resources"] == {"current_host": "algo-2", "hosts": ["algo-1", "algo-2"]}
    assert len(set(first["addresses"].values())) == 2
    assert {name: first["environment"].get(name) for name in ("MINE", "AWS_REGION", "AWS_DEFAULT_REGION")} == {
        "MINE": "yes",
        "AWS_REGION": "mars",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    whole = {f"processing/input/whole/{name}": name for name in "abc"}
    code = {"processing/input/code/run.py": "print()"}
    assert first["inputs"] == whole | code | {f"processing/input/parts/{name}": name for name in "ac"}
    assert second["inputs"] == whole | code | {"processing/input/parts/b": "b"}
    check_job_config(first["job"], described)
    for prefix in ("out/whole", "out/shards"):
        assert cloud.keys(prefix) == [f"{prefix}/{name}" for name in ("algo-1", "algo-2", "same")], "and no link"
    assert cloud.get("out/whole/same") == b"algo-2"


def check_job_config(config: dict[str, Any], described: dict[str, Any]) -> None:
    """processingjobconfig.json has the fields of the example that AWS publishes, in its order."""
    assert list(config) == [
        "ProcessingJobArn",
        "ProcessingJobName",
        "AppSpecification",
        "Environment",
        "ProcessingInputs",
        "ProcessingOutputConfig",
        "ProcessingResources",
        "RoleArn",
        "StoppingCondition",
    ]
    assert config["ProcessingJobArn"] == described["ProcessingJobArn"]
    assert config["AppSpecification"]["ContainerEntrypoint"] is None
    s3 = config["ProcessingInputs"][0]["S3Input"]
    defaults = ("S3DataDistributionType", "S3InputMode", "S3CompressionType", "S3DownloadMode")
    assert [s3[name] for name in defaults] == ["FullyReplicated", "File", "None", "StartOfJob"]
    assert config["ProcessingOutputConfig"]["KmsKeyId"] is None
    assert config["ProcessingResources"]["ClusterConfig"] == {
        "InstanceCount": 2,
        "InstanceType": "ml.m5.large",
        "VolumeSizeInGB": 10,
        "VolumeKmsKeyId": None,
    }
    assert config["StoppingCondition"] == {"MaxRuntimeInSeconds": 60}


def test_pipes_manifests_and_an_entrypoint_of_the_jobs_own(cloud: ProcessingCloud) -> None:
    cloud.put("zipped/1", gzip.compress(b"one\n"))
    cloud.put("zipped/2", gzip.compress(b"two\n"))
    cloud.put("listed/x", "x")
    cloud.put("listed/y", "y")
    cloud.put("manifest", json.dumps([{"prefix": f"s3://{BUCKET}/listed/"}, "y"]))
    program = """
        import json, os
        print(json.dumps([open("/opt/ml/processing/zipped_0").read(), os.listdir("/opt/ml/processing/listed")]))
    """
    cloud.create(
        "pipes",
        cloud.image("never", program),
        ProcessingInputs=[
            source("zipped", "zipped/", "/opt/ml/processing/zipped", S3InputMode="Pipe", S3CompressionType="Gzip"),
            source("listed", "manifest", "/opt/ml/processing/listed/", S3DataType="ManifestFile"),
        ],
        AppSpecification__ContainerEntrypoint=["python", "-u", "/opt/program/run.py"],
    )
    described = cloud.finished("pipes")
    assert described["ProcessingJobStatus"] == "Completed", described.get("FailureReason")
    assert cloud.said("pipes") == ["one\ntwo\n", ["y"]]


def test_a_continuous_output_is_there_before_the_job_ends(cloud: ProcessingCloud) -> None:
    program = """
        import os, time
        root = "/opt/ml/processing/output/live/"
        open(root + "early", "w").write("x")
        while not os.path.exists(root + "go"):
            time.sleep(0.05)
        os.remove(root + "early")
        open(root + "late", "w").write("y")
    """
    outputs = [result("live", "live", "Continuous"), result("end", "end")]
    cloud.create("continuous", cloud.image("live", program), ProcessingOutputConfig={"Outputs": outputs})
    wait_until(lambda: cloud.keys("live/") == ["live/early"], 30, "the first file in S3")
    assert cloud.describe("continuous")["ProcessingJobStatus"] == "InProgress"
    (folder,) = cloud.work.glob("*/algo-1/ml/processing/output/live")
    (folder / "go").touch()
    assert cloud.finished("continuous")["ProcessingJobStatus"] == "Completed"
    assert set(cloud.keys("live/")) >= {"live/early", "live/late"}
    assert cloud.keys("end/") == []


def test_what_the_program_manages_itself_is_left_to_it(cloud: ProcessingCloud) -> None:
    definition = {
        "Catalog": "c",
        "Database": "d",
        "QueryString": "select 1",
        "OutputS3Uri": f"s3://{BUCKET}/q",
        "OutputFormat": "PARQUET",
    }
    cloud.create(
        "managed",
        cloud.image("report-self", "import os; assert os.listdir('/opt/ml/processing') == []"),
        ProcessingInputs=[
            {"InputName": "own", "AppManaged": True, "DatasetDefinition": {"AthenaDatasetDefinition": definition}},
            {"InputName": "s3", "AppManaged": True, "S3Input": {"S3Uri": "s3://nowhere/x", "S3DataType": "S3Prefix"}},
        ],
        ProcessingOutputConfig={
            "Outputs": [
                {"OutputName": "features", "AppManaged": True, "FeatureStoreOutput": {"FeatureGroupName": "group"}}
            ]
        },
    )
    described = cloud.finished("managed")
    assert described["ProcessingJobStatus"] == "Completed", described.get("FailureReason")


@pytest.mark.parametrize(
    ("name", "command", "message"),
    [
        ("long", "'x' * 1030", "x" * 1024),
        ("cut", "'x' * 1023 + '\\u00e4'", "x" * 1023),
        ("none", "''", None),
    ],
)
def test_the_first_kilobyte_is_the_exit_message(
    cloud: ProcessingCloud, name: str, command: str, message: str | None
) -> None:
    program = f"open('/opt/ml/output/message', 'w', encoding='utf-8').write({command})"
    cloud.create(f"message-{name}", cloud.image(f"message-{name}", program))
    described = cloud.finished(f"message-{name}")
    assert described["ProcessingJobStatus"] == "Completed", described.get("FailureReason")
    assert described.get("ExitMessage") == message


def test_a_message_that_is_not_utf_8_fails_the_job(cloud: ProcessingCloud) -> None:
    cloud.create("binary", cloud.image("binary", "open('/opt/ml/output/message', 'wb').write(b'ok \\xff no')"))
    described = cloud.finished("binary")
    assert described["ProcessingJobStatus"] == "Failed"
    assert described["FailureReason"].startswith("ClientError: The file /opt/ml/output/message of algo-1 is not UTF-8")


def test_host_metrics_are_under_the_jobs_own_namespace(cloud: ProcessingCloud) -> None:
    cloud.create("metered", cloud.image("metered", "import time; time.sleep(1.5)"))
    assert cloud.finished("metered")["ProcessingJobStatus"] == "Completed"
    found = cloud.client("cloudwatch").list_metrics(Namespace="/aws/sagemaker/ProcessingJobs")["Metrics"]
    hosts = {metric["Dimensions"][0]["Value"] for metric in found if metric["MetricName"] == "CPUUtilization"}
    assert "metered/algo-1" in hosts
