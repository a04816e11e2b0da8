"""Turns the specification of a node into a plan for the cell: in namespaces, or at a moved root."""

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from contract.paths import BASE_VARIABLE
from contract.requirements import digest
from contract.variables import CPUS, HOST_ADDRESSES, REQUIREMENTS_SHA256, WITHOUT_GPUS
from embedded.nodes import image_files
from embedded.nodes.cell.plan import Bind, NodePlan
from embedded.nodes.engine import CONTAINER_ROOT, AttemptSpec, NodeSpec
from embedded.nodes.image import Image, ImageError
from embedded.weather import hosts

OWN_FOLDERS = {"/tmp": "tmp", "/var/tmp": "var-tmp", "/root": "home"}
"""Folders of the node alone, and their names in its folder on the machine."""
_LOOPBACK_PATCH = Path(__file__).parent / "loopback"


def in_namespaces(spec: AttemptSpec, node: NodeSpec, image: Image, python: Path) -> NodePlan:
    """A node that sees the container's paths; `spec.folder` contains the job's `hosts` file."""
    name = hosts.hostname(node.host)
    hostname = node.folder / "hostname"
    hostname.write_text(f"{name}\n")
    binds = [Bind(source=str(node.ml), target=CONTAINER_ROOT)]
    binds += [Bind(source=str(node.folder / name), target=target) for target, name in OWN_FOLDERS.items()]
    binds.append(Bind(source=str(spec.folder / "hosts"), target="/etc/hosts"))
    binds.append(Bind(source=str(hostname), target="/etc/hostname"))
    binds += [Bind(source=str(source), target=target, read_only=True) for source, target in image.copies]
    binds += [Bind(source=str(source), target=target, read_only=only) for source, target, only in node.mounts]
    return NodePlan(
        host=node.host,
        hostname=name,
        root=str(node.folder),
        command=_command(spec, image),
        environment=_variables(spec, node, image, python, name),
        work_folder=image.work_folder,
        visible=image_files.visible(python),
        binds=binds,
        streams=list(node.streams),
    )


def at_moved_root(
    spec: AttemptSpec, node: NodeSpec, image: Image, python: Path, addresses: Mapping[str, str]
) -> NodePlan:
    """A node without namespaces: its environment names the moved folders, and its command's paths are moved."""
    moved = {target: str(source) for source, target in image.copies}
    moved[CONTAINER_ROOT] = str(node.ml)
    for source, target, _ in node.mounts:
        link = Path(_moved(target, moved))
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(source)
    variables = _variables(spec, node, image, python, node.host)
    variables[BASE_VARIABLE] = str(node.ml)
    variables[HOST_ADDRESSES] = json.dumps(dict(addresses))
    variables["TMPDIR"] = str(node.folder / "tmp")
    variables["HOME"] = str(node.folder / "home")
    search = [_moved(part, moved) for part in variables.get("PYTHONPATH", "").split(":") if part]
    # a package that COPY puts below a folder of PYTHONPATH lies elsewhere here: add its parent instead
    parents = [str(source.parent) for source, _ in image.copies if source.is_dir()]
    variables["PYTHONPATH"] = ":".join(dict.fromkeys([str(_LOOPBACK_PATCH), *search, *parents]))
    start = _moved(image.work_folder, moved)
    return NodePlan(
        host=node.host,
        hostname=node.host,
        root=str(node.folder),
        command=[_moved(word, moved) for word in _command(spec, image)],
        environment=variables,
        work_folder=start if os.path.isdir(start) else str(node.ml),
        visible=[],
        binds=[],
    )


def _command(spec: AttemptSpec, image: Image) -> list[str]:
    """As Docker puts it together from what the image has and what is asked for."""
    if spec.entrypoint is not None:
        return [*spec.entrypoint, *(spec.arguments or ())]
    command = [*image.entrypoint, *(image.arguments if spec.arguments is None else spec.arguments)]
    if not command:
        raise ImageError(
            f"ClientError: The image {spec.image} has no ENTRYPOINT and no CMD, and the job names no command"
        )
    return command


def _variables(spec: AttemptSpec, node: NodeSpec, image: Image, python: Path, hostname: str) -> dict[str, str]:
    variables = {"HOME": "/root", "LANG": "C.UTF-8", "HOSTNAME": hostname, **image.environment, **node.environment}
    # A real instance has its processors to itself; nodes that all took every one here would only fight
    variables[CPUS] = str(max(_processors() // len(spec.nodes), 1))
    if spec.requirements is not None:
        variables[REQUIREMENTS_SHA256] = digest(spec.requirements.read_bytes())
    variables["PATH"] = f"{python / 'bin'}:{variables['PATH']}"
    variables["VIRTUAL_ENV"] = str(python)
    variables[WITHOUT_GPUS] = "1"
    return variables


def _processors() -> int:
    """How many this machine has for all nodes together."""
    if sys.platform != "linux":
        count = os.cpu_count()
        return 1 if count is None else count
    return len(os.sched_getaffinity(0))


def _moved(path: str, moved: Mapping[str, str]) -> str:
    for target, source in moved.items():
        if path == target or path.startswith(target + "/"):
            return source + path[len(target) :]
    return path
