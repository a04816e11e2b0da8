"""The parts of the embedded cloud's training that need no cloud to be tested."""

import os
import queue
import signal
import struct
import threading
from pathlib import Path
from typing import Any

import pytest

from yard.cloud.registry import ServiceError
from yard.cloud.training import capacity, contract, endings, environment, fuse, image, model_check, settings
from yard.cloud.training.cell import network, relay
from yard.cloud.training.cell.plan import Bind, CellPlan, NodePlan
from yard.cloud.training.channels import Item, local_name
from yard.cloud.training.endings import Inbox, Order
from yard.cloud.training.engine import NodeExit
from yard.cloud.training.fast_file import _tree
from yard.cloud.training.folders import remove_folder
from yard.cloud.training.job import TrainingJob
from yard.cloud.training.locations import Location
from yard.cloud.training.metrics import AlgorithmMetrics
from yard.cloud.training.pipes import record
from yard.cloud.training.transfer import S3Object


def job(**fields: Any) -> TrainingJob:
    request = {
        "TrainingJobName": "job",
        "AlgorithmSpecification": {"TrainingImage": "x", "TrainingInputMode": "File"},
        "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 2},
        **fields,
    }
    return TrainingJob("123456789012", "us-east-1", request)


@pytest.mark.parametrize(
    ("prefix", "key", "name"),
    [
        ("data/", "data/a/b", "a/b"),
        ("data", "data/a/b", "a/b"),
        ("data/a.csv", "data/a.csv", "a.csv"),
        ("data/part", "data/part-1", "part-1"),
        ("data/train", "data/train2/x", "train2/x"),
        ("", "a/b", "a/b"),
        ("a.csv", "a.csv", "a.csv"),
    ],
)
def test_names_of_objects_on_a_node(prefix: str, key: str, name: str) -> None:
    assert local_name(prefix, key) == name


@pytest.mark.parametrize(
    ("uri", "bucket", "key"),
    [
        ("s3://bucket/a/b", "bucket", "a/b"),
        ("s3://bucket", "bucket", ""),
        ("https://s3.us-east-1.amazonaws.com/bucket/a/b", "bucket", "a/b"),
        ("https://bucket.s3.eu-west-1.amazonaws.com/a/b", "bucket", "a/b"),
        ("https://s3.amazonaws.com/bucket/a", "bucket", "a"),
    ],
)
def test_locations(uri: str, bucket: str, key: str) -> None:
    assert Location.parse(uri) == Location(bucket=bucket, key=key)


def test_a_location_that_is_none() -> None:
    with pytest.raises(ServiceError, match="'ftp://x' is not of the form"):
        Location.parse("ftp://x")


@pytest.mark.parametrize(
    ("uri", "folder"),
    [
        ("123456789012.dkr.ecr.us-east-1.amazonaws.com/shardyard-dev/pytorch:0123456789abcdef", "pytorch"),
        ("123456789012.dkr.ecr.us-east-1.amazonaws.com/own:latest", "own"),
        ("763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-training:2.9-cpu", "pytorch"),
        ("763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch:2.13-cpu-amzn2023-sagemaker", "pytorch"),
        ("763104351884.dkr.ecr.cn-north-1.amazonaws.com.cn/tensorflow-training:2.21-cpu-py312", "tensorflow"),
        (f"123456789012.dkr.ecr.us-east-1.amazonaws.com/a/b@sha256:{'0' * 64}", "b"),
    ],
)
def test_the_folder_of_an_image(uri: str, folder: str) -> None:
    assert image.parse_name(uri).folder == folder


def test_an_image_of_another_registry() -> None:
    with pytest.raises(image.ImageError, match="knows images of Amazon ECR only"):
        image.parse_name("docker.io/library/python:3.11")


DOCKERFILE = """
ARG BASE=python:3.11
FROM ${BASE} AS builder
COPY secret /opt/secret
FROM ${BASE}
# a comment
RUN apt-get update \\
    && apt-get install --yes g++
COPY --from=builder /x /y
COPY containers/own/requirements.txt /opt/own/
COPY training /opt/shardyard/training
ENV PYTHONPATH=/opt/shardyard \\
    GREETING="hello world"
ENV PATH=/opt/own/bin:$PATH
WORKDIR /opt/ml
ENTRYPOINT ["python", "-m", "training.launcher"]
"""


