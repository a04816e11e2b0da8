"""TensorFlow for tests: it lives in an environment of its own, and its tasks are real processes on loopback."""

import functools
import json
import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from embedded.nodes import image_environment
from embedded.nodes.image import ImageError

ROOT = Path(__file__).parents[3]
PYTHON = "SHARDYARD_TENSORFLOW_PYTHON"
"""An interpreter that has TensorFlow, in place of the environment that is made of the image's requirements."""
LONG_SECONDS = 600
"""Longer than anything takes on a loaded machine."""
_METRIC = re.compile(r"^metric step=(\d+) total_steps=.* loss=(\S+)", re.MULTILINE)


@functools.cache
def interpreter() -> str:
    """The Python that has TensorFlow; skips the test, saying why, where there is none."""
    given = os.environ.get(PYTHON)
    if given is not None:
        return given
    requirements = ROOT / "containers" / "tensorflow" / "requirements.txt"
    if not requirements.is_file():
        pytest.skip(f"no TensorFlow: {requirements.relative_to(ROOT)} is not there, and {PYTHON} is not set")
    try:
        return str(image_environment.ensure(requirements) / "bin" / "python")
    except (ImageError, OSError, subprocess.SubprocessError) as error:
        pytest.skip(f"no TensorFlow: its environment cannot be made: {error}")


def environment(more: Mapping[str, str] = os.environ) -> dict[str, str]:
    """A process's variables: one thread each, since several share the machine, and nothing of the test's own job."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("SM_", "SHARDYARD_", "TF_"))}
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "2", "CUDA_VISIBLE_DEVICES": ""}
    threads = {"OMP_NUM_THREADS": "1", "TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "2"}
    return {**kept, **quiet, **threads, **({} if more is os.environ else more)}


def run_case(name: str, *arguments: object, environ: Mapping[str, str] | None = None) -> Any:
    """What a function of tests.support.training.tensorflow_cases returns, run where TensorFlow is."""
    command = [interpreter(), "-m", "tests.support.training.tensorflow_cases", name, *map(str, arguments)]
    done = subprocess.run(
        command, cwd=ROOT, env=environment(environ or {}), capture_output=True, text=True, timeout=LONG_SECONDS
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def free_ports(count: int) -> list[int]:
    """Ports that nothing listens on."""
    probes = [socket.socket() for _ in range(count)]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports


class Tasks:
    """The processes of one cluster, all on this machine: `Tasks(folder, program, worker=2)`."""

    def __init__(
        self,
        folder: Path,
        command: Sequence[str],
        *,
        environ: Mapping[str, str] | None = None,
        **counts: int,
    ) -> None:
        """`command` begins with a module or a script; `counts` are tasks by type, as `chief=1, ps=1, worker=2`."""
        folder.mkdir(parents=True, exist_ok=True)
        ports = iter(free_ports(sum(counts.values())))
        cluster = {kind: [f"127.0.0.1:{next(ports)}" for _ in range(count)] for kind, count in counts.items()}
        self.addresses = cluster
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self._logs: dict[str, Path] = {}
        run = [] if command[0].endswith(".py") else ["-m"]
        for kind, addresses in cluster.items():
            for index in range(len(addresses)):
                name = f"{kind}-{index}"
                config = json.dumps({"cluster": cluster, "task": {"type": kind, "index": index}})
                variables = {
                    "SHARDYARD_CHECKPOINT_DIR": str(folder / "checkpoints"),
                    "SHARDYARD_RUN_ID": "run",
                    "SM_MODEL_DIR": str(folder / "model"),
                    "PYTHONPATH": str(ROOT),
                    **(environ or {}),
                    **({"TF_CONFIG": config} if sum(counts.values()) > 1 else {}),
                }
                self._logs[name] = folder / f"{name}.log"
                with self._logs[name].open("wb") as log:
                    self.processes[name] = subprocess.Popen(
                        [interpreter(), *run, *command],
                        cwd=ROOT,
                        env=environment(variables),
                        stdout=log,
                        stderr=subprocess.STDOUT,
                    )

    def __enter__(self) -> "Tasks":
        return self

    def __exit__(self, *error: object) -> None:
        for process in self.processes.values():
            if process.poll() is None:
                process.kill()
                process.wait()

    def text(self, name: str) -> str:
        """What a task has written."""
        return self._logs[name].read_text(errors="replace")

    def wait_for(self, name: str, text: str) -> None:
        """Until a task has written something."""
        deadline = time.monotonic() + LONG_SECONDS
        while text not in self.text(name):
            ended = {other: process.poll() for other, process in self.processes.items()}
            assert ended[name] is None or text in self.text(name), (ended, self.text(name)[-4000:])
            assert time.monotonic() < deadline, self.text(name)[-4000:]
            time.sleep(0.02)

    def signal(self, name: str, number: signal.Signals) -> None:
        """Send a signal to one task."""
        self.processes[name].send_signal(number)

    def wait(self) -> dict[str, int]:
        """How each task ended."""
        return {name: process.wait(LONG_SECONDS) for name, process in self.processes.items()}

    def losses(self, name: str) -> dict[int, str]:
        """The losses that a task has printed, by step."""
        return {int(step): loss for step, loss in _METRIC.findall(self.text(name))}
