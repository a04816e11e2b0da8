"""The other nodes: their names and order, the interface to reach them by, EFA's settings."""

from pathlib import Path

import pytest

from training.launcher import hosts, network
from training.launcher.endings.failure import LaunchError


def test_hosts_are_ordered_by_their_numbers() -> None:
    shuffled = ["algo-10", "algo-2", "algo-1", "algo-9"]
    assert hosts.natural_order(shuffled) == ("algo-1", "algo-2", "algo-9", "algo-10")
    assert hosts.natural_order(["127.0.0.10", "127.0.0.2"]) == ("127.0.0.2", "127.0.0.10")


def test_hosts_are_awaited_until_they_resolve() -> None:
    answers = iter([OSError(), OSError(), "10.0.0.2"])

    def resolve(name: str) -> str:
        if name == "algo-1":
            return "10.0.0.1"
        answer = next(answers)
        if isinstance(answer, OSError):
            raise answer
        return answer

    found = hosts.wait_for_hosts(
        ["algo-1", "algo-2"], limit_seconds=60, known={}, pause=lambda seconds: None, resolve=resolve
    )
    assert found == {"algo-1": "10.0.0.1", "algo-2": "10.0.0.2"}


def test_a_host_that_never_comes_is_named() -> None:
    def resolve(name: str) -> str:
        raise OSError

    with pytest.raises(LaunchError, match="algo-2 never came: the name did not resolve within 0 s"):
        hosts.wait_for_hosts(
            ["algo-1", "algo-2"], limit_seconds=0, known={"algo-1": "10.0.0.1"}, pause=lambda _: None, resolve=resolve
        )


def test_an_interface_that_exists_is_picked() -> None:
    present = {"lo": "127.0.0.1", "eth0": "10.0.0.5", "eth1": "10.1.0.5"}
    assert network.pick_interface("ethwe", "10.1.0.5", present) == "eth1"
    assert network.pick_interface("eth1", None, present) == "eth1"
    assert network.pick_interface("ethwe", None, present) == "eth0"
    assert network.pick_interface("eth0", "127.0.0.2", present) == "lo"
    assert network.pick_interface("ethwe", None, {"lo": "127.0.0.1"}) == "lo"
    assert network.interface_addresses()["lo"] == "127.0.0.1"


SOCKETS = {"NCCL_SOCKET_IFNAME": "eth0", "GLOO_SOCKET_IFNAME": "eth0", "TP_SOCKET_IFNAME": "eth0"}
EFA = {**SOCKETS, "FI_PROVIDER": "efa", "FI_EFA_FORK_SAFE": "1"}
RDMA = {**EFA, "FI_EFA_USE_DEVICE_RDMA": "1"}
SIMPLE = {**EFA, "NCCL_PROTO": "simple"}


@pytest.mark.parametrize(
    ("instance_type", "expected"),
    [
        ("ml.p4d.24xlarge", RDMA),
        ("ml.p5.48xlarge", RDMA),
        ("ml.p6-b200.48xlarge", RDMA),
        ("ml.p6e-gb200.36xlarge", RDMA),
        ("ml.g7e.12xlarge", RDMA),
        ("ml.g7e.48xlarge", RDMA),
        ("ml.trn1.32xlarge", RDMA),
        ("ml.trn2.48xlarge", RDMA),
        ("ml.g5.48xlarge", SIMPLE),
        ("ml.g6e.48xlarge", SIMPLE),
        ("ml.p3dn.24xlarge", SIMPLE),
        # The plugin of NCCL decides where nobody says that there is RDMA, nor that there is none
        ("ml.g7e.8xlarge", EFA),
        ("ml.p5.4xlarge", EFA),
        ("ml.g7.48xlarge", EFA),
        ("ml.g5.xlarge", SOCKETS),
    ],
)
def test_each_class_of_instances_gets_its_settings_and_no_others(instance_type: str, expected: dict[str, str]) -> None:
    hosts = ["algo-1", "algo-2"]
    assert network.network_variables(instance_type, "eth0", hosts, network.efa_table()) == expected
    assert network.network_variables(instance_type, "eth0", hosts[:1], network.efa_table()) == SOCKETS


def test_the_efa_table_is_an_extract_of_the_catalogue() -> None:
    from scripts.make_efa_table import as_text, make_table

    assert network.efa_table().keys() >= {"ml.p4d.24xlarge", "ml.p5.48xlarge", "ml.g5.48xlarge", "ml.trn1.32xlarge"}
    written = (Path(network.__file__).parent / "efa.json").read_text()
    assert written == as_text(make_table()), "run `make efa-table`"


def test_addresses_that_are_no_json_are_said() -> None:
    with pytest.raises(LaunchError, match=r"SHARDYARD_HOST_ADDRESSES must be a JSON object, not '\{'"):
        hosts.known_addresses({"SHARDYARD_HOST_ADDRESSES": "{"})
