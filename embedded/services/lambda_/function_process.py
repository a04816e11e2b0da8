"""The process of a function: in a cell of its own, where it sees what Lambda would show it, and nothing of the machine.

Where the machine forbids namespaces it is a plain process, which reads and writes whatever the cloud's owner may.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from embedded import clients
from embedded.nodes import cell_attempt, image_files, sandbox
from embedded.nodes.cell import network
from embedded.nodes.cell.plan import Bind, CellPlan, Isolation, NodePlan
from embedded.services.lambda_ import worker
from embedded.services.lambda_.function_files import runtime_directory, runtime_packages, scratch_directory
from embedded.settings import current

_TASK, _RUNTIME, _LAYERS, _BOOTSTRAP = "/var/task", "/var/runtime", "/opt", "/var/runtime/bootstrap.py"


@dataclass(frozen=True, kw_only=True, slots=True)
class FunctionProcess:
    """A running worker."""

    process: subprocess.Popen[bytes]
    """What was started: the worker, or the cell that has it."""
    answers: int
    """The descriptor on which it answers."""
    pid: int
    """The worker's process id."""
    folder: Path
    """Its own folder on the machine, with its /tmp."""

    def remove_files(self) -> None:
        """Remove what it wrote to its /tmp."""
        shutil.rmtree(self.folder, ignore_errors=True)


def start(*, code: Path, layers: Path | None, environment: Mapping[str, str]) -> FunctionProcess:
    """Start a worker; raises `OSError` if it cannot be made."""
    isolation = sandbox.best().isolation if current.isolation == "auto" else current.isolation
    folder = Path(tempfile.mkdtemp(prefix="worker-", dir=scratch_directory()))
    (folder / "tmp").mkdir()
    if isolation == "loopback":
        return _plain(code, layers, environment, folder)
    return _in_cell(_plan(code, layers, environment, folder, isolation), folder)


def _variables(environment: Mapping[str, str], *, code: str, runtime: str, layers: str | None) -> dict[str, str]:
    variables = {
        **environment,
        "LAMBDA_TASK_ROOT": code,
        "LAMBDA_RUNTIME_DIR": runtime,
        "PYTHONUNBUFFERED": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    if layers is not None:
        own = environment.get("PYTHONPATH")
        variables["PYTHONPATH"] = f"{layers}/python" if own is None else f"{layers}/python:{own}"
    return variables


def _plan(
    code: Path, layers: Path | None, environment: Mapping[str, str], folder: Path, isolation: Isolation
) -> CellPlan:
    (folder / "root").mkdir()
    (folder / "hosts").write_text(network.hosts_file({}))
    binds = [
        Bind(source=str(folder / "tmp"), target="/tmp"),
        Bind(source=str(folder / "hosts"), target="/etc/hosts", read_only=True),
        Bind(source=str(code), target=_TASK, read_only=True),
        Bind(source=worker.__file__, target=_BOOTSTRAP, read_only=True),
    ]
    binds += [
        Bind(source=str(origin), target=f"{_RUNTIME}/{name}", read_only=True)
        for name, origin in runtime_packages().items()
    ]
    if layers is not None:
        binds.append(Bind(source=str(layers), target=_LAYERS, read_only=True))
    node = NodePlan(
        host="localhost",
        hostname="localhost",
        root=str(folder),
        command=[image_files.python(), "-S", "-s", _BOOTSTRAP],
        environment=_variables(environment, code=_TASK, runtime=_RUNTIME, layers=None if layers is None else _LAYERS),
        work_folder=_TASK,
        visible=image_files.visible(),
        binds=binds,
        read_only=True,
    )
    port = urlsplit(clients.endpoint()).port
    return CellPlan(isolation=isolation, cloud_port=port, nodes=[node], folder=str(folder))


def _in_cell(plan: CellPlan, folder: Path) -> FunctionProcess:
    plan_read, plan_write = os.pipe()
    answers, answers_write = os.pipe()
    plan.nodes[0].command.append(str(answers_write))
    try:
        process = subprocess.Popen(
            [*cell_attempt.command("alone"), str(plan_read), str(answers_write)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
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
    return FunctionProcess(process=process, answers=answers, pid=_pid(process, answers), folder=folder)


def _pid(process: subprocess.Popen[bytes], answers: int) -> int:
    """The cell's first line, byte by byte: what follows is the worker's."""
    line = b""
    while not line.endswith(b"\n"):
        byte = os.read(answers, 1)
        if not byte:
            os.close(answers)
            said = process.communicate()[0].decode("utf-8", "replace").strip()
            raise OSError(
                f"the function's cell could not be made: {said.splitlines()[-1] if said else 'it said nothing'}"
            )
        line += byte
    return int(line)


def _plain(code: Path, layers: Path | None, environment: Mapping[str, str], folder: Path) -> FunctionProcess:
    answers, answers_write = os.pipe()
    layer_folder = None if layers is None else str(layers)
    variables = _variables(environment, code=str(code), runtime=str(runtime_directory()), layers=layer_folder)
    try:
        process = subprocess.Popen(
            [sys.executable, "-S", "-s", worker.__file__, str(answers_write)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=code,
            env=variables | {"TMPDIR": str(folder / "tmp")},
            pass_fds=(answers_write,),
            start_new_session=True,
        )
    finally:
        os.close(answers_write)
    return FunctionProcess(process=process, answers=answers, pid=process.pid, folder=folder)
