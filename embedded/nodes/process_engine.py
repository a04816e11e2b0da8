"""Nodes as process trees in their own namespaces, in the virtual environment that stands in for their image."""

import hashlib
import os
import sys
from collections.abc import Sequence

from embedded.nodes import image, image_environment, node_plans, sandbox
from embedded.nodes.cell import network
from embedded.nodes.cell.plan import CellPlan, Isolation
from embedded.nodes.cell_attempt import CellAttempt
from embedded.nodes.engine import AttemptSpec
from embedded.settings import current


class ProcessEngine:
    """The default engine: needs only Linux, and falls back to plain processes if namespaces are forbidden."""

    def isolation(self) -> Isolation:
        """How its nodes are isolated."""
        return sandbox.best().isolation if current.isolation == "auto" else current.isolation

    def network_interface(self) -> str:
        """The node's end of its cable; in the fallback the machine's loopback."""
        if self.isolation() != "loopback":
            return network.INTERFACE
        return "lo" if sys.platform == "linux" else "lo0"

    def addresses(self, hosts: Sequence[str], seed: str) -> dict[str, str]:
        """On the job's bridge; in the fallback loopback addresses, which the seed keeps apart from other jobs'."""
        if self.isolation() != "loopback":
            return {host: network.node_address(index) for index, host in enumerate(hosts)}
        if sys.platform != "linux":
            # other systems only have 127.0.0.1
            return {host: "127.0.0.1" for host in hosts}
        first, second = hashlib.sha256(seed.encode()).digest()[:2]
        return {host: f"127.{first | 1}.{second}.{index + 2}" for index, host in enumerate(hosts)}

    def cloud_host(self) -> str:
        """The bridge's address; in the fallback, the machine's loopback."""
        return "127.0.0.1" if self.isolation() == "loopback" else network.BRIDGE_ADDRESS

    def can_stream(self) -> bool:
        """Whether the machine lets a node mount FUSE."""
        return sandbox.can_stream(self.isolation())

    def prepare(self, image_uri: str) -> None:
        """Make the image's environment if it is missing."""
        image_environment.ensure(image.load(image_uri, current.project_root).requirements)

    def start(self, spec: AttemptSpec) -> CellAttempt:
        """Start a cell with one node per instance."""
        found = image.load(spec.image, current.project_root)
        python = image_environment.ensure(found.requirements)
        if spec.requirements is not None:
            python = image_environment.extend(python, spec.requirements)
        isolation = self.isolation()
        addresses = self.addresses([node.host for node in spec.nodes], str(spec.folder))
        for node in spec.nodes:
            for name in ("ml", "root", *node_plans.OWN_FOLDERS.values()):
                (node.folder / name).mkdir(parents=True, exist_ok=True)
        (spec.folder / "hosts").write_text(network.hosts_file(addresses))
        plan = CellPlan(
            isolation=isolation,
            cloud_port=spec.cloud_port,
            nodes=[
                node_plans.at_moved_root(spec, node, found, python, addresses)
                if isolation == "loopback"
                else node_plans.in_namespaces(spec, node, found, python)
                for node in spec.nodes
            ],
            folder=str(spec.folder),
        )
        outputs, write_ends = {}, []
        for node in spec.nodes:
            outputs[node.host], write_end = os.pipe()
            write_ends.append(write_end)
        try:
            return CellAttempt(plan, outputs, write_ends, addresses)
        except OSError:
            for output in outputs.values():
                os.close(output)
            raise
        finally:
            for write_end in write_ends:
                os.close(write_end)
