"""A script of somebody else's: from `make setup` done to finished on two nodes, and what the command adds on the way.

Machine time only: a project of one's own, a cloud, a bootstrap, a script that is read by `yard init job`, a deploy, the
image's environment (which a machine makes once: whether it was there is in the notes), a run on two nodes. Then what
people wait for most: `yard status` of that run, and the first step after a saved file with `yard train --watch`.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks._newcomer import ROOT, Newcomer, newcomer
from benchmarks._report import Figure, report

SCRIPT = ROOT / "tests/cloud/scripts/code/nanogpt/train.py"
JOB = "theirs"
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "5"))
MOST_SECONDS = 300
_SAVES = 3
_FIRST_STEP = re.compile(r"-- first step (\d+\.\d) s after the save")
_WATCHED = """\
import time

for step in range(1, 2000):
    print(f"step {step}/2000 loss={1 / step}", flush=True)
    time.sleep(0.2)
"""


def stages(who: Newcomer) -> Iterator[tuple[str, float]]:
    """Each step on the way, and its seconds."""
    (who.folder / "code").mkdir()
    shutil.copy(SCRIPT, who.folder / "code")
    steps = (
        ("yard cloud up", who.start_cloud),
        ("yard init job", lambda: who.yard("init", "job", JOB, "--script", "code/train.py")),
        ("yard check", lambda: who.yard("check")),
        ("bootstrap", lambda: who.run("npx", "cdk", "bootstrap")),
        ("first deploy", who.deploy),
        ("yard image push", lambda: who.yard("image", "push", "pytorch")),
        ("two nodes, launch to end", lambda: who.yard("train", JOB, "--count", "2", "--yes", "--follow")),
    )
    for name, step in steps:
        began = time.perf_counter()
        step()
        yield name, time.perf_counter() - began


def status_seconds(who: Newcomer) -> float:
    """The fastest of several, since a busy machine only ever adds time."""
    taken = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        who.yard("status", JOB)
        taken.append(time.perf_counter() - began)
    return min(taken)


def saves(who: Newcomer) -> list[float]:
    """From a saved file to the first step of the run that it started, as `yard train --watch` tells it."""
    code = who.folder / "code/train.py"
    code.write_text(_WATCHED)
    said = who.folder / "said"
    found: list[float] = []
    with said.open("w") as out, watching(who, out.fileno()):
        for number in range(_SAVES + 1):
            found = _wait_for(said, number + 1)
            if number < _SAVES:
                code.write_text(f"{_WATCHED}# {number}\n")
    return found[1:]


@contextmanager
def watching(who: Newcomer, out: int) -> Iterator[None]:
    """`yard train --watch` in the background; Ctrl-C at the end."""
    command = [sys.executable, "-m", "yard.main", "train", JOB, "--watch"]
    process = subprocess.Popen(
        command, cwd=who.folder, env=who.env | {"PYTHONUNBUFFERED": "1"}, stdout=out, stderr=out, start_new_session=True
    )
    try:
        yield
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(timeout=60)


def _wait_for(said: Path, count: int) -> list[float]:
    deadline = time.monotonic() + MOST_SECONDS
    while time.monotonic() < deadline:
        found = [float(seconds) for seconds in _FIRST_STEP.findall(said.read_text())]
        if len(found) >= count:
            return found
        time.sleep(0.1)
    raise TimeoutError(said.read_text())


def main() -> int:
    """Measure, print, write."""
    with newcomer("theirs") as who:
        taken = dict(stages(who))
        status, first_steps = status_seconds(who), saves(who)
    figures = [Figure(name=name, value=seconds, unit="s") for name, seconds in taken.items()]
    figures += [
        Figure(
            name="setup done to a script of somebody else's finished on two nodes",
            value=sum(taken.values()),
            unit="s",
            at_most=90,
        ),
        Figure(name="yard status of a run", value=status, unit="s", at_most=0.4),
        Figure(
            name=f"a saved file to the first step, the worst of {_SAVES}", value=max(first_steps), unit="s", at_most=3
        ),
    ]
    return report("scripts", figures, notes="yard image push makes the image's environment on a machine that has none")


if __name__ == "__main__":
    sys.exit(main())
