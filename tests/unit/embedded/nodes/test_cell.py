"""A cell's plan, its network and what is left of it."""

import os
import socket
import sys
import threading
from pathlib import Path

import pytest

from embedded.nodes import sandbox
from embedded.nodes.cell import network, relay
from embedded.nodes.cell.plan import Bind, CellPlan, NodePlan
from embedded.nodes.folders import remove_folder


def test_plans_survive_the_way_to_the_cell() -> None:
    node = NodePlan(
        host="algo-1",
        hostname="algo-1",
        root="/r",
        command=["a"],
        environment={"B": "c"},
        work_folder="/",
        visible=["/usr"],
        binds=[Bind(source="/s", target="/t", read_only=True)],
        streams=["/opt/ml/input/data/train"],
    )
    plan = CellPlan(isolation="user", cloud_port=1, nodes=[node], folder="/f")
    assert CellPlan.from_dict(plan.to_dict()) == plan


def test_a_machine_without_namespaces_is_said_in_the_log(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    sandbox.best.cache_clear()
    try:
        assert sandbox.best().isolation == "loopback"
    finally:
        sandbox.best.cache_clear()
    (said,) = caplog.messages
    assert said == f"{sandbox.NOT_KEPT_APART} (darwin has no namespaces)"


def test_addresses_of_many_nodes() -> None:
    addresses = [network.node_address(index) for index in range(600)]
    assert addresses[0] == "10.77.0.2"
    assert addresses[254] == "10.77.1.0"
    assert len(set(addresses)) == 600
    assert network.BRIDGE_ADDRESS not in addresses


def test_the_relay_carries_both_ways_and_half_closed_connections() -> None:
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
