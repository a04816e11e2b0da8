"""The time from a container's start to the first user line and to a process group, and from a kill to the next step.

Each row is measured side by side with its bare counterpart and with the public toolkit, in turns, in the same minute;
ratios and differences are of the fastest runs, since a busy machine only ever adds time; restarts are medians. All
sides run the same script with the same interpreter; its first line is there when the last of the processes has said it.
"""

import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from benchmarks import _toolkit
from benchmarks._report import Figure, report

ROOT = Path(__file__).parent.parent
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "5"))

FIRST_LINE = """
import os, time
def at(event):
    # One write, so that ranks that share a terminal do not mix their lines
    os.write(1, f"AT {event} {time.time()}\\n".encode())
at("first")
"""
GROUP = (
    FIRST_LINE
    + """
import torch, torch.distributed as dist
dist.init_process_group("gloo")
dist.all_reduce(torch.ones(1))
at("group")
dist.destroy_process_group()
"""
)
STEPS = (
    FIRST_LINE
    + """
import torch
from training.pytorch.checkpoint import Checkpointer
from training.pytorch.process_group import connect
attempt = os.environ["SHARDYARD_ATTEMPT"]
with connect(timeout_seconds=20) as ranks:
    model = torch.nn.Linear(64, 64)
    optimizer = torch.optim.AdamW(model.parameters())
    parallel = torch.nn.parallel.DistributedDataParallel(model)
    with Checkpointer(model=model, optimizer=optimizer, ranks=ranks, every_steps=10) as checkpoints:
        start = checkpoints.restore()
        assert (start > 0) == (attempt != "0"), start
        for step in range(start + 1, 1000):
            parallel(torch.ones(8, 64)).sum().backward()
            optimizer.step()
            optimizer.zero_grad()
            if step == start + 1:
                at(f"step/{attempt}/{ranks.rank}/{os.getpid()}")
            if attempt != "0" and step == start + 5:
                break
            checkpoints.after_step(step)
            time.sleep(0.02)
"""
)


@dataclass(kw_only=True, slots=True)
class Timings:
    """The times of one command, run by run."""

    seconds: dict[str, list[float]] = field(default_factory=dict)
    cpu_seconds: list[float] = field(default_factory=list)

    def best(self, event: str) -> float:
        """The fastest."""
        return min(self.seconds[event])


def main() -> int:
    """Measure and report."""
    toolkit = _toolkit.install()
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        figures = [*_first_line(work, toolkit), *_process_group(work, toolkit)]
        figures += [*_restart(work), *_restart_two_nodes(work)]
    return report("launch", figures, notes=f"fastest of {ROUNDS} runs each, taken in turns")


def _first_line(work: Path, toolkit: bool) -> list[Figure]:
    script = _write(work, "first", FIRST_LINE)
    sides = {
        "bare python": lambda: _run([sys.executable, str(script)]),
        "launcher, plain": lambda: _launch(work, "first", script, "plain", 1),
    }
    if toolkit:
        command, environ = _toolkit.prepare(work / "toolkit-plain", script, torchrun=False)
        sides["toolkit, plain"] = lambda: _run(command, environ)
    rows = _in_turns(sides)
    over = rows["launcher, plain"].best("first") - rows["bare python"].best("first")
    return [
        *_seconds(rows, "first", "first line"),
        Figure(name="first line: plain minus bare python", value=over, unit="s", at_most=0.05),
        *_cpu(rows),
    ]


def _process_group(work: Path, toolkit: bool) -> list[Figure]:
    script = _write(work, "group", GROUP)
    sides = {
        "bare torchrun, 2 processes": lambda: _run([*_torchrun(2), str(script)]),
        "launcher, torchrun, 2 processes": lambda: _launch(work, "group", script, "torchrun", 2),
    }
    if toolkit:
        # It starts as many as there are GPUs, or one
        command, environ = _toolkit.prepare(work / "toolkit-torchrun", script, torchrun=True)
        sides["toolkit, torchrun, 1 process"] = lambda: _run(command, environ)
    rows = _in_turns(sides)
    bare, ours = rows["bare torchrun, 2 processes"], rows["launcher, torchrun, 2 processes"]
    first, group = (ours.best(event) / bare.best(event) for event in ("first", "group"))
    return [
        *_seconds(rows, "first", "first line"),
        Figure(name="first line: launcher / bare torchrun", value=first, unit="ratio", at_most=1.0),
        *_seconds(rows, "group", "group ready"),
        Figure(name="group ready: launcher / bare torchrun", value=group, unit="ratio", at_most=0.75),
        *_cpu(rows),
    ]


def _seconds(rows: dict[str, Timings], event: str, title: str) -> list[Figure]:
    return [Figure(name=f"{title}: {side}", value=timings.best(event), unit="s") for side, timings in rows.items()]


