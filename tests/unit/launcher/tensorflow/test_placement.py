"""Who is who in a TensorFlow cluster, and what TF_CONFIG says of it."""

import json
from pathlib import Path
from typing import Any

import pytest

from training.launcher.endings.failure import LaunchError
from training.launcher.forking.order import Task
from training.launcher.inputs import Contract
from training.launcher.tensorflow.placement import cluster, place, task_environ

GROUPS = [
    {"instance_group_name": "gpu", "instance_type": "ml.g5.xlarge", "hosts": ["algo-1", "algo-3"]},
    {"instance_group_name": "cpu", "instance_type": "ml.c5.xlarge", "hosts": ["algo-2", "algo-10"]},
]


def contract(hosts: int = 2, *, groups: list[dict[str, Any]] | None = None) -> Contract:
    names = tuple(f"algo-{number + 1}" for number in range(hosts))
    if groups is not None:
        names = ("algo-1", "algo-2", "algo-3", "algo-10")
    return Contract(
        base=Path("/opt/ml"),
        hyperparameters={},
        framework_parameters={},
        channels={},
        resource={"instance_groups": groups or []},
        hosts=names,
        current_host=names[0],
    )


def placed(one: Contract, *, workers_per_host: int = 1, **environ: str) -> dict[str, str]:
    addresses = {host: f"10.0.0.{host.removeprefix('algo-')}" for host in one.hosts}
    tasks = place(one, addresses, workers_per_host=workers_per_host, environ=environ)
    assert all(task.address == addresses[task.host] for task in tasks)
    return {task.name: task.host for task in tasks}


def test_without_parameter_servers_every_host_has_a_worker() -> None:
    assert placed(contract(2)) == {"worker 0": "algo-1", "worker 1": "algo-2"}
    assert placed(contract(1)) == {"worker 0": "algo-1"}
    assert placed(contract(2), workers_per_host=2) == {
        "worker 0": "algo-1",
        "worker 1": "algo-1",
        "worker 2": "algo-2",
        "worker 3": "algo-2",
    }


def test_parameter_servers_are_spread_from_the_last_host_on_and_the_first_has_the_chief() -> None:
    assert placed(contract(2), SHARDYARD_PARAMETER_SERVERS="1") == {
        "chief": "algo-1",
        "worker 0": "algo-1",
        "worker 1": "algo-2",
        "ps 0": "algo-2",
    }
    three = placed(contract(2), SHARDYARD_PARAMETER_SERVERS="3")
    assert [three[f"ps {number}"] for number in range(3)] == ["algo-2", "algo-1", "algo-2"]


def test_a_group_of_servers_has_one_each_and_no_worker() -> None:
    hetero = contract(groups=GROUPS)
    assert placed(hetero, SHARDYARD_SERVER_GROUP="cpu") == {
        "chief": "algo-1",
        "worker 0": "algo-1",
        "worker 1": "algo-3",
        "ps 0": "algo-2",
        "ps 1": "algo-10",
    }
    fewer = placed(hetero, SHARDYARD_SERVER_GROUP="cpu", SHARDYARD_PARAMETER_SERVERS="1")
    assert fewer["ps 0"] == "algo-2" and "ps 1" not in fewer and "algo-10" not in fewer.values()


def test_groups_alone_are_all_workers() -> None:
    assert set(placed(contract(groups=GROUPS))) == {f"worker {number}" for number in range(4)}


@pytest.mark.parametrize(
    ("environ", "says"),
    [
        ({"SHARDYARD_SERVER_GROUP": "tpu"}, r"'tpu', which is no instance group of this job \(cpu, gpu\)"),
        ({"SHARDYARD_PARAMETER_SERVERS": "-1"}, "a whole number of at least 0, not '-1'"),
        ({"SHARDYARD_PARAMETER_SERVERS": "many"}, "a whole number of at least 0, not 'many'"),
        ({"SHARDYARD_PARAMETER_SERVERS": "0", "SHARDYARD_SERVER_GROUP": "cpu"}, "at least 1, not '0'"),
    ],
)
def test_what_cannot_be_placed_is_refused(environ: dict[str, str], says: str) -> None:
    with pytest.raises(LaunchError, match=says):
        placed(contract(groups=GROUPS), **environ)


def test_a_group_that_holds_every_host_leaves_none_for_a_worker() -> None:
    every = [{"instance_group_name": "cpu", "hosts": ["algo-1", "algo-2", "algo-3", "algo-10"]}]
    with pytest.raises(LaunchError, match="every host is in the group cpu of the parameter servers"):
        placed(contract(groups=every), SHARDYARD_SERVER_GROUP="cpu")


CHIEF = Task(kind="chief", index=0, host="algo-1", address="10.0.0.1")
WORKER = Task(kind="worker", index=1, host="algo-2", address="10.0.0.2")
CLUSTER = cluster((CHIEF, WORKER), {"chief": 7001, "worker 1": 7002})


def given(task: Task, *, workers: int = 1, **environ: str) -> dict[str, str]:
    return task_environ(task, CLUSTER, {"OMP_NUM_THREADS": "4", **environ}, local=1, workers=workers)


def test_tf_config_names_all_tasks_and_the_task_itself() -> None:
    assert json.loads(given(WORKER)["TF_CONFIG"]) == {
        "cluster": {"chief": ["10.0.0.1:7001"], "worker": ["10.0.0.2:7002"]},
        "task": {"type": "worker", "index": 1},
    }


def test_a_tf_config_of_the_jobs_own_stays() -> None:
    assert "TF_CONFIG" not in given(WORKER, TF_CONFIG="{}")


def test_only_workers_see_gpus_and_several_of_a_host_share_them() -> None:
    assert "CUDA_VISIBLE_DEVICES" not in given(WORKER, SM_NUM_GPUS="4"), "one worker takes all"
    assert given(WORKER, workers=4, SM_NUM_GPUS="4")["CUDA_VISIBLE_DEVICES"] == "1"
    assert given(CHIEF, SM_NUM_GPUS="4")["CUDA_VISIBLE_DEVICES"] == "-1"
    assert "CUDA_VISIBLE_DEVICES" not in given(CHIEF, SM_NUM_GPUS="0")
    assert "CUDA_VISIBLE_DEVICES" not in given(CHIEF, SM_NUM_GPUS="4", CUDA_VISIBLE_DEVICES="0"), "the job's own"


def test_threads_are_shared_unless_the_job_says_how_many() -> None:
    assert given(WORKER)["TF_NUM_INTRAOP_THREADS"] == "4"
    assert "TF_NUM_INTRAOP_THREADS" not in given(WORKER, TF_NUM_INTRAOP_THREADS="1")
