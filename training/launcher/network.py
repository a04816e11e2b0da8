"""The network between the nodes: an interface that exists, and what EFA and NCCL need on this instance type."""

import fcntl
import json
import pkgutil
import socket
import struct
from collections.abc import Mapping, Sequence
from typing import Any

_SIOCGIFADDR = 0x8915


def interface_addresses() -> dict[str, str]:
    """Each network interface of this machine with its IPv4 address; interfaces without one are left out."""
    found: dict[str, str] = {}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        for _, name in socket.if_nameindex():
            request = struct.pack("256s", name.encode()[:15])
            try:
                answer = fcntl.ioctl(probe.fileno(), _SIOCGIFADDR, request)
            except OSError:
                continue
            found[name] = socket.inet_ntoa(answer[20:24])
    return found


def pick_interface(named: str | None, address: str | None, present: Mapping[str, str]) -> str:
    """The interface that the nodes reach each other through.

    The one that owns this host's address is certain; the one that SageMaker names is next, since the file has
    been wrong (`ethwe`); then the first that is not the loopback.
    """
    for name, owned in present.items():
        if owned == address:
            return name
    if address is not None and address.startswith("127."):
        return "lo"
    if named is not None and named in present:
        return named
    return next((name for name in present if name != "lo"), "lo")


def efa_table() -> dict[str, dict[str, Any]]:
    """Instance types with EFA."""
    table: dict[str, dict[str, Any]] = _extract()["instances"]
    return table


def neuron_cores(instance_type: str) -> int:
    """The Neuron cores of an instance type; 0 where it has none. A device has several, and its file says nothing."""
    return int(_extract()["neuron_cores"].get(instance_type, 0))


def gpus(instance_type: str) -> int:
    """The GPUs of an instance type; 0 where it has none, or is not known."""
    return int(_extract()["gpus"].get(instance_type, 0))


def _extract() -> dict[str, Any]:
    """An extract of the instance catalogue (`make efa-table` writes it)."""
    content = pkgutil.get_data("training.launcher", "efa.json")
    extract: dict[str, Any] = (
        {"instances": {}, "neuron_cores": {}, "gpus": {}} if content is None else json.loads(content)
    )
    return extract


def network_variables(
    instance_type: str, interface: str, hosts: Sequence[str], table: Mapping[str, Mapping[str, Any]]
) -> dict[str, str]:
    """The variables for NCCL, gloo and libfabric; the launcher sets each one only where the user did not."""
    variables = {"NCCL_SOCKET_IFNAME": interface, "GLOO_SOCKET_IFNAME": interface, "TP_SOCKET_IFNAME": interface}
    efa = table.get(instance_type)
    if efa is None or len(hosts) == 1:
        return variables
    variables["FI_PROVIDER"] = "efa"
    # The workers are forked; without it, memory that is registered with the adapter breaks in a child on older kernels.
    # Not RDMAV_FORK_SAFE, which looks the same and breaks things on newer ones (aws-ofi-nccl, doc/efa-env-var.md)
    variables["FI_EFA_FORK_SAFE"] = "1"
    if efa["rdma"] is True:
        variables["FI_EFA_USE_DEVICE_RDMA"] = "1"
    elif efa["rdma"] is False:
        # Without RDMA reads the LL and LL128 protocols do not keep their ordering over EFA. Where it is not known
        # nothing is forced: a plugin that is newer than such an instance type sets this itself where it has to
        variables["NCCL_PROTO"] = "simple"
    return variables
