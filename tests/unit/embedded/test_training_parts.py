"""The parts of the embedded cloud's training that need no cloud to be tested: a job's life, its cell, its limits."""

import os
import queue
import signal
import threading
from pathlib import Path
from typing import Any

import pytest

from embedded import model_check, settings
from embedded.nodes.cell import network, relay
from embedded.nodes.cell.plan import Bind, CellPlan, NodePlan
from embedded.nodes.engine import NodeExit
from embedded.nodes.folders import remove_folder
from embedded.operations import ServiceError
from embedded.services.sagemaker.jobs import capacity, endings
from embedded.services.sagemaker.jobs.endings import Inbox, Order
from embedded.services.sagemaker.jobs.metrics import AlgorithmMetrics
from embedded.services.sagemaker.training import container_files
from embedded.services.sagemaker.training.job import TrainingJob


def job(**fields: Any) -> TrainingJob:
    request = {
        "TrainingJobName": "job",
        "AlgorithmSpecification": {"TrainingImage": "x", "TrainingInputMode": "File"},
        "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 2},
        **fields,
    }
    return TrainingJob("123456789012", "us-east-1", request)


def test_resource_config_of_instance_groups() -> None:
    groups = [
        {"InstanceGroupName": "a", "InstanceType": "ml.g5.xlarge", "InstanceCount": 1},
        {"InstanceGroupName": "b", "InstanceType": "ml.m5.large", "InstanceCount": 2},
    ]
    hosts = ["algo-1", "algo-2", "algo-3"]
    config = container_files.resource_config(job(ResourceConfig={"InstanceGroups": groups}), hosts, "algo-3", "eth0")
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
