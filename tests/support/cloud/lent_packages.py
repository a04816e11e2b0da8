"""Packages of the tests' environment, installed into an image's: fetching torch anew would take a minute.

A node sees its image's environment and nothing else of the machine, so it cannot borrow them by path.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from embedded.nodes.image_environment import environment_folder
from shardyard.spec.product import IMAGE_ROOMS
from tests.support.clouds.docker_cloud import DockerCloud
from tests.support.clouds.training_cloud import ROOT, TrainingCloud


def lend_packages(cloud: TrainingCloud, image: str, *names: str) -> None:
    """Make an image's environment of these distributions and what they need, and of the product's own packages."""
    if isinstance(cloud, DockerCloud):
        found = {file: path for name in _with_needs(names) for file, path in _files(name)}
        cloud.push(image, cloud.project / "containers" / image, found)
        return
    requirements = cloud.project / "containers" / image / "requirements.txt"
    folder = cloud.folder / "cache" / "shardyard" / "environments" / environment_folder(requirements).name
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    (packages,) = folder.glob("lib/python*/site-packages")
    for name in IMAGE_ROOMS:
        shutil.copytree(ROOT / name, packages / name)
    for name in _with_needs(names):
        for file, source in _files(name):
            (packages / file).parent.mkdir(parents=True, exist_ok=True)
            _link_or_copy(source, packages / file)
    (folder / ".complete").touch()


def _files(name: str) -> Iterator[tuple[str, Path]]:
    """A distribution's files, by their place among the packages, and where they are here."""
    for file in metadata.files(name) or []:
        source = Path(str(file.locate()))
        if ".." not in file.parts and source.is_file():
            yield str(file), source


def _with_needs(names: tuple[str, ...]) -> set[str]:
    waiting, found = list(names), set[str]()
    while waiting:
        name = canonicalize_name(waiting.pop())
        if name not in found:
            found.add(name)
            needs = [Requirement(text) for text in metadata.requires(name) or []]
            waiting += [need.name for need in needs if need.marker is None or need.marker.evaluate({"extra": ""})]
    return found


def _link_or_copy(source: Path, target: Path) -> None:
    """Link it, since torch is large; copy it from another file system."""
    try:
        os.link(source, target)
    except FileExistsError:
        return
    except OSError:
        shutil.copy2(source, target)
