"""From kill -9 of one of two workers to the first step of both, beside who starts both anew and restores by hand."""

import json
import os
import re
import signal
import socket
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks._report import Figure
from benchmarks.tensorflow.interpreter import ROOT, interpreter

_PROGRAM = "benchmarks.tensorflow.restart_program"
_WORKERS = 2
_ROUNDS = int(os.environ.get("BENCH_ROUNDS", "5"))
_LONGEST_SECONDS = 120
_EVENT = re.compile(r"AT (\w+) (\d+) (\d+) ([\d.]+)")


def restart() -> list[Figure]:
    """In turns; medians."""
    seconds: dict[str, list[float]] = {"by hand": [], "launcher": [], "launcher without forks": []}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for number in range(_ROUNDS):
            saves = folder / f"by-hand-{number}"
            with _by_hand(saves, folder / f"saved-{number}.log") as log:
                _await(log, "saved")
            began = time.time()
            with _by_hand(saves, folder / f"hand-{number}.log") as log:
                seconds["by hand"].append(_last(_await(log, "resumed")) - began)
            seconds["launcher"].append(_kill_and_wait(folder / f"forked-{number}", fork=True))
            seconds["launcher without forks"].append(_kill_and_wait(folder / f"new-{number}", fork=False))
    median = {name: statistics.median(each) for name, each in seconds.items()}
    return [
        *(Figure(name=f"first step of a restart: {name}", value=value, unit="s") for name, value in median.items()),
        Figure(
            name="first step of a restart: launcher / by hand",
            value=median["launcher"] / median["by hand"],
            unit="ratio",
            at_most=1.2,
        ),
    ]


def _kill_and_wait(base: Path, *, fork: bool) -> float:
    with _launched(base, fork=fork) as log:
        victim = next(pid for index, pid, _ in _await(log, "saved") if index == 1)
        killed = time.time()
        os.kill(victim, signal.SIGKILL)
        return _last(_await(log, "resumed")) - killed


def _last(events: list[tuple[int, int, float]]) -> float:
    return max(at for _, _, at in events)


@contextmanager
def _by_hand(saves: Path, log: Path) -> Iterator[Path]:
    """Both workers, each with its TF_CONFIG."""
    probes = [socket.socket() for _ in range(_WORKERS)]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    addresses = [f"127.0.0.1:{probe.getsockname()[1]}" for probe in probes]
    for probe in probes:
        probe.close()
    configs = [{"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}} for index in range(2)]
    command = [interpreter(), "-m", _PROGRAM, str(saves)]
    commands = [(command, {"TF_CONFIG": json.dumps(config)}) for config in configs]
    # TensorFlow's own handler takes SIGTERM and goes on
    with _running(log, commands, end=signal.SIGKILL):
        yield log


@contextmanager
def _launched(base: Path, *, fork: bool) -> Iterator[Path]:
    """One node of a job, with both workers."""
    config = base / "input" / "config"
    config.mkdir(parents=True)
    (base / "checkpoints").mkdir()
    (config / "resourceconfig.json").write_text(json.dumps({"current_host": "algo-1", "hosts": ["algo-1"]}))
    environ = {
        "SAGEMAKER_BASE_DIR": str(base),
        "SHARDYARD_ENTRY": _PROGRAM,
        "SHARDYARD_LAUNCHER": "tensorflow",
        "SHARDYARD_PROCESSES_PER_NODE": str(_WORKERS),
        "SHARDYARD_HOST_ADDRESSES": json.dumps({"algo-1": "127.0.0.1"}),
        "SHARDYARD_FORK": "1" if fork else "0",
    }
    log = base / "log"
    with _running(log, [([interpreter(), "-m", "training.launcher", "train"], environ)], end=signal.SIGTERM):
        yield log


@contextmanager
def _running(log: Path, commands: list[tuple[list[str], dict[str, str]]], *, end: signal.Signals) -> Iterator[None]:
    shared = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "TF_CPP_MIN_LOG_LEVEL": "2",
        "OMP_NUM_THREADS": "1",
        "TF_NUM_INTRAOP_THREADS": "1",
        "TF_NUM_INTEROP_THREADS": "2",
    }
    with log.open("ab") as output:
        started = [
            subprocess.Popen(command, env=shared | special, stdout=output, stderr=output, cwd=ROOT)
            for command, special in commands
        ]
    try:
        yield
    finally:
        for process in started:
            process.send_signal(end)
        for process in started:
            process.wait(_LONGEST_SECONDS)


def _await(log: Path, event: str) -> list[tuple[int, int, float]]:
    """Index, process and time of the event on every worker."""
    deadline = time.monotonic() + _LONGEST_SECONDS
    while time.monotonic() < deadline:
        found = [
            (int(index), int(pid), float(at))
            for name, index, pid, at in _EVENT.findall(log.read_text(errors="replace"))
            if name == event
        ]
        if len({index for index, _, _ in found}) == _WORKERS:
            return found
        time.sleep(0.005)
    raise SystemExit(f"{event} did not come:\n{log.read_text(errors='replace')}")
