"""The first node of an mpirun job: which callers it takes for its nodes, and how many ranks each has room for."""

import json
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from training.launcher.mpirun import strategy

ROOT = Path(__file__).parents[3]

FIRST_NODE = """
import sys
from pathlib import Path
from training.launcher.mpirun import nodes as mpi_nodes
from training.launcher.supervise import Supervisor

mpi_nodes.PORT = int(sys.argv[1])
addresses = {"algo-1": "127.0.0.1", "algo-2": "127.0.0.2", "algo-3": "127.0.0.3"}
node = mpi_nodes.FirstNode(Supervisor(), Path(sys.argv[2]), addresses)
node.wait_for_nodes("127.0.0.1", ("algo-2", "algo-3"), 30.0)
print(sorted(node.slots.items()))
"""


def say(port: int, hello: bytes) -> socket.socket:
    """Call the first node, which may only be starting."""
    for _ in range(1000):
        try:
            connection = socket.create_connection(("127.0.0.1", port), timeout=30)
        except ConnectionRefusedError:
            time.sleep(0.01)
        else:
            connection.sendall(hello + b"\n")
            return connection
    raise AssertionError("the first node never listened")


def test_groups_of_different_instances_have_their_own_numbers_of_ranks_and_strangers_none(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-c", FIRST_NODE, str(port), str(tmp_path)]
    first = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    strangers = [b"GET / HTTP/1.1", b"[]", b"7", b'{"host": "algo-2"}', b'{"host": "algo-9", "slots": 8}']
    for stranger in strangers:
        with say(port, stranger) as connection:
            assert connection.recv(1) == b"", "it hangs up"
    nodes = [
        say(port, json.dumps({"host": host, "slots": slots}).encode()) for host, slots in (("algo-2", 4), ("algo-3", 1))
    ]
    assert first.communicate(timeout=30)[0] == "[('algo-2', 4), ('algo-3', 1)]\n"
    for node in nodes:
        node.close()


def test_the_total_is_the_sum_over_nodes_that_differ(tmp_path: Path) -> None:
    launch = SimpleNamespace(
        contract=SimpleNamespace(hosts=("algo-1", "algo-2")),
        addresses={"algo-1": "10.0.0.1", "algo-2": "10.0.0.2"},
        environ={"SM_NETWORK_INTERFACE_NAME": "eth0"},
    )
    command = strategy.make_command(cast(Any, launch), {"algo-1": 8, "algo-2": 4}, tmp_path / "hosts")
    assert command[command.index("-np") + 1] == "12"
    assert (tmp_path / "hosts").read_text() == "10.0.0.1 slots=8\n10.0.0.2 slots=4\n"
