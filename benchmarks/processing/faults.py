"""Rounds of faults: a job of two nodes is killed, stopped or loses a machine, and is run again into the same outputs.

What counts: a job is called Completed only when every file of it is whole in S3, and the second run leaves all of them.
"""

import hashlib
import json
import os
import random
import time
from collections.abc import Callable
from typing import Any

from benchmarks._report import Figure
from tests.support.clouds.processing_cloud import ProcessingCloud, result
from tests.support.clouds.training_cloud import TERMINAL

ROUNDS = int(os.environ.get("BENCH_FAULT_ROUNDS", "10"))
SEED = 20261130
FILES = 12
NOTES = f"Faults: {ROUNDS} rounds in each weather, at moments drawn with the seed {SEED}."
PROGRAM = f"""
import hashlib, json, os, pathlib, time
root = pathlib.Path("/opt/ml/processing/output")
host = json.load(open("/opt/ml/config/resourceconfig.json"))["current_host"]
for number in range({FILES}):
    for name in ("end", "live"):
        body = hashlib.sha256(f"{{host}} {{number}} {{name}}".encode()).hexdigest() * 500
        part = root / name / f".{{host}}-{{number}}"
        part.write_text(body)
        part.replace(root / name / f"{{host}}-{{number}}")
    time.sleep(0.05)
"""


def rounds(cloud: ProcessingCloud) -> list[Figure]:
    """Ten rounds in fair weather and ten in pessimistic."""
    draw = random.Random(SEED)
    image = cloud.image("writes", PROGRAM)
    figures = []
    for weather in ("fair", "pessimistic"):
        cloud.admin("weather", preset=weather)
        falsely, lost, disturbed = 0, 0, 0
        for number in range(ROUNDS):
            name = f"fault-{weather}-{number}"
            first = _disturbed(cloud, name, image, draw)
            disturbed += first["ProcessingJobStatus"] != "Completed"
            if first["ProcessingJobStatus"] == "Completed":
                falsely += bool(_missing(cloud, name))
            _start(cloud, f"{name}-again", image, name)
            second = cloud.finished(f"{name}-again", 120)
            lost += second["ProcessingJobStatus"] != "Completed" or bool(_missing(cloud, name))
        figures += [
            Figure(name=f"{weather}: jobs that a fault ended", value=disturbed, unit=f"of {ROUNDS}"),
            Figure(
                name=f"{weather}: Completed with a file missing or cut off",
                value=falsely,
                unit="jobs",
                at_most=0,
            ),
            Figure(name=f"{weather}: not whole after the second run", value=lost, unit="jobs", at_most=0),
        ]
    cloud.admin("weather", preset="fair")
    return figures


def _start(cloud: ProcessingCloud, name: str, image: str, prefix: str) -> None:
    outputs = [result("end", f"{prefix}/end"), result("live", f"{prefix}/live", "Continuous")]
    cloud.create(
        name,
        image,
        ProcessingOutputConfig={"Outputs": outputs},
        ProcessingResources__ClusterConfig__InstanceCount=2,
    )


def _disturbed(cloud: ProcessingCloud, name: str, image: str, draw: random.Random) -> dict[str, Any]:
    faults: list[Callable[[], object]] = [
        lambda: cloud.admin("kill", job=name, host="algo-2"),
        lambda: cloud.admin("kill", job=name, hardware=True),
        lambda: cloud.client("sagemaker").stop_processing_job(ProcessingJobName=name),
    ]
    fault, after = draw.choice(faults), draw.uniform(0.05, 1.5)
    _start(cloud, name, image, name)
    time.sleep(after)
    if cloud.describe(name)["ProcessingJobStatus"] not in TERMINAL:
        try:
            fault()
        except Exception as error:  # it ended at the same moment, or its nodes do not run yet
            print(f"{name}: no fault: {error}")
    return cloud.finished(name, 120)


def _missing(cloud: ProcessingCloud, prefix: str) -> list[str]:
    """The files that are not in S3 as the program wrote them."""
    wrong = []
    for output in ("end", "live"):
        there = set(cloud.keys(f"{prefix}/{output}/"))
        for host in ("algo-1", "algo-2"):
            for number in range(FILES):
                key = f"{prefix}/{output}/{host}-{number}"
                body = hashlib.sha256(f"{host} {number} {output}".encode()).hexdigest() * 500
                if key not in there or cloud.get(key) != body.encode():
                    wrong.append(key)
    if wrong:
        print(json.dumps(wrong))
    return wrong
