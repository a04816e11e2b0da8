"""Packages of the tests' environment, installed into an image's: fetching torch anew would take a minute.

A node sees its image's environment and nothing else of the machine, so it cannot borrow them by path.
"""

import os
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from embedded.nodes.image_environment import environment_folder
from tests.support.cloud.training_cloud import ROOT, TrainingCloud


def lend_packages(cloud: TrainingCloud, image: str, *names: str) -> None:
    """Make an image's environment of these distributions and what they need, and of the product's own packages."""
    requirements = cloud.project / "containers" / image / "requirements.txt"
    folder = cloud.folder / "cache" / "shardyard" / "environments" / environment_folder(requirements).name
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    (packages,) = folder.glob("lib/python*/site-packages")
    for name in ("contract", "training"):
        shutil.copytree(ROOT / name, packages / name)
    for name in _with_needs(names):
        for file in metadata.files(name) or []:
            source = Path(str(file.locate()))
            if ".." not in file.parts and source.is_file():
                (packages / file).parent.mkdir(parents=True, exist_ok=True)
                _link_or_copy(source, packages / file)
    (folder / ".complete").touch()


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
