"""The network of an attempt: addresses that this machine has no other use for."""

from typing import Any

import pytest

from embedded.nodes.docker import networks
from embedded.nodes.docker.networks import Network
from embedded.process.daemon import DaemonError

HEAD = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"
DEFAULT = "eth0\t00000000\t0101A8C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n"
FIRST = "br-1\t00004D0A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n"
"""10.77.0.0/24"""
WIDE = "tun0\t0000000A\t00000000\t0001\t0\t0\t0\t000000FF\t0\t0\t0\n"
"""10.0.0.0/8"""
ONE = "tun0\t0502024D\t00000000\t0005\t0\t0\t0\tFFFFFFFF\t0\t0\t0\n"


class FakeDaemon:
    """Makes networks, except those that it says overlap with another."""

    def __init__(self, *overlapping: str) -> None:
        self.made: list[dict[str, Any]] = []
        self._overlapping = overlapping

    def call(self, method: str, path: str, body: Any = None) -> Any:
        assert (method, path) == ("POST", "/networks/create")
        if body["IPAM"]["Config"][0]["Subnet"] in self._overlapping:
            raise DaemonError(403, "Pool overlaps with other one on this address space")
        self.made.append(body)
        return {"Id": "n"}


def make(daemon: FakeDaemon, routes: str, monkeypatch: pytest.MonkeyPatch, **given: Any) -> Network:
    class Routes:
        @staticmethod
        def read_text() -> str:
            return HEAD + routes

    monkeypatch.setattr(networks, "_ROUTES", Routes)
    return Network(daemon, "yard-x", {"a": "b"}, given.get("nodes", 2), with_cloud=given.get("with_cloud", True))  # type: ignore[arg-type]


def test_a_block_that_the_machine_or_the_daemon_uses_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    daemon = FakeDaemon("10.77.1.0/24")
    network = make(daemon, DEFAULT + FIRST + ONE, monkeypatch)
    assert (network.gateway, network.address(0), network.address(1)) == ("10.77.2.1", "10.77.2.2", "10.77.2.3")
    (made,) = daemon.made
    assert made["Internal"] is True and made["Labels"] == {"a": "b"}
    assert made["IPAM"]["Config"] == [{"Subnet": "10.77.2.0/24", "Gateway": "10.77.2.1"}]


def test_a_machine_that_has_all_the_addresses_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(OSError, match=r"all networks 10.77.0.0/24 to 10.77.255.0/24 are taken"):
        make(FakeDaemon(), WIDE, monkeypatch)


def test_nodes_that_may_not_reach_the_cloud_have_no_machine_on_their_network(monkeypatch: pytest.MonkeyPatch) -> None:
    with_cloud, without = FakeDaemon(), FakeDaemon()
    make(with_cloud, DEFAULT, monkeypatch)
    make(without, DEFAULT, monkeypatch, with_cloud=False)
    assert with_cloud.made[0]["Options"] == {}
    assert without.made[0]["Options"] == {"com.docker.network.bridge.inhibit_ipv4": "true"}


def test_a_job_has_no_more_nodes_than_its_network_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(OSError, match="251 nodes are more than the 250"):
        make(FakeDaemon(), DEFAULT, monkeypatch, nodes=251)


def test_what_the_daemon_refuses_otherwise_is_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    class Refusing(FakeDaemon):
        def call(self, method: str, path: str, body: Any = None) -> Any:
            raise DaemonError(500, "no bridge driver")

    with pytest.raises(DaemonError, match="no bridge driver"):
        make(Refusing(), DEFAULT, monkeypatch)
