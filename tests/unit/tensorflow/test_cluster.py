"""Who a process is, read from TF_CONFIG; no TensorFlow is needed for that."""

import json
from typing import Any

import pytest

from training.tensorflow.cluster import BadCluster, Cluster

TWO = {"worker": ["a:1", "b:1"]}
SERVED = {"chief": ["c:1"], "ps": ["p:1"], "worker": ["a:1", "b:1"]}


def read(config: Any) -> Cluster | None:
    return Cluster.from_environ({"TF_CONFIG": config if isinstance(config, str) else json.dumps(config)})


@pytest.mark.parametrize("config", ["", "  ", {}, {"task": {"type": "worker", "index": 0}}])
def test_without_a_cluster_a_process_is_alone(config: Any) -> None:
    assert read(config) is None
    assert Cluster.from_environ({}) is None


def test_equal_workers_are_ranks_and_the_chief_is_the_first_of_them() -> None:
    cluster = read({"cluster": {"worker": ["a:1", "b:1"], "chief": ["c:1"]}, "task": {"type": "worker", "index": 1}})
    assert cluster is not None
    assert [str(task) for task in cluster.equals] == ["chief 0 (c:1)", "worker 0 (a:1)", "worker 1 (b:1)"]
    assert cluster.equals.index(cluster.me) == 2
    assert not cluster.has_servers


def test_a_task_beside_servers() -> None:
    cluster = read({"cluster": SERVED, "task": {"type": "ps", "index": "0"}})
    assert cluster is not None
    assert cluster.has_servers
    assert str(cluster.me) == "ps 0 (p:1)"


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ("{", "TF_CONFIG is not JSON"),
        ({"cluster": [1]}, r"cluster is \[1\], and a mapping"),
        ({"cluster": {"evaluator": ["a:1"]}}, "tasks of type 'evaluator'; known: chief, worker, ps"),
        ({"cluster": {"worker": "a:1"}}, "worker is 'a:1', and a list of host:port"),
        ({"cluster": {"worker": ["a"]}}, r"worker is \['a'\], and a list of host:port"),
        ({"cluster": {"worker": ["a:1", "a:1"]}}, "gives a:1 to more than one task"),
        ({"cluster": {"chief": ["a:1", "b:1"]}}, "more than one chief"),
        ({"cluster": TWO}, "task is None, and a type and an index are meant"),
        ({"cluster": TWO, "task": {"type": "worker"}}, "a type and an index are meant"),
        (
            {"cluster": TWO, "task": {"type": "worker", "index": 2}},
            "task is worker 2, which its cluster does not have: worker 0, worker 1",
        ),
        (
            {"cluster": {"ps": ["p:1"], "worker": ["a:1"]}, "task": {"type": "ps", "index": 0}},
            "parameter servers and no chief",
        ),
        ({"cluster": {"ps": ["p:1"], "chief": ["a:1"]}, "task": {"type": "ps", "index": 0}}, "and no worker"),
        ({"cluster": {}, "task": {"type": "worker", "index": 0}}, "which its cluster does not have"),
    ],
)
def test_what_is_no_cluster_is_said_with_its_value(config: Any, message: str) -> None:
    with pytest.raises(BadCluster, match=message):
        read(config)
