"""The cell's own program: reads its plan from the control socket (its standard input), and reports on it."""

import json
import os
import selectors
import shutil
import signal
import socket
import sys
from collections.abc import Sequence
from typing import Any

from embedded.nodes.cell import libc, network, relay
from embedded.nodes.cell.node import Node, spawn
from embedded.nodes.cell.plan import CellPlan
from embedded.nodes.cell.processes import kill_descendants

_CLOUD_HOST = "127.0.0.1"
_PLAN_BYTES_MOST = 1 << 24


class Cell:
    """One attempt. It lives until every node has ended, or until the server closes the socket."""

    def __init__(self, control: socket.socket, plan: CellPlan, outputs: list[int]) -> None:
        self._control, self._plan, self._outputs = control, plan, outputs
        self._nodes: list[Node] = []
        self._received = b""

    def run(self) -> None:
        """Make the nodes, run them, and report each one's end."""
        self._make()
        for node in self._nodes:
            devices = node.devices()
            self._say(devices, event="started", host=node.plan.host, pid=node.program, devices=len(devices))
            for device in devices:
                os.close(device)
        selector = selectors.DefaultSelector()
        selector.register(self._control, selectors.EVENT_READ)
        for node in self._nodes:
            selector.register(node.reports, selectors.EVENT_READ, node)
        running = len(self._nodes)
        while running:
            for key, _ in selector.select():
                if key.data is None:
                    self._obey()
                else:
                    selector.unregister(key.fileobj)
                    self._note_end(key.data)
                    running -= 1

    def _make(self) -> None:
        namespaces = self._plan.isolation != "loopback"
        if namespaces:
            self._make_network()
        for index, (plan, output) in enumerate(zip(self._plan.nodes, self._outputs, strict=True)):
            self._nodes.append(spawn(plan, output, network.node_address(index), namespaces=namespaces))
            os.close(output)
        for node in self._nodes:
            node.expect("made")
        if namespaces:
            network.connect_nodes([node.keeper for node in self._nodes])
        for node in self._nodes:
            node.go.write("go\n")
        for node in self._nodes:
            node.program = int(node.expect("started"))

    def _make_network(self) -> None:
        port = self._plan.cloud_port
        kept = (*self._outputs, self._control.fileno())
        outside = None if port is None else relay.start((_CLOUD_HOST, port), close=kept)
        libc.enter_namespaces(libc.CLONE_NEWNET, as_user=self._plan.isolation == "user")
        network.make_bridge()
        if outside is not None and port is not None:
            relay.hand_over(network.listen(network.BRIDGE_ADDRESS, port), outside)

    def _note_end(self, node: Node) -> None:
        said = node.reports.readline().split()
        node.exit_code = int(said[1]) if said[:1] == ["exited"] else 128 + signal.SIGKILL
        self._say(event="exited", host=node.plan.host, code=node.exit_code)

    def _obey(self) -> None:
        chunk = self._control.recv(4096)
        if not chunk:
            self._abandoned()
        self._received += chunk
        *lines, self._received = self._received.split(b"\n")
        for line in lines:
            order = json.loads(line)
            if "sockets" in order:
                self._give_sockets(order["sockets"])
                continue
            for node in self._nodes:
                if node.exit_code is None and order["host"] in (node.plan.host, None):
                    self._signal(node, order["signal"])

    def _give_sockets(self, count: int) -> None:
        """Sockets of the nodes' network: a socket stays in the network that it was made in, whoever connects it."""
        made = [socket.socket(socket.AF_INET, socket.SOCK_STREAM) for _ in range(count)]
        try:
            self._say([one.fileno() for one in made], event="sockets", count=count)
        finally:
            for one in made:
                one.close()

    def _signal(self, node: Node, number: int) -> None:
        if number == signal.SIGKILL and self._plan.isolation == "loopback":
            kill_descendants(node.keeper)
        try:
            os.kill(node.program, number)
        except ProcessLookupError:
            return

    def _abandoned(self) -> None:
        """The server is gone: remove the nodes and their files, which no one will ask for again."""
        kill_descendants(os.getpid())
        shutil.rmtree(self._plan.folder, ignore_errors=True)
        os._exit(0)

    def _say(self, devices: Sequence[int] = (), /, **event: Any) -> None:
        line = json.dumps(event).encode() + b"\n"
        sent = socket.send_fds(self._control, [line], devices) if devices else 0
        self._control.sendall(line[sent:])


def _receive_plan(control: socket.socket) -> tuple[CellPlan, list[int]]:
    """The plan is one line; the nodes' output descriptors come with its first bytes."""
    data, fds, _, _ = socket.recv_fds(control, 1 << 16, 1024)
    while not data.endswith(b"\n") and len(data) < _PLAN_BYTES_MOST:
        chunk = control.recv(1 << 16)
        if not chunk:
            sys.exit("the server ended before it sent a plan")
        data += chunk
    return CellPlan.from_dict(json.loads(data)), fds


def main() -> None:
    """Run one cell."""
    os.setsid()
    control = socket.socket(fileno=os.dup(0))
    plan, outputs = _receive_plan(control)
    cell = Cell(control, plan, outputs)
    try:
        cell.run()
    except OSError as error:
        control.sendall(json.dumps({"event": "failed", "message": str(error)}).encode() + b"\n")
    finally:
        kill_descendants(os.getpid())


if __name__ == "__main__":
    main()
