"""From CreateProcessingJob to the first line of the program, beside the bare process; and twenty jobs at once."""

import os
import statistics
import subprocess
import time

from benchmarks._report import Figure
from benchmarks.cloud_training import FIRST_LINE, JOBS, MOST_SECONDS, crowd, meeting
from embedded.nodes.image_environment import cache_folder
from tests.support.clouds.processing_cloud import ProcessingCloud

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "10"))
NOTES = (
    f"First lines: medians of {ROUNDS} jobs and of {ROUNDS} bare starts of the same program in the same environment, "
    "taken in turn."
)


def first_lines(cloud: ProcessingCloud) -> list[Figure]:
    """The job's start less the bare process's, both measured in the same minute."""
    image = cloud.image("first-line", FIRST_LINE)
    cloud.run("warm", image)
    (python,) = (cloud.folder / "cache" / cache_folder().relative_to(cache_folder().parents[1])).glob("*/bin/python")
    program = cloud.project / "containers" / "first-line" / "run.py"
    jobs, bare = [], []
    for number in range(ROUNDS):
        began = time.time()
        done = subprocess.run([str(python), str(program)], capture_output=True, text=True, check=True)
        bare.append(float(done.stdout) - began)
        name, began = f"first-{number}", time.time()
        cloud.run(name, image)
        jobs.append(float(cloud.lines(name)["algo-1"][0]) - began)
    more = statistics.median(jobs) - statistics.median(bare)
    return [
        Figure(name="CreateProcessingJob to user code", value=statistics.median(jobs), unit="s"),
        Figure(name="the bare process to user code", value=statistics.median(bare), unit="s"),
        Figure(name="CreateProcessingJob to user code, over the bare process", value=more, unit="s", at_most=0.2),
    ]


def two_nodes_each(cloud: ProcessingCloud) -> list[Figure]:
    """Twenty jobs of two nodes at once."""
    cloud.admin("quota", name="ml.m5.large for processing job usage", value=2 * JOBS)
    cloud.admin("quota", name="Number of instances across all processing jobs", value=2 * JOBS)
    return crowd(
        cloud,
        cloud.image("meeting", meeting("/opt/ml/config/resourceconfig.json")),
        ProcessingResources__ClusterConfig__InstanceCount=2,
        StoppingCondition__MaxRuntimeInSeconds=MOST_SECONDS,
    )
