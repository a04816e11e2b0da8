"""The job's own network: a bridge, one veth cable per node, and a relay to the cloud's endpoint.

It all lives in the job's network namespace, so any number of jobs can use the same addresses and ports, and the
machine never sees any of it.
"""

import os
import socket
from collections.abc import Mapping, Sequence

BRIDGE_ADDRESS = "10.77.0.1"
INTERFACE = "eth0"
_PREFIX_BITS = 16
_MTU = 65_535
"""A packet costs the same whatever it holds, and no card limits it here: the loopback's are as large."""
_BRIDGE_HARDWARE_ADDRESS = "02:79:61:72:64:01"
"""Given, it stays. A bridge's own choice is its cables' lowest, and changes under the other nodes when one leaves."""


def node_address(index: int) -> str:
    """The address of the node with this index, counted from 0."""
    high, low = divmod(index + 2, 256)
    return f"10.77.{high}.{low}"


def make_bridge() -> None:
    """Make the bridge in this network namespace."""
    ip_batch(
        [
            "link set lo up",
            f"link add yard0 address {_BRIDGE_HARDWARE_ADDRESS} mtu {_MTU} type bridge forward_delay 0",
            f"addr add {BRIDGE_ADDRESS}/{_PREFIX_BITS} dev yard0",
            "link set yard0 up",
        ]
    )


def connect_nodes(pids: Sequence[int]) -> None:
    """Lay one cable from the bridge into the network namespace of each of these processes."""
    lines = []
    for index, pid in enumerate(pids):
        lines.append(f"link add cable{index} mtu {_MTU} type veth peer name {INTERFACE} mtu {_MTU} netns {pid}")
        lines.append(f"link set cable{index} master yard0 up")
    ip_batch(lines)


def configure_node(address: str) -> None:
    """Give this namespace's end of the cable its address. There is no default route, so a node has no way out."""
    ip_batch(
        [
            "link set lo up",
            f"addr add {address}/{_PREFIX_BITS} dev {INTERFACE}",
            f"link set {INTERFACE} up",
        ]
    )


def listen(address: str, port: int) -> socket.socket:
    """Listen in this network for requests to the cloud."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((address, port))
    listener.listen(128)
    return listener


def hosts_file(addresses: Mapping[str, str]) -> str:
    """The text of a node's /etc/hosts.

    Torch looks up the name of each peer by its address, which a socket for both families gives as one of IPv6; without
    a line for it, a resolver would be asked that is not there. The name differs, so that no host has two addresses.
    The ranks of a single node meet at 127.0.0.1.
    """
    lines = ["127.0.0.1 localhost", "::1 localhost ip6-localhost ip6-loopback", "::ffff:127.0.0.1 localhost.ipv6"]
    lines += [f"{address} {host}" for host, address in addresses.items()]
    lines += [f"::ffff:{address} {host}.ipv6" for host, address in addresses.items()]
    return "\n".join(lines) + "\n"


def ip_batch(lines: Sequence[str]) -> None:
    """Run `ip -batch` over these lines: one process for all, because a node must start within milliseconds."""
    read_end, write_end = os.pipe()
    error_read, error_write = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.dup2(read_end, 0)
        os.dup2(error_write, 2)
        os.closerange(3, 256)
        try:
            os.execvp("ip", ["ip", "-batch", "-"])
        finally:
            os._exit(127)
    os.close(read_end)
    os.close(error_write)
    with os.fdopen(write_end, "w") as batch:
        batch.write("\n".join(lines) + "\n")
    with os.fdopen(error_read) as errors:
        said = errors.read()
    _, status = os.waitpid(pid, 0)
    if status != 0:
        code = os.waitstatus_to_exitcode(status)
        raise OSError(f"`ip -batch` ended with {code}: {said.strip() or 'is iproute2 installed?'}")