def write_image(root: Path, dockerfile: str) -> str:
    folder = root / "containers" / "own"
    folder.mkdir(parents=True)
    (folder / "Dockerfile").write_text(dockerfile)
    (folder / "requirements.txt").write_text("")
    return "123456789012.dkr.ecr.us-east-1.amazonaws.com/test/own:1"


def test_what_a_dockerfile_says_of_a_run(tmp_path: Path) -> None:
    found = image.load(write_image(tmp_path, DOCKERFILE), tmp_path)
    assert found.entrypoint == ("python", "-m", "training.launcher")
    assert found.work_folder == "/opt/ml"
    assert found.environment["PYTHONPATH"] == "/opt/shardyard"
    assert found.environment["GREETING"] == "hello world"
    assert found.environment["PATH"].startswith("/opt/own/bin:/usr/local/sbin:")
    assert found.copies == (
        (tmp_path / "containers/own/requirements.txt", "/opt/own/requirements.txt"),
        (tmp_path / "training", "/opt/shardyard/training"),
    )


def test_a_shell_form_entrypoint_is_refused(tmp_path: Path) -> None:
    with pytest.raises(image.ImageError, match=r"ENTRYPOINT 'python run\.py' is not in exec form"):
        image.load(write_image(tmp_path, "FROM x\nENTRYPOINT python run.py\n"), tmp_path)


def test_an_image_without_a_folder_names_those_that_are_there(tmp_path: Path) -> None:
    write_image(tmp_path, DOCKERFILE)
    with pytest.raises(image.ImageError, match=r"no containers/other/Dockerfile in this project; there are: own"):
        image.load("123456789012.dkr.ecr.us-east-1.amazonaws.com/other:1", tmp_path)


def test_a_comment_makes_no_other_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    first, second, third = (tmp_path / name for name in ("first", "second", "third"))
    first.write_text("numpy==1\n")
    second.write_text("# why\nnumpy==1  # because\n\n")
    third.write_text("numpy==2\n")
    assert environment.environment_folder(first) == environment.environment_folder(second)
    assert environment.environment_folder(first) != environment.environment_folder(third)
    assert environment.environment_folder(first).is_relative_to(tmp_path / "shardyard" / "environments")


def test_resource_config_of_instance_groups() -> None:
    groups = [
        {"InstanceGroupName": "a", "InstanceType": "ml.g5.xlarge", "InstanceCount": 1},
        {"InstanceGroupName": "b", "InstanceType": "ml.m5.large", "InstanceCount": 2},
    ]
    hosts = ["algo-1", "algo-2", "algo-3"]
    config = contract.resource_config(job(ResourceConfig={"InstanceGroups": groups}), hosts, "algo-3", "eth0")
    assert config["current_instance_type"] == "ml.m5.large"
    assert config["current_group_name"] == "b"
    assert config["instance_groups"] == [
        {"instance_group_name": "a", "instance_type": "ml.g5.xlarge", "hosts": ["algo-1"]},
        {"instance_group_name": "b", "instance_type": "ml.m5.large", "hosts": ["algo-2", "algo-3"]},
    ]


def test_the_model_check_finds_what_botocore_lets_pass() -> None:
    with pytest.raises(ServiceError) as caught:
        model_check.check("AddTags", {"ResourceArn": "arn:aws:sagemaker:us-east-1:123456789012:x/y"})
    assert caught.value.message == (
        "1 validation error detected: Value null at 'tags' failed to satisfy constraint: Member must not be null"
    )
    tags = [{"Key": "Ünïcode key", "Value": "v"}, {"Key": "bad*", "Value": ""}]
    with pytest.raises(ServiceError, match=r"1 validation error detected: Value 'bad\*' at 'tags.2.member.key'"):
        model_check.check("AddTags", {"ResourceArn": "arn:aws:sagemaker:us-east-1:123456789012:x/y", "Tags": tags})


def test_a_job_never_goes_back() -> None:
    one = job()
    one.move("Downloading", "x")
    one.move("Stopping", "asked", status="Stopping")
    one.move("Training", "too late")
    assert one.secondary_status == "Stopping"
    one.finish("Stopped", "Stopped", "done")
    one.finish("Completed", "Completed", "again")
    assert (one.status, one.secondary_status) == ("Stopped", "Stopped")
    described = one.describe(0.3)
    assert [entry["Status"] for entry in described["SecondaryStatusTransitions"]] == [
        *("Starting", "Downloading", "Stopping", "Stopped")
    ]


