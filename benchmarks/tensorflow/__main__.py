"""TensorFlow with this library and by hand: steps of one worker and of two, saves, TFRecords, first lines, restarts.

    python -m benchmarks.tensorflow

Each comparison is made in turns, steps in the same processes. Speeds are those of the fastest blocks, since a busy
machine only ever adds time; what a save adds is the median over pairs of blocks with one and without, and a restart the
median of several. Where more wants to run at the start than there are processors, steps are compared in processor time.
Needs the environment of containers/tensorflow, or SHARDYARD_TENSORFLOW_PYTHON; the `tfrecord` package is compared where
PYTHONPATH has it.
"""

import json
import os
import socket
import statistics
import subprocess
import sys
from typing import Any

from benchmarks._report import Figure, report
from benchmarks.tensorflow.first_line import first_line
from benchmarks.tensorflow.interpreter import ROOT, interpreter
from benchmarks.tensorflow.restart import restart

LONGEST_SECONDS = 3000
INTERVAL = 10


def run(module: str, *options: str, workers: int = 1) -> Any:
    """What a module prints on the first of so many workers."""
    probes = [socket.socket() for _ in range(workers)]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    addresses = [f"127.0.0.1:{probe.getsockname()[1]}" for probe in probes]
    for probe in probes:
        probe.close()
    started = []
    for index in range(workers):
        environ = {
            **os.environ,
            "TF_CPP_MIN_LOG_LEVEL": "2",
            "OMP_NUM_THREADS": "1",
            "TF_NUM_INTRAOP_THREADS": "1",
            "TF_NUM_INTEROP_THREADS": "2",
        }
        if workers > 1:
            environ["TF_CONFIG"] = json.dumps(
                {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}}
            )
        command = [interpreter(), "-m", f"benchmarks.tensorflow.{module}", *options]
        errors = None if index == 0 else subprocess.DEVNULL
        started.append(
            subprocess.Popen(command, cwd=ROOT, env=environ, stdout=subprocess.PIPE, stderr=errors, text=True)
        )
    outputs = [process.communicate(timeout=LONGEST_SECONDS)[0] for process in started]
    if any(process.returncode for process in started):
        raise SystemExit(f"benchmarks.tensorflow.{module} failed")
    return json.loads(outputs[0].splitlines()[-1])


def speed(blocks: dict[str, list[float]]) -> float:
    """Of this library's loop, as a share of the speed by hand."""
    return min(blocks["by hand"]) / min(blocks["with us"])


def saving(found: Any, clock: str) -> float:
    """What a save every ten steps costs, in percent: the median of what one adds to the steps that it touches.

    As in benchmarks/checkpoint.py: over ten steps the machine's own speed changes by more than a save costs.
    """
    blocks = found["saves"][clock]
    added = statistics.median(one - other for one, other in zip(blocks["saving"], blocks["without"], strict=True))
    percent: float = 100 * added / (INTERVAL / found["touched"] * statistics.median(blocks["without"]))
    return percent


def loops(clock: str) -> list[Figure]:
    """Steps of one worker and of two, with saves and without."""
    rounds = os.environ.get("BENCH_ROUNDS", "10")
    options = ("--rounds", rounds, "--pairs", str(2 * int(rounds)))
    one, two = run("loops", *options), run("loops", *options, workers=2)
    figures = [
        Figure(name="one worker: speed of a bare loop", value=speed(one["steps"][clock]), unit="x", at_least=0.98),
        Figure(name="two workers: speed of that by hand", value=speed(two["steps"][clock]), unit="x", at_least=0.95),
    ]
    for name, found in (("one worker", one), ("two workers", two)):
        figures += [
            Figure(name=f"{name}: saving every 10 steps", value=saving(found, clock), unit="percent", at_most=3),
            Figure(name=f"{name}: the same on the other clock", value=saving(found, other_of(clock)), unit="percent"),
        ]
    return figures


def other_of(clock: str) -> str:
    """The clock that has no limit in this run."""
    return "wall" if clock == "processor" else "processor"


def times_as_fast(rounds: dict[str, list[float]], other: str, way: str) -> float:
    """How many times as fast one way is as another: the median over the rounds, in each of which both took a turn."""
    return statistics.median(slow / fast for slow, fast in zip(rounds[other], rounds[way], strict=True))


def reading() -> list[Figure]:
    """TFRecords, each with its checksum."""
    ours = run("reading")
    figures = [
        Figure(
            name="TFRecord: speed of tf.data record by record",
            value=times_as_fast(ours, "tf.data", "checked"),
            unit="x",
            at_least=0.9,
        ),
        Figure(
            name="TFRecord: speed of tf.data in batches of 100",
            value=times_as_fast(ours, "tf.data in batches", "checked"),
            unit="x",
            at_least=0.9,
        ),
        Figure(
            name="TFRecord without google-crc32c: speed of tf.data record by record",
            value=times_as_fast(ours, "tf.data", "with numpy"),
            unit="x",
        ),
    ]
    if subprocess.run([interpreter(), "-c", "import tfrecord"], stderr=subprocess.DEVNULL).returncode == 0:
        package = run("reading", "--package")
        figures += [
            Figure(
                name="TFRecord: speed of the tfrecord package, which checks nothing",
                value=times_as_fast(package, "tfrecord", "checked"),
                unit="x",
                at_least=1.5,
            ),
            Figure(
                name="TFRecord without comparing contents: the same",
                value=times_as_fast(package, "tfrecord", "unchecked"),
                unit="x",
            ),
        ]
    return figures


def main() -> int:
    """Measure, and write benchmarks/results/tensorflow.json."""
    processors = os.cpu_count() or 1
    clock = "processor" if os.getloadavg()[0] > processors else "wall"
    figures = [*reading(), *first_line(), *restart(), *loops(clock)]
    notes = f"steps on the {clock} clock, TFRecords on the processor's"
    return report("tensorflow", figures, notes=notes)


if __name__ == "__main__":
    sys.exit(main())
