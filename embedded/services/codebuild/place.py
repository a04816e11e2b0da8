"""Where a build runs: a cell that sees its source, its /tmp, an image's programs and the cloud, and nothing else."""

import importlib.util
import json
import os
import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from embedded import clients
from embedded.nodes import cell_attempt, image_files, sandbox
from embedded.nodes.cell import network
from embedded.nodes.cell.plan import Bind, CellPlan, Isolation, NodePlan
from embedded.nodes.docker import door as doors
from embedded.process import engines
from embedded.process.daemon import Daemon
from embedded.services.codebuild import shell
from embedded.services.codebuild.buildspec import Phase
from embedded.settings import current

_ROOT = "/codebuild"
_PACKAGES = (
    *("boto3", "botocore", "s3transfer", "jmespath", "dateutil", "urllib3", "six"),
    *("embedded", "shardyard", "contract", "pathspec"),
)
"""What the stand-ins of `docker` and `aws` are made of."""
_TOOLS = ("docker", "aws")
_AWS = """#!/bin/sh
for real in /usr/local/bin/aws /usr/bin/aws /bin/aws; do
  [ -x "$real" ] && exec "$real" --endpoint-url "$AWS_ENDPOINT_URL" "$@"
done
exec "${0%/first/aws}/last/aws" "$@"
"""
"""The machine's own command where it has one, told the endpoint: before 1.29 and 2.13 it heeds no AWS_ENDPOINT_URL."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Running:
    """A build's process."""

    process: subprocess.Popen[bytes]
    answers: int
    """Where it tells of its phases."""
    door: doors.Door | None = None
    """What it reaches of the Docker daemon, where nodes are containers and its project is privileged."""


def refusal() -> str | None:
    """Why no build runs here; None where one may."""
    if isolation() != "loopback" or current.isolation == "loopback" or current.allow_unisolated:
        return None
    return (
        f"here {sandbox.NOT_KEPT_APART.partition(';')[0]}, so builds do not run. If you trust them: "
        "yard cloud settings allow_unisolated=true, or yard cloud up --allow-unisolated"
    )


def isolation() -> Isolation:
    """How builds are kept apart from the machine."""
    return sandbox.best().isolation if current.isolation == "auto" else current.isolation


def start(folder: Path, phases: Sequence[Phase], environment: Mapping[str, str], output: int) -> Running:
    """Start a build in its folder, whose `source` is what it works on; all that it prints goes to `output`."""
    kind = isolation()
    is_plain = kind == "loopback"
    root = str(folder) if is_plain else _ROOT
    for name in ("source", "tmp", "tools", "root", "door"):
        (folder / name).mkdir(exist_ok=True)
    (folder / "plan.json").write_text(
        json.dumps({"folder": f"{root}/source", "phases": [asdict(phase) for phase in phases]})
    )
    (folder / "shell.py").write_text(Path(shell.__file__).read_text())
    daemon = engines.docker_socket()
    _write_tools(folder / "tools", is_plain=is_plain, has_daemon=daemon is not None)
    door = None
    if daemon is not None and environment["YARD_PRIVILEGED"] == "1":
        door = doors.Door(Daemon(daemon), folder / "door")
    variables = {
        **environment,
        "CODEBUILD_SRC_DIR": f"{root}/source",
        # a real docker here would have no engine behind it; a real aws is as good as ours, once it is told where to go
        "PATH": f"{root}/tools/first:/usr/local/bin:/usr/bin:/bin:{root}/tools/last",
        "TMPDIR": f"{root}/tmp" if is_plain else "/tmp",
        "HOME": f"{root}/tmp" if is_plain else "/tmp",
    }
    command = [image_files.python(), "-S", "-s", f"{root}/shell.py", f"{root}/plan.json"]
    if daemon is not None:
        variables["DOCKER_HOST"] = f"unix://{root}/door/docker.sock"
    started = (
        _plain(command, variables, folder, output) if is_plain else _in_cell(command, variables, folder, kind, output)
    )
    return replace(started, door=door)


