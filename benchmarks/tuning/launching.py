"""A search of 20 training jobs of two seconds, four at once, against the least time that they can take.

The same programs as plain processes, four at once, say how much of the rest is the machine's.
"""

import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks._report import Figure
from tests.support.clouds.training_cloud import training_cloud
from tests.support.clouds.tuning_cloud import config, definition, limits, tune

JOBS = 20
AT_ONCE = 4
SECONDS = 2.0
PROGRAM = f"""
import json, time
given = json.load(open("/opt/ml/input/config/hyperparameters.json"))
time.sleep({SECONDS})
print(f"loss={{float(given['x'])}};", flush=True)
"""


def figures() -> list[Figure]:
    """Bayesian, so that the time for proposals counts too."""
    with tempfile.TemporaryDirectory() as folder, training_cloud(Path(folder)) as cloud:
        image = cloud.image("two-seconds", PROGRAM)
        training = definition(cloud, image)
        tune(cloud, "warm-up", config(**limits(1, 1)), training)
        began = time.monotonic()
        said = tune(cloud, "measured", config(Strategy="Bayesian", **limits(JOBS, AT_ONCE)), training)
        took = time.monotonic() - began
    assert said["TrainingJobStatusCounters"]["Completed"] == JOBS, said
    least = JOBS / AT_ONCE * SECONDS
    ratio, plain = took / least, _plain_processes() / least
    return [
        Figure(
            name=f"{JOBS} jobs of 2 s, {AT_ONCE} at once, to the least time", value=ratio, unit="times", at_most=1.3
        ),
        Figure(name="the same programs as plain processes", value=plain, unit="times"),
    ]


def _plain_processes() -> float:
    command = [sys.executable, "-c", f"import json, time; time.sleep({SECONDS})"]
    began = time.monotonic()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(lambda _: subprocess.run(command, check=True), range(JOBS)))
    return time.monotonic() - began
