"""Training jobs on the embedded cloud: from CreateTrainingJob to the first line of user code, and twenty jobs at once.

The images have no packages: what is measured is the cloud, not the import of a framework.
"""

import os
import re
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks._report import Figure, report
from tests.support.clouds.training_cloud import TrainingCloud, training_cloud

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "10"))
JOBS = 20
MOST_SECONDS = 300

FIRST_LINE = "import time; print(time.time())"
_MEETING = """
import json, socket, sys, time
config = json.load(open("CONFIG"))
if config["current_host"] == "algo-1":
    server = socket.create_server(("0.0.0.0", 7777))
    server.accept()[0].sendall(b"met")
else:
    for _ in range(600):
        try:
            print(socket.create_connection(("algo-1", 7777)).recv(3).decode())
            break
        except OSError:
            time.sleep(0.1)
    else:
        sys.exit("algo-1 does not answer")
"""


def meeting(config: str = "/opt/ml/input/config/resourceconfig.json") -> str:
    """A program whose second node meets the first; the file is that which names the hosts."""
    return _MEETING.replace("CONFIG", config)


def main() -> int:
    """Measure in a fresh cloud and report."""
    with tempfile.TemporaryDirectory() as folder, training_cloud(Path(folder)) as cloud:
        cloud.admin("quota", name="ml.m5.large for training job usage", value=2 * JOBS)
        cloud.admin("quota", name="Number of instances across all training jobs", value=2 * JOBS)
        before = len(cloud.descendants())
        figures = [
            *first_line(cloud, 1, at_most=2),
            *first_line(cloud, 2, at_most=2),
            *crowd(cloud, cloud.image("meeting", meeting()), ResourceConfig__InstanceCount=2),
        ]
        cloud.check_nothing_left()
        left = len(cloud.descendants()) - before
        memory = float(cloud.admin("status")["memory_mb"])
    figures += [
        Figure(name="processes left behind", value=left, unit="processes", at_most=0),
        Figure(name="memory of the cloud after all jobs", value=memory, unit="MB", at_most=500),
    ]
    return report("cloud_training", figures, notes=f"first lines: the best and the worst of {ROUNDS} jobs")


def first_line(cloud: TrainingCloud, nodes: int, *, at_most: float) -> list[Figure]:
    """The last node's first line counts: a job of many nodes cannot begin earlier."""
    image = cloud.image("first-line", FIRST_LINE)
    what = f"CreateTrainingJob to user code, {nodes} node{'s' if nodes > 1 else ''}"
    return until_first_line(cloud, what, image, f"first-{nodes}", at_most=at_most, ResourceConfig__InstanceCount=nodes)


def until_first_line(
    cloud: TrainingCloud, what: str, image: str, name: str, *, at_most: float, **fields: Any
) -> list[Figure]:
    """Of jobs by these fields, one after the other, whose program prints the time; one before them warms up."""
    cloud.run(f"{name}-warm", image, **fields)
    seconds = []
    for number in range(ROUNDS):
        began = time.time()
        described = cloud.run(f"{name}-{number}", image, **fields)
        assert described[cloud.of.status_field] == "Completed", described.get("FailureReason")
        seconds.append(max(_printed_time(lines) for lines in cloud.lines(f"{name}-{number}").values()) - began)
    return [
        Figure(name=f"{what}: best", value=min(seconds), unit="s", at_most=at_most),
        Figure(name=f"{what}: worst", value=max(seconds), unit="s"),
    ]


def _printed_time(lines: list[str]) -> float:
    """That of the program: what starts it prints lines too."""
    (found,) = [line for line in lines if re.fullmatch(r"\d+\.\d+", line)]
    return float(found)


def crowd(cloud: TrainingCloud, image: str, **fields: Any) -> list[Figure]:
    """Twenty jobs at once, by fields that give each two nodes, of the image with the program of a meeting."""
    names = [f"crowd-{number}" for number in range(JOBS)]
    began = time.monotonic()
    for name in names:
        cloud.create(name, image, **fields)
    ended = [cloud.finished(name, MOST_SECONDS) for name in names]
    seconds = time.monotonic() - began
    right = sum(job[cloud.of.status_field] == "Completed" for job in ended)
    met = sum(cloud.lines(name)["algo-2"] == ["met"] for name in names)
    return [
        Figure(name=f"{JOBS} jobs of two nodes at once: completed", value=right, unit="jobs", at_least=JOBS),
        Figure(name=f"{JOBS} jobs of two nodes at once: met their own node", value=met, unit="jobs", at_least=JOBS),
        Figure(name=f"{JOBS} jobs of two nodes at once: until the last has ended", value=seconds, unit="s"),
    ]


if __name__ == "__main__":
    sys.exit(main())
