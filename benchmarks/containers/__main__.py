"""On a Docker daemon: the image of containers/pytorch as it was just built, and how soon its containers run user code.

.venv/bin/python -m scripts.container_tests --bench    # root; starts a daemon, builds the image, and runs this

By itself, without what that prepares, it says so and exits 0.
"""

import gzip
import hashlib
import io
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

from benchmarks._report import Figure, report
from benchmarks.cloud_training import ROUNDS, crowd, first_line, meeting, until_first_line
from contract.variables import ENTRY, SOURCE_SHA256
from tests.support.clouds.docker_images import BUILT_SECONDS_VARIABLE, IMAGE_VARIABLE, inspect, own_layer
from tests.support.clouds.training_cloud import ENGINE_VARIABLE, REGION, TrainingCloud, channel, training_cloud

INSTANCES = 40
"""Of twenty jobs of two nodes."""
BASE_LAYERS = 1
"""Of the base that debootstrap makes; the requirements are the layer above it."""
FIRST_LINE_SECONDS = 3.0


def main() -> int:
    """Measure in a fresh cloud and report."""
    image, built = os.environ.get(IMAGE_VARIABLE), os.environ.get(BUILT_SECONDS_VARIABLE)
    if os.environ.get(ENGINE_VARIABLE) != "docker" or image is None or built is None:
        print(
            "not measured: root starts a daemon and builds our image for it: python -m scripts.container_tests --bench"
        )
        return 0
    figures = _of_the_image(image, float(built))
    with tempfile.TemporaryDirectory() as folder, training_cloud(Path(folder)) as cloud:
        cloud.admin("quota", name="ml.m5.large for training job usage", value=INSTANCES)
        cloud.admin("quota", name="Number of instances across all training jobs", value=INSTANCES)
        figures += [
            *first_line(cloud, 1, at_most=FIRST_LINE_SECONDS),
            *first_line(cloud, 2, at_most=FIRST_LINE_SECONDS),
            *_of_a_script(cloud, image),
            *crowd(cloud, cloud.image("meeting", meeting()), ResourceConfig__InstanceCount=2),
        ]
    return report("containers", figures, notes=f"{_BUILD_NOTE}; first lines: the best and the worst of {ROUNDS} jobs")


_BUILD_NOTE = "built from packages that lie here, without a network and without a cache"


def _of_the_image(image: str, built_seconds: float) -> list[Figure]:
    ours = own_layer(image, above=BASE_LAYERS + 1)
    unpacked = int(inspect(image)["Size"])
    return [
        Figure(name="containers/pytorch for processors: its build", value=built_seconds, unit="s", at_most=300),
        Figure(name="containers/pytorch: unpacked", value=unpacked / 1e9, unit="GB", at_most=1.3),
        Figure(name="containers/pytorch: our own layer, unpacked", value=len(ours) / 1e6, unit="MB"),
        Figure(
            name="containers/pytorch: our own layer, as it travels",
            value=len(gzip.compress(ours, 6, mtime=0)) / 1e6,
            unit="MB",
            at_most=1,
        ),
    ]


def _of_a_script(cloud: TrainingCloud, image: str) -> list[Figure]:
    """A script of a user's in our image: a zip in S3, which the launcher checks, unpacks and starts."""
    uri = f"999999999999.dkr.ecr.{REGION}.amazonaws.com/shardyard/pytorch:measured"
    subprocess.run(["docker", "tag", image, uri], check=True)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("train.py", "import time\nprint(time.time(), flush=True)\n")
    cloud.put("code/source.zip", packed.getvalue())
    environment = {ENTRY: "train.py", SOURCE_SHA256: hashlib.sha256(packed.getvalue()).hexdigest()}
    fields: dict[str, Any] = {"Environment": environment, "InputDataConfig": [channel("code", "code/")]}
    found = []
    for nodes in (1, 2):
        what = f"CreateTrainingJob to a script's first line, containers/pytorch, {nodes} node{'s' if nodes > 1 else ''}"
        more = {**fields, "ResourceConfig__InstanceCount": nodes}
        found += until_first_line(cloud, what, uri, f"script-{nodes}", at_most=FIRST_LINE_SECONDS, **more)
    return found


if __name__ == "__main__":
    sys.exit(main())
