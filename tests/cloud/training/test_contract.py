"""A program on a node finds what SageMaker promises it: files, folders, names, network, credentials."""

import io
import tarfile
import time

import pytest

from tests.support.cloud.lent_packages import lend_packages
from tests.support.clouds.training_cloud import (
    BUCKET,
    LOG_GROUP,
    REGION,
    TrainingCloud,
    channel,
    wait_until,
)

REPORT = """
import json, os, socket, sys
def read(name):
    with open("/opt/ml/input/config/" + name) as file:
        return json.load(file)
print(json.dumps({
    "arguments": sys.argv[1:], "pid": os.getpid(), "hostname": socket.gethostname(), "environment": dict(os.environ),
    "hyperparameters": read("hyperparameters.json"), "inputs": read("inputdataconfig.json"),
    "resources": read("resourceconfig.json"), "addresses": {h: socket.gethostbyname(h) for h in ("algo-1", "algo-2")},
    "interfaces": [name for _, name in socket.if_nameindex()], "prefix": sys.prefix, "home": os.path.expanduser("~"),
    "tmp": os.listdir("/tmp"), "ml": sorted(os.listdir("/opt/ml")),
}))
"""


def test_the_configuration_files_and_the_environment(cloud: TrainingCloud) -> None:
    cloud.put("contract/a", "a")
    image = cloud.image("report", REPORT)
    described = cloud.run(
        "contract",
        image,
        ResourceConfig__InstanceCount=2,
        HyperParameters={"epochs": "3", "name": "it's"},
        Environment={"MINE": "yes", "AWS_REGION": "mars"},
        InputDataConfig=[channel("train", "contract/", S3DataDistributionType="ShardedByS3Key")],
    )
    assert described["TrainingJobStatus"] == "Completed", described.get("FailureReason")
    first, second = cloud.said("contract", "algo-1"), cloud.said("contract", "algo-2")
    assert first["arguments"] == ["train"]
    assert first["pid"] == 1
    assert first["hyperparameters"] == {"epochs": "3", "name": "it's"}
    assert first["inputs"] == {
        "train": {
            "TrainingInputMode": "File",
            "S3DistributionType": "ShardedByS3Key",
            "RecordWrapperType": "None",
        }
    }
    hosts = ["algo-1", "algo-2"]
    group = {"instance_group_name": "homogeneousCluster", "instance_type": "ml.m5.large", "hosts": hosts}
    assert second["resources"] == {
        "current_host": "algo-2",
        "current_instance_type": "ml.m5.large",
        "current_group_name": "homogeneousCluster",
        "hosts": hosts,
        "instance_groups": [group],
        "network_interface_name": "eth0",
    }
    assert (first["hostname"], second["hostname"]) == ("algo-1", "algo-2")
    assert first["addresses"] == second["addresses"]
    assert len(set(first["addresses"].values())) == 2
    assert "eth0" in first["interfaces"]
    assert first["ml"] == ["checkpoints", "input", "model", "output"]
    environment = first["environment"]
    assert environment["TRAINING_JOB_NAME"] == "contract"
    assert environment["TRAINING_JOB_ARN"] == described["TrainingJobArn"]
    assert environment["MINE"] == "yes"
    assert environment["AWS_REGION"] == "mars", "the job's own variables win"
    assert environment["AWS_DEFAULT_REGION"] == REGION
    assert environment["FROM_IMAGE"] == "yes"
    assert ("shardyard/environments" in first["prefix"]) == (cloud.engine == "process")
    assert first["home"] == "/root"
    # the image's environment may lie in a folder below /tmp, and nothing else of the machine's /tmp is there
    assert [name for name in first["tmp"] if not name.startswith("pytest-")] == []


