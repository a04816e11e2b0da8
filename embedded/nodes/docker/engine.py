"""Nodes as containers of their real image, on the Docker daemon of this machine."""

import os
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from contract.variables import CPUS, WITHOUT_GPUS
from embedded.nodes.cell.network import hosts_file
from embedded.nodes.docker import keeper, pulling
from embedded.nodes.docker.attempt import DockerAttempt, Plan
from embedded.nodes.docker.networks import ATTEMPT_LABEL, CLOUD_LABEL, INTERFACE, Network
from embedded.nodes.engine import CONTAINER_ROOT, AttemptSpec, NodeSpec
from embedded.nodes.image import ImageError
from embedded.process.daemon import Daemon, DaemonError, in_path
from embedded.settings import current
from embedded.weather import hosts

_CLOUD_HOST = "cloud.invalid"
"""Stands for the cloud in a node's variables until its network, and with it the cloud's address there, is made."""


class DockerEngine:
    """The engine of `yard cloud up --engine docker`."""

    def __init__(self, socket: Path) -> None:
        self.daemon = Daemon(socket)

    def network_interface(self) -> str:
        """The first and only one of a container."""
        return INTERFACE

    def cloud_host(self) -> str:
        """A name that each attempt replaces by its own network's address."""
        return _CLOUD_HOST

    def can_stream(self) -> bool:
        """FastFile is copied: a FUSE file system of this machine's would have to be mounted below a container's."""
        return False

    def prepare(self, image: str) -> None:
        """Pull the image."""
        pulling.ensure(self.daemon, image)

    def sweep(self) -> None:
        """Remove what an earlier process of this cloud has left: its keepers may have been killed as well."""
        keeper.remove(self.daemon, f"{CLOUD_LABEL}={_cloud()}")

    def start(self, spec: AttemptSpec) -> DockerAttempt:
        """Start one container per node."""
        if spec.requirements is not None:
            raise ImageError(
                f"AlgorithmError: the code's {spec.requirements.name} names packages, and nodes of the engine `docker` "
                "reach no index to install them from: add them to the image's requirements.txt and push it"
            )
        image = pulling.ensure(self.daemon, spec.image)
        self._refuse_without_program(spec, image)
        name = f"yard-{uuid.uuid4().hex[:12]}"
        labels = {ATTEMPT_LABEL: name, CLOUD_LABEL: _cloud()}
        with_cloud = spec.cloud_port is not None
        try:
            network = Network(self.daemon, name, labels, len(spec.nodes), with_cloud=with_cloud)
        except DaemonError as error:
            raise OSError(f"the Docker daemon makes no network: {error}") from error
        addresses = {node.host: network.address(index) for index, node in enumerate(spec.nodes)}
        (spec.folder / "hosts").write_text(hosts_file(addresses))
        containers = {
            node.host: _container(spec, node, image, labels, network, addresses[node.host]) for node in spec.nodes
        }
        plan = Plan(name=name, folder=spec.folder, containers=containers, cloud_port=spec.cloud_port)
        return DockerAttempt(self.daemon, plan, network)

    def _refuse_without_program(self, spec: AttemptSpec, image: str) -> None:
        if spec.entrypoint is not None:
            return
        config = self.daemon.call("GET", f"/images/{in_path(image)}/json")["Config"]
        if not config.get("Entrypoint") and not config.get("Cmd") and not spec.arguments:
            raise ImageError(
                f"ClientError: The image {spec.image} has no ENTRYPOINT and no CMD, and the job names no command"
            )


def _cloud() -> str:
    return os.environ.get("YARD_CLOUD_FOLDER", f"process {os.getpid()}")


def _container(
    spec: AttemptSpec, node: NodeSpec, image: str, labels: dict[str, str], network: Network, address: str
) -> dict[str, Any]:
    """The request that creates a node's container."""
    node.ml.mkdir(parents=True, exist_ok=True)
    variables = {name: value.replace(_CLOUD_HOST, network.gateway) for name, value in node.environment.items()}
    # A real instance has its processors to itself; nodes that all took every one here would only fight
    variables[CPUS] = str(max(len(os.sched_getaffinity(0)) // len(spec.nodes), 1))
    variables.setdefault(WITHOUT_GPUS, "1")
    memory = _memory_bytes(len(spec.nodes))
    request: dict[str, Any] = {
        "Image": image,
        "Hostname": hosts.hostname(node.host),
        "Env": [f"{name}={value}" for name, value in variables.items()],
        "Labels": labels,
        "HostConfig": {
            "Mounts": _mounts(spec, node),
            "NetworkMode": network.name,
            "LogConfig": {"Type": "none"},
            "Memory": memory,
            "MemorySwap": memory,
            # as the kernel gives a machine: data loaders hand batches over through it
            "ShmSize": memory // 2,
        },
        "NetworkingConfig": {"EndpointsConfig": {network.name: {"IPAMConfig": {"IPv4Address": address}}}},
    }
    if spec.entrypoint is not None:
        request["Entrypoint"] = list(spec.entrypoint)
    if spec.arguments is not None:
        request["Cmd"] = list(spec.arguments)
    return request


def _mounts(spec: AttemptSpec, node: NodeSpec) -> Sequence[dict[str, Any]]:
    sources = [
        (node.ml, CONTAINER_ROOT, False),
        (spec.folder / "hosts", "/etc/hosts", False),
        *node.mounts,
    ]
    return [
        {"Type": "bind", "Source": str(source.absolute()), "Target": target, "ReadOnly": read_only}
        for source, target, read_only in sources
    ]


def _memory_bytes(nodes: int) -> int:
    """A node's share of this machine's memory: one that takes more is killed, and not what else runs here."""
    if current.node_memory_mb:
        return int(current.node_memory_mb * 2**20)
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") * 9 // 10 // nodes