def _cpu(rows: dict[str, Timings]) -> list[Figure]:
    return [Figure(name=f"CPU: {side}", value=min(timings.cpu_seconds), unit="s") for side, timings in rows.items()]


def _restart(work: Path) -> list[Figure]:
    script = _write(work, "steps", STEPS)
    seconds = [_kill_and_wait(work, f"restart{number}", script, nodes=1) for number in range(ROUNDS)]
    return [
        Figure(name="kill -9 of a rank to first resumed step: one node", value=median(seconds), unit="s", at_most=1.0)
    ]


def _restart_two_nodes(work: Path) -> list[Figure]:
    script = _write(work, "steps", STEPS)
    seconds = [_kill_and_wait(work, f"two{number}", script, nodes=2) for number in range(max(ROUNDS // 2, 1))]
    return [
        Figure(name="kill -9 of a rank to first resumed step: two agents", value=median(seconds), unit="s", at_most=3.0)
    ]


def _kill_and_wait(work: Path, name: str, script: Path, *, nodes: int) -> float:
    hosts = [f"algo-{number + 1}" for number in range(nodes)]
    log = work / f"{name}.log"
    with open(log, "w") as output:
        processes = [
            subprocess.Popen(
                [sys.executable, "-m", "training.launcher"],
                env=_environ(work / name / host, script, "torchrun", 2 // nodes, host=host, hosts=hosts),
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=ROOT,
            )
            for host in hosts
        ]
        try:
            pid = int(_await_event(log, "step/0/1/").split("/")[3].split()[0])
            # Long enough for the host to load what a restart needs, as in any run worth restarting
            time.sleep(6)
            killed = time.time()
            os.kill(pid, signal.SIGKILL)
            recovered = float(_await_event(log, "step/1/1/").split()[-1])
        finally:
            for process in processes:
                process.terminate()
            for process in processes:
                process.wait()
    return recovered - killed


def _await_event(log: Path, event: str) -> str:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        for line in log.read_text().splitlines():
            if f"AT {event}" in line:
                return line
        time.sleep(0.005)
    raise SystemExit(f"{event} did not come:\n{log.read_text()}")


def _in_turns(commands: dict[str, Callable[[], tuple[dict[str, float], float]]]) -> dict[str, Timings]:
    rows = {name: Timings() for name in commands}
    for _ in range(ROUNDS):
        for name, run in commands.items():
            events, cpu = run()
            rows[name].cpu_seconds.append(cpu)
            for event, seconds in events.items():
                rows[name].seconds.setdefault(event, []).append(seconds)
    return rows


def _run(command: list[str], environ: dict[str, str] | None = None) -> tuple[dict[str, float], float]:
    """Run a command; returns when each event was first printed, in seconds from the start, and its CPU time."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.time()
    done = subprocess.run(
        command, env=environ or {**os.environ, "OMP_NUM_THREADS": "1"}, capture_output=True, text=True, cwd=ROOT
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    events: dict[str, float] = {}
    for line in done.stdout.splitlines():
        if "AT " in line:
            _, event, at = line[line.index("AT ") :].split()
            events[event] = max(events.get(event, 0.0), float(at) - began)
    if not events:
        raise SystemExit(f"{command} said nothing:\n{done.stderr}")
    return events, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _launch(work: Path, name: str, script: Path, launcher: str, processes: int) -> tuple[dict[str, float], float]:
    base = work / f"{name}-{launcher}"
    environ = _environ(base, script, launcher, processes, host="algo-1", hosts=["algo-1"])
    return _run([sys.executable, "-m", "training.launcher"], environ)


def _environ(base: Path, script: Path, launcher: str, processes: int, *, host: str, hosts: list[str]) -> dict[str, str]:
    config = base / "input" / "config"
    config.mkdir(parents=True, exist_ok=True)
    (config / "resourceconfig.json").write_text(json.dumps({"current_host": host, "hosts": hosts}))
    return {
        **os.environ,
        "OMP_NUM_THREADS": "1",
        "SAGEMAKER_BASE_DIR": str(base),
        "SHARDYARD_ENTRY": str(script),
        "SHARDYARD_LAUNCHER": launcher,
        "SHARDYARD_PROCESSES_PER_NODE": str(processes),
        "SHARDYARD_RENDEZVOUS_PORT": "29577",
        "SHARDYARD_HOST_ADDRESSES": json.dumps({name: f"127.0.0.{number + 1}" for number, name in enumerate(hosts)}),
    }


def _torchrun(processes: int) -> list[str]:
    return [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", str(processes), "--master-port", "29578"]


def _write(work: Path, name: str, program: str) -> Path:
    path = work / f"{name}.py"
    path.write_text(program)
    return path


if __name__ == "__main__":
    sys.exit(main())