def test_the_role_s_credentials_reach_the_cloud_from_inside(cloud: TrainingCloud) -> None:
    image = cloud.image(
        "boto",
        f"""
        import json
        import boto3
        arn = boto3.client("sts").get_caller_identity()["Arn"]
        boto3.client("s3").put_object(Bucket="{BUCKET}", Key="from-inside", Body=b"hello" * 1000000)
        print(json.dumps(arn))
        """,
        requirements="boto3\n",
    )
    lend_packages(cloud, "boto", "boto3")
    described = cloud.run("credentials", image)
    assert described["TrainingJobStatus"] == "Completed", cloud.lines("credentials")
    assert cloud.said("credentials") == "arn:aws:sts::123456789012:assumed-role/training/SageMaker"
    assert len(cloud.get("from-inside")) == 5_000_000


def test_a_job_with_network_isolation_has_no_way_to_the_cloud(cloud: TrainingCloud) -> None:
    port = int(cloud.endpoint.rpartition(":")[2])
    image = cloud.image(
        "isolated",
        f"""
        import json, os, socket
        said = {{"endpoint": os.environ.get("AWS_ENDPOINT_URL"), "key": os.environ.get("AWS_ACCESS_KEY_ID")}}
        for host in ("10.77.0.1", "127.0.0.1", "8.8.8.8"):
            try:
                socket.create_connection((host, {port}), 2).close()
                said[host] = "connected"
            except OSError as error:
                said[host] = type(error).__name__
        said["peer"] = socket.gethostbyname("algo-2")
        print(json.dumps(said))
        """,
    )
    described = cloud.run("isolated", image, EnableNetworkIsolation=True, ResourceConfig__InstanceCount=2)
    assert described["TrainingJobStatus"] == "Completed"
    assert described["EnableNetworkIsolation"] is True
    said = cloud.said("isolated")
    assert said["endpoint"] is None
    assert said["key"] is None
    # a bridge of the machine's that has no address does not even refuse
    assert said["10.77.0.1"] == ("TimeoutError" if cloud.engine == "docker" else "ConnectionRefusedError")
    assert said["127.0.0.1"] == "ConnectionRefusedError"
    assert said["8.8.8.8"] == "OSError"
    assert said["peer"].startswith("10.77.")


def test_entrypoint_and_arguments_of_the_request(cloud: TrainingCloud) -> None:
    image = cloud.image("report", REPORT)
    spec = {"TrainingImage": image, "TrainingInputMode": "File"}
    code = "import sys; print(sys.argv[1:])"
    given = cloud.run(
        "entrypoint",
        image,
        AlgorithmSpecification={
            **spec,
            "ContainerEntrypoint": ["python", "-c", code],
            "ContainerArguments": ["a", "b c"],
        },
    )
    assert given["TrainingJobStatus"] == "Completed"
    assert cloud.lines("entrypoint")["algo-1"] == ["['a', 'b c']"]
    cloud.run("bare-entrypoint", image, AlgorithmSpecification={**spec, "ContainerEntrypoint": ["python", "-c", code]})
    assert cloud.lines("bare-entrypoint")["algo-1"] == ["[]"]


def test_model_and_output_of_all_nodes_are_packed(cloud: TrainingCloud) -> None:
    image = cloud.image(
        "outputs",
        """
        import os, socket
        host = socket.gethostname()
        os.makedirs("/opt/ml/model/deep/" + host)
        open("/opt/ml/model/deep/" + host + "/weights", "w").write(host)
        open("/opt/ml/output/data/" + host, "w").write("result of " + host)
        """,
    )
    described = cloud.run("outputs", image, ResourceConfig__InstanceCount=2)
    assert described["ModelArtifacts"] == {"S3ModelArtifacts": f"s3://{BUCKET}/out/outputs/output/model.tar.gz"}
    assert _unpacked(cloud, "out/outputs/output/model.tar.gz") == {
        "deep/algo-1/weights": b"algo-1",
        "deep/algo-2/weights": b"algo-2",
    }
    assert _unpacked(cloud, "out/outputs/output/output.tar.gz") == {
        "algo-1": b"result of algo-1",
        "algo-2": b"result of algo-2",
    }
    described = cloud.run(
        "outputs-plain",
        image,
        OutputDataConfig={"S3OutputPath": f"s3://{BUCKET}/plain/", "CompressionType": "NONE"},
    )
    assert described["ModelArtifacts"] == {"S3ModelArtifacts": f"s3://{BUCKET}/plain/outputs-plain/output/model/"}
    assert cloud.get("plain/outputs-plain/output/model/deep/algo-1/weights") == b"algo-1"
    assert cloud.get("plain/outputs-plain/output/data/algo-1") == b"result of algo-1"


