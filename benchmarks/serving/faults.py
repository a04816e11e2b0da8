"""Kills, hangs and stops under load; how soon it starts, and what a further worker takes."""

import os
import signal
import subprocess
import sys
import threading
import time
from itertools import pairwise
from pathlib import Path

from benchmarks._report import Figure
from benchmarks.serving import running
from contract.serving import TIMEOUT_VARIABLES

KILLS = int(os.environ.get("BENCH_KILLS", "60"))
STOPS = int(os.environ.get("BENCH_STOPS", "12"))
_BARE = """
import sys
from pathlib import Path
from serving.engines import choose
from serving.ask import Ask
handler = choose.load(Path(sys.argv[1]), accept="application/json", slots=1)
handler.answer(Ask(number=1, kind="", accept="", identity="", headers={}, body=Path(sys.argv[2]).read_bytes()))
"""


def kills(base: Path, body: bytes) -> list[Figure]:
    """A worker killed again and again under eight clients."""
    with running.started(*running.ours(base / "digits", workers=2)) as server:
        found: list[running.Seen] = []
        seconds = KILLS * 0.25 + 1
        thread = threading.Thread(
            target=lambda: found.append(running.load(server.port, body, clients=8, seconds=seconds))
        )
        thread.start()
        for number in range(KILLS):
            time.sleep(0.25)
            workers = [pid for zygote in running.children(server.process.pid) for pid in running.children(zygote)]
            if workers:
                os.kill(workers[number % len(workers)], signal.SIGKILL)
        thread.join()
    (seen,) = found
    gap = max(later - earlier for earlier, later in pairwise(sorted(seen.at)))
    return [
        Figure(
            name=f"{KILLS} kills under load: requests lost of {len(seen.seconds)}",
            value=seen.failed,
            unit="",
            at_most=0,
        ),
        Figure(name=f"{KILLS} kills under load: longest gap between answers", value=gap, unit="s", at_most=0.15),
    ]


def hangs(base: Path) -> list[Figure]:
    """A request that never ends, without and with the interpreter's lock."""
    limit = 1.0
    worst = late = 0.0
    with running.started(
        *running.ours(base / "hangs", workers=1, environ={TIMEOUT_VARIABLES[0]: str(limit)})
    ) as server:
        for body in (b"[1]", b"[2]"):
            began = time.monotonic()
            thread = threading.Thread(
                target=running.load, args=(server.port, body), kwargs={"clients": 1, "seconds": 0.1}
            )
            thread.start()
            while thread.is_alive():
                asked = time.monotonic()
                running.ping(server.port)
                worst = max(worst, time.monotonic() - asked)
                time.sleep(0.01)
            late = max(late, time.monotonic() - began - limit)
            after = running.load(server.port, b"[0]", clients=1, seconds=0.1)
            if after.failed or not after.seconds:
                raise RuntimeError("the request after a hang was not served")
    return [
        Figure(name="a hang: slowest /ping", value=1000 * worst, unit="ms", at_most=50),
        Figure(name="a hang: answered after the limit", value=late, unit="s", at_most=0.3),
    ]


def stops(base: Path, body: bytes) -> list[Figure]:
    """SIGTERM under eight clients."""
    lost = answered = 0
    slowest = 0.0
    for _ in range(STOPS):
        with running.started(*running.ours(base / "table", workers=2)) as server:
            found: list[running.Seen] = []
            thread = threading.Thread(
                target=lambda found=found, server=server: found.append(
                    running.load(server.port, body, clients=8, seconds=30)
                )
            )
            thread.start()
            time.sleep(0.5)
            told = time.monotonic()
            server.process.send_signal(signal.SIGTERM)
            server.process.wait(40)
            slowest = max(slowest, time.monotonic() - told)
            thread.join()
            lost += found[0].failed
            answered += len(found[0].seconds)
    return [
        Figure(name=f"{STOPS} times SIGTERM under load: lost of {answered}", value=lost, unit="", at_most=0),
        Figure(name=f"{STOPS} times SIGTERM under load: slowest end", value=slowest, unit="s", at_most=30),
    ]


def starts(base: Path, body: bytes) -> list[Figure]:
    """Beside a process that loads the model and answers once; and a worker more."""
    sample = base / "sample.json"
    sample.write_bytes(body)
    first, ready, bare, memory = [], [], [], {}
    command = [sys.executable, *running.AS_IN_AN_IMAGE, "-c", _BARE, str(base / "digits" / "model"), str(sample)]
    for _ in range(3):
        began = time.monotonic()
        subprocess.run(command, env={**os.environ, "PYTHONPATH": running.PACKAGES}, check=True)
        bare.append(time.monotonic() - began)
        with running.started(*running.ours(base / "digits", workers=1)) as server:
            first.append(server.first_answer)
            ready.append(server.ready)
    for workers in (1, 4):
        with running.started(*running.ours(base / "digits", workers=workers)) as server:
            time.sleep(1)
            running.load(server.port, body, clients=8, seconds=1)
            memory[workers] = running.pss_mb(server.tree())
    return [
        Figure(name="start: first answer", value=min(first), unit="s", at_most=0.1),
        Figure(
            name="start: ready, of a bare process that answers once",
            value=min(ready) / min(bare),
            unit="x",
            at_most=1.0,
        ),
        Figure(name="a further worker", value=(memory[4] - memory[1]) / 3, unit="MB", at_most=10),
    ]