def test_spot_bills_less() -> None:
    one = job(EnableManagedSpotTraining=True)
    one.start_training()
    one.training_seconds = 100.0
    one.finish("Completed", "Completed", "done")
    described = one.describe(0.3)
    assert (described["TrainingTimeInSeconds"], described["BillableTimeInSeconds"]) == (100, 30)


def wait_for(inbox: Inbox, limits: dict[Any, float], grace: float, answers: dict[int, list[Any]]) -> tuple[Any, Any]:
    signals: list[int] = []
    reasons: list[str] = []

    def send(number: int) -> None:
        signals.append(number)
        for item in answers.get(number, []):
            inbox.put(item)

    ending = endings.wait(inbox, 2, limits=limits, grace_seconds=grace, signal_all=send, note=reasons.append)
    return ending, signals


def exits(code_1: int, code_2: int) -> list[NodeExit]:
    return [NodeExit(host="algo-1", code=code_1), NodeExit(host="algo-2", code=code_2)]


def test_an_attempt_that_ends_by_itself() -> None:
    inbox: Inbox = queue.Queue()
    for item in exits(0, 0):
        inbox.put(item)
    ending, signals = wait_for(inbox, {"max_runtime": 60.0}, 1, {})
    assert (ending.reason, ending.first_failed, signals) == ("completed", None, [])


def test_the_first_failure_is_the_one_that_counts() -> None:
    inbox: Inbox = queue.Queue()
    inbox.put(NodeExit(host="algo-2", code=3))
    ending, signals = wait_for(inbox, {}, 1, {signal.SIGTERM: [NodeExit(host="algo-1", code=1)]})
    assert (ending.reason, ending.first_failed) == ("failed", "algo-2")
    assert ending.codes == {"algo-1": 1, "algo-2": 3}
    assert signals == [signal.SIGTERM]


def test_a_limit_and_then_the_grace() -> None:
    inbox: Inbox = queue.Queue()
    limits = {"max_runtime": 0.05, "max_wait": 60.0}
    ending, signals = wait_for(inbox, limits, 0.05, {signal.SIGKILL: exits(137, 137)})
    assert (ending.reason, ending.killed, ending.first_failed) == ("max_runtime", True, None)
    assert signals == [signal.SIGTERM, signal.SIGKILL]


def test_an_order_to_go_at_once() -> None:
    inbox: Inbox = queue.Queue()
    inbox.put(Order(reason="hardware", at_once=True))
    ending, signals = wait_for(inbox, {}, 60, {signal.SIGKILL: exits(137, 137)})
    assert (ending.reason, signals) == ("hardware", [signal.SIGKILL])


def test_metrics_that_are_numbers() -> None:
    one = job(
        AlgorithmSpecification={
            "TrainingImage": "x",
            "TrainingInputMode": "File",
            "MetricDefinitions": [{"Name": "loss", "Regex": "loss=([^ ]+)"}],
        }
    )
    metrics = AlgorithmMetrics(one)
    for text in ("loss=0.5 loss=2e-3", "loss=nan", "loss=inf", "loss=none", "other=1"):
        metrics.read(text, 1.0)
    assert [datum["Value"] for datum in metrics.take()] == [0.5, 0.002]
    assert metrics.take() == []
    assert one.describe(1.0)["FinalMetricDataList"][0]["Value"] == 0.002


def test_capacity_is_taken_whole_or_not_at_all() -> None:
    capacity.set_limit("ml.test", 3)
    try:
        assert capacity.take({"ml.test": 2})
        assert not capacity.take({"ml.test": 2, "ml.other": 1})
        assert capacity.take({"ml.test": 1})
        capacity.give_back({"ml.test": 3})
        assert capacity.take({"ml.test": 3})
        capacity.give_back({"ml.test": 3})
    finally:
        capacity.set_limit("ml.test", None)