def _unpacked(cloud: TrainingCloud, key: str) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(cloud.get(key))) as tar:
        return {member.name: tar.extractfile(member).read() for member in tar if member.isfile()}  # type: ignore[union-attr]


def test_logs_and_metrics_come_while_the_job_runs(cloud: TrainingCloud) -> None:
    image = cloud.image(
        "slow",
        """
        import os, time
        for step in range(1, 4):
            print(f"metric step={step} loss={1 / step}", flush=True)
        print("waiting", flush=True)
        while not os.path.exists("/opt/ml/output/data/go"):
            time.sleep(0.05)
        """,
    )
    definitions = [{"Name": "train:loss", "Regex": r"metric .*\\bloss=([0-9.eE+-]+)".replace("\\\\", "\\")}]
    cloud.create("slow", image, AlgorithmSpecification__MetricDefinitions=definitions)
    cloud.wait_for_line("slow", "waiting")
    assert cloud.describe("slow")["TrainingJobStatus"] == "InProgress"
    cloudwatch = cloud.client("cloudwatch")

    def names() -> set[str]:
        found = cloudwatch.list_metrics(Namespace=LOG_GROUP, Dimensions=[{"Name": "Host", "Value": "slow/algo-1"}])[
            "Metrics"
        ]
        return {metric["MetricName"] for metric in found}

    wait_until(lambda: {"CPUUtilization", "MemoryUtilization", "DiskUtilization"} <= names(), 20, "the host's metrics")
    assert cloud.describe("slow")["TrainingJobStatus"] == "InProgress"
    (go,) = cloud.work.glob("*/algo-1/ml/output/data")
    (go / "go").touch()
    described = cloud.finished("slow")
    (metric,) = described["FinalMetricDataList"]
    assert metric["MetricName"] == "train:loss"
    assert metric["Value"] == pytest.approx(1 / 3)
    (own,) = cloudwatch.list_metrics(Namespace=LOG_GROUP, Dimensions=[{"Name": "TrainingJobName", "Value": "slow"}])[
        "Metrics"
    ]
    assert own["MetricName"] == "train:loss"


def test_the_first_line_of_user_code_comes_within_seconds(cloud: TrainingCloud) -> None:
    image = cloud.image("clock", "import time; print(time.time())")
    cloud.run("clock-warm", image, ResourceConfig__InstanceCount=2)
    began = time.time()
    cloud.run("clock", image, ResourceConfig__InstanceCount=2)
    first_lines = [float(lines[0]) - began for lines in cloud.lines("clock").values()]
    assert len(first_lines) == 2
    assert max(first_lines) < (3.0 if cloud.engine == "docker" else 2.0)


def test_output_of_any_bytes_becomes_lines(cloud: TrainingCloud) -> None:
    image = cloud.image(
        "bytes",
        r"""
        import sys
        out = sys.stdout.buffer
        out.write("gr\u00fc\u00dfe \u6f22\u5b57 \U0001f680\n".encode() + b"\xff\x00binary\n" + b"a\r\nb\rc\n\n   \n")
        out.write("\u6f22".encode() * 200_000 + b"\n" + b"no newline at the end")
        out.flush()
        """,
    )
    assert cloud.run("bytes", image)["TrainingJobStatus"] == "Completed"
    lines = cloud.lines("bytes")["algo-1"]
    assert lines[:4] == ["gr\u00fc\u00dfe \u6f22\u5b57 \U0001f680", "\ufffd\x00binary", "a", "b\rc"]
    assert lines[-1] == "no newline at the end"
    assert set("".join(lines[4:-1])) == {"\u6f22"}, "a character was cut in two"
    assert len("".join(lines[4:-1])) == 200_000
