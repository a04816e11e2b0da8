"""The layer of our own code: the same digest whenever it is built from the same content."""

import gzip
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from shardyard.spec.product import IMAGE_ROOMS
from tests.support.clouds.docker_cloud import BASE_VARIABLE
from tests.support.clouds.docker_images import OWN_CODE, layers, names
from tests.support.clouds.training_cloud import ENGINE_VARIABLE, ROOT

pytestmark = [
    pytest.mark.containers,
    pytest.mark.skipif(os.environ.get(ENGINE_VARIABLE) != "docker", reason="make test-containers starts a daemon"),
]

_INSTALLS = re.compile(r"^RUN --mount(?:.*\\\n)*.*\n", re.MULTILINE)
"""The one instruction that brings the requirements: what is built of them is not ours to repeat."""


def build(folder: str, context: Path, *, seconds: int) -> list[bytes]:
    """Build a folder's image without its requirements, from files of that time; its layers above the base."""
    for room in IMAGE_ROOMS:
        shutil.copytree(ROOT / room, context / room, ignore=shutil.ignore_patterns("__pycache__"))
    ignored = ROOT / "containers" / folder / "Dockerfile.dockerignore"
    shutil.copy(ignored, context / ".dockerignore")  # of a Dockerfile that comes by a pipe, the context's own counts
    for path in context.rglob("*"):
        os.utime(path, (seconds, seconds))
    dockerfile, installs = _INSTALLS.subn("", (ROOT / "containers" / folder / "Dockerfile").read_text())
    assert installs == 1
    name = f"shardyard/own-layer:{seconds}"
    command = ["docker", "build", "--no-cache", "--file", "-", "--tag", name]
    command += ["--build-arg", f"BASE_IMAGE={os.environ[BASE_VARIABLE]}", str(context)]
    environment = {**os.environ, "DOCKER_BUILDKIT": "1"}
    subprocess.run(command, input=dockerfile.encode(), env=environment, check=True)
    try:
        return layers(name, above=len(layers(os.environ[BASE_VARIABLE])))
    finally:
        subprocess.run(["docker", "image", "rm", name], check=True, stdout=subprocess.DEVNULL)


@pytest.mark.parametrize("folder", ["pytorch", "tensorflow"])
def test_two_builds_of_one_content_are_the_same_layer(tmp_path: Path, folder: str) -> None:
    first = build(folder, tmp_path / "first", seconds=1_000_000_000)
    second = build(folder, tmp_path / "second", seconds=1_700_000_000)
    assert first == second
    found = {name for layer in first for name in names(layer)}
    assert OWN_CODE in found
    assert "opt/shardyard/training/spark" not in found, "what this image cannot run is left out"
    assert sum(len(gzip.compress(layer, 6)) for layer in first) < 1_000_000