def test_quotas_count_what_runs() -> None:
    running = [job(), job(EnableManagedSpotTraining=True)]
    granted = {"ml.m5.large for training job usage": 3.0}
    with pytest.raises(ServiceError, match="current utilization of 2 Instances and a request delta of 2 Instances"):
        capacity.check_quotas(job(), running, lambda account, region, name: granted.get(name))
    running[0].finish("Completed", "Completed", "done")
    capacity.check_quotas(job(), running, lambda account, region, name: granted.get(name))


def test_recordio() -> None:
    assert record(b"abcde") == struct.pack("<II", 0xCED7230A, 5) + b"abcde\0\0\0"
    assert record(b"") == struct.pack("<II", 0xCED7230A, 0)


def item(name: str, size: int = 1) -> Item:
    return Item(bucket="b", object=S3Object(key=name, size_bytes=size), name=name)


def test_the_tree_of_a_streamed_channel() -> None:
    nodes = _tree([item("a"), item("a/b", 7), item("c/d/e"), item("f", 9)])
    root = nodes[fuse.ROOT_ID]
    assert root.children is not None
    assert sorted(root.children) == ["a", "c", "f"]
    assert root.children["f"].size_bytes == 9
    folder = root.children["a"].children
    assert folder is not None
    assert folder["b"].size_bytes == 7, "S3 may hold `a` and `a/b`; the folder wins"


def test_a_folder_is_listed_in_parts_that_fit() -> None:
    nodes = _tree([item(f"name-{index}") for index in range(100)])
    names, offset = [], 0
    while part := fuse.entries(nodes[fuse.ROOT_ID], offset, 200):
        while part:
            _, offset, length, _ = struct.unpack_from("<QQII", part)
            names.append(part[24 : 24 + length].decode())
            part = part[24 + length + (-length % 8) :]
    assert names == [".", "..", *(f"name-{index}" for index in range(100))]


def test_plans_survive_the_way_to_the_cell() -> None:
    node = NodePlan(
        host="algo-1",
        root="/r",
        command=["a"],
        environment={"B": "c"},
        work_folder="/",
        binds=[Bind(source="/s", target="/t", read_only=True)],
        streams=["/opt/ml/input/data/train"],
    )
    plan = CellPlan(isolation="user", cloud_port=1, nodes=[node], folder="/f")
    assert CellPlan.from_dict(plan.to_dict()) == plan


def test_addresses_of_many_nodes() -> None:
    addresses = [network.node_address(index) for index in range(600)]
    assert addresses[0] == "10.77.0.2"
    assert addresses[254] == "10.77.1.0"
    assert len(set(addresses)) == 600
    assert network.BRIDGE_ADDRESS not in addresses


def test_settings_change_together_or_not_at_all() -> None:
    before = settings.as_dict()
    with pytest.raises(ServiceError, match="isolation: 'none' is none of auto, user, root, loopback"):
        settings.change({"metric_seconds": 1, "isolation": "none"})
    with pytest.raises(ServiceError, match="metric_seconds: -1 is negative"):
        settings.change({"metric_seconds": -1})
    assert settings.as_dict() == before


def test_the_relay_carries_both_ways_and_half_closed_connections() -> None:
    import socket

    target = socket.create_server(("127.0.0.1", 0))
    listener = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=relay.serve, args=(listener, target.getsockname()), daemon=True).start()

    def echo_when_all_is_there() -> None:
        connection, _ = target.accept()
        heard = b""
        while chunk := connection.recv(1 << 16):
            heard += chunk
        connection.sendall(heard)
        connection.close()

    threading.Thread(target=echo_when_all_is_there, daemon=True).start()
    sent = os.urandom(5_000_000)
    with socket.create_connection(listener.getsockname(), 10) as client:
        client.sendall(sent)
        client.shutdown(socket.SHUT_WR)
        heard = b""
        while chunk := client.recv(1 << 16):
            heard += chunk
    assert heard == sent
    target.close()


def test_a_folder_that_a_program_locked_is_removed(tmp_path: Path) -> None:
    folder = tmp_path / "job"
    (folder / "locked" / "deep").mkdir(parents=True)
    (folder / "locked" / "deep" / "file").write_text("x")
    os.chmod(folder / "locked" / "deep", 0o500)
    os.chmod(folder / "locked", 0o500)
    remove_folder(folder)
    assert not folder.exists()
    remove_folder(folder)