def _write_tools(folder: Path, *, is_plain: bool, has_daemon: bool) -> None:
    """Stand-ins that say so; where nodes are containers, docker is the real one."""
    path = (
        os.pathsep.join(dict.fromkeys(str(_origin(name).parent) for name in _PACKAGES)) if is_plain else f"{_ROOT}/lib"
    )
    for place, name in zip(("first", "last"), _TOOLS, strict=True):
        (folder / place).mkdir(exist_ok=True)
        program = folder / place / name
        python = shlex.quote(image_files.python())
        program.write_text(
            f'#!/bin/sh\nPYTHONPATH={shlex.quote(path)} exec {python} -S -s -m embedded.nodes.pushing.{name} "$@"\n'
        )
        program.chmod(0o755)
    aws = folder / "first" / "aws"
    aws.write_text(_AWS)
    aws.chmod(0o755)
    if has_daemon:
        real = doors.command()
        says = "echo 'docker: this machine has a Docker daemon and no docker command: install it' >&2; exit 127"
        does = says if real is None else f'exec {real} "$@"'
        (folder / "first" / "docker").write_text(f"#!/bin/sh\n{does}\n")


def _origin(name: str) -> Path:
    spec = importlib.util.find_spec(name)
    assert spec is not None, f"{name} is not installed"
    if spec.submodule_search_locations:
        return Path(next(iter(spec.submodule_search_locations)))
    assert spec.origin is not None
    return Path(spec.origin)


def _in_cell(command: list[str], variables: Mapping[str, str], folder: Path, kind: Isolation, output: int) -> Running:
    (folder / "hosts").write_text(network.hosts_file({}))
    read_only = [Bind(source=str(folder / name), target=f"{_ROOT}/{name}", read_only=True) for name in _READ_ONLY]
    libraries = [
        Bind(source=str(origin), target=f"{_ROOT}/lib/{origin.name}", read_only=True)
        for origin in map(_origin, _PACKAGES)
    ]
    binds = [
        Bind(source=str(folder / "tmp"), target="/tmp"),
        Bind(source=str(folder / "hosts"), target="/etc/hosts", read_only=True),
        Bind(source=str(folder / "source"), target=f"{_ROOT}/source"),
        Bind(source=str(folder / "door"), target=f"{_ROOT}/door"),
        *read_only,
        *libraries,
    ]
    plan_read, plan_write = os.pipe()
    answers, answers_write = os.pipe()
    node = NodePlan(
        host="localhost",
        hostname="localhost",
        root=str(folder),
        command=[*command, str(answers_write)],
        environment=dict(variables),
        work_folder=f"{_ROOT}/source",
        visible=image_files.visible(),
        binds=binds,
        read_only=True,
    )
    port = urlsplit(clients.endpoint()).port
    plan = CellPlan(isolation=kind, cloud_port=port, nodes=[node], folder=str(folder))
    try:
        process = subprocess.Popen(
            [*cell_attempt.command("alone"), str(plan_read), str(answers_write)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd="/",
            env=cell_attempt.environment(),
            pass_fds=(plan_read, answers_write),
            start_new_session=True,
        )
    finally:
        os.close(plan_read)
        os.close(answers_write)
    with os.fdopen(plan_write, "w", encoding="utf-8") as file:
        json.dump(plan.to_dict(), file)
    return Running(process=process, answers=answers)


_READ_ONLY = ("tools", "plan.json", "shell.py")


def _plain(command: list[str], variables: Mapping[str, str], folder: Path, output: int) -> Running:
    answers, answers_write = os.pipe()
    try:
        process = subprocess.Popen(
            [sys.executable, *command[1:], str(answers_write)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=folder / "source",
            env=dict(variables),
            pass_fds=(answers_write,),
            start_new_session=True,
        )
    finally:
        os.close(answers_write)
    return Running(process=process, answers=answers)
