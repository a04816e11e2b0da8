"""The network of one attempt: a bridge without a way out, on which the cloud answers at the bridge's own address."""

from pathlib import Path
from typing import Any

from embedded.process.daemon import Daemon, DaemonError

INTERFACE = "eth0"
ATTEMPT_LABEL = "io.shardyard.attempt"
"""On all that is made for an attempt; its value is the attempt's name."""
CLOUD_LABEL = "io.shardyard.cloud"
"""The folder of the cloud that made it."""
_NODES_MOST = 250
_ROUTES = Path("/proc/net/route")


class Network:
    """One network, of addresses that nothing else on this machine has."""

    def __init__(self, daemon: Daemon, name: str, labels: dict[str, str], nodes: int, *, with_cloud: bool) -> None:
        if nodes > _NODES_MOST:
            raise OSError(f"{nodes} nodes are more than the {_NODES_MOST} containers that a job may have here")
        self._daemon, self.name = daemon, name
        taken = _taken(_ROUTES.read_text())
        for block in range(256):
            if _number(block) in taken:
                continue
            try:
                self._make(block, labels, with_cloud=with_cloud)
            except DaemonError as error:
                if "overlap" not in str(error):
                    raise
                continue
            self.prefix = f"10.77.{block}."
            return
        raise OSError("all networks 10.77.0.0/24 to 10.77.255.0/24 are taken on this machine: run fewer jobs at once")

    @property
    def gateway(self) -> str:
        """The machine's address on the bridge."""
        return f"{self.prefix}1"

    def address(self, index: int) -> str:
        """The address of the node with this index, counted from 0."""
        return f"{self.prefix}{index + 2}"

    def _make(self, block: int, labels: dict[str, str], *, with_cloud: bool) -> None:
        options = {} if with_cloud else {"com.docker.network.bridge.inhibit_ipv4": "true"}
        request: dict[str, Any] = {
            "Name": self.name,
            "CheckDuplicate": True,
            "Driver": "bridge",
            "Internal": True,
            "IPAM": {"Config": [{"Subnet": f"10.77.{block}.0/24", "Gateway": f"10.77.{block}.1"}]},
            "Options": options,
            "Labels": labels,
        }
        self._daemon.call("POST", "/networks/create", request)


def _number(block: int) -> int:
    """The network's number as the kernel's table of routes writes it: the lowest byte first."""
    return 10 | 77 << 8 | block << 16


def _taken(routes: str) -> set[int]:
    """The numbers of our blocks that a route of this machine, other than the default one, covers."""
    found = set()
    for line in routes.splitlines()[1:]:
        _, destination, _, _, _, _, _, mask, *_ = line.split()
        number, bits = int(destination, 16), int(mask, 16)
        if bits:
            found |= {_number(block) for block in range(256) if _number(block) & bits & 0xFFFFFF == number & 0xFFFFFF}
    return found
