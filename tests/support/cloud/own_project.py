"""A project of one's own: a copy of the app with a single job whose code is a script that tests change."""

import json
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shardyard.spec.product import IMAGE_ROOMS
from tests.support.cloud.house import ROOT, House, short_waits

JOB = "own-code"
_FOLDERS = ("constructs", "containers", "stacks", *IMAGE_ROOMS)
_CACHES = shutil.ignore_patterns("__pycache__")
_DEFINITION = """\
description = "A script of one's own on two machines"
stack = "experiments"

[image]
folder = "pytorch"

[source]
dir = "experiments"

[program]
entry = "train.py"
launcher = "torchrun"
processes_per_node = 1

[compute]
instance_type = "ml.m5.xlarge"
count = 2
volume = "5GB"

[limits]
max_runtime = "1h"

[cost]
cap_usd = 5
"""
_SCRIPT = """\
import os
import sys
import time
from pathlib import Path

rank, broken = os.environ["RANK"], os.environ.get("BROKEN_RANK")
print(f"rank {rank} has begun", flush=True)
if rank == broken:
    raise ValueError("the tenth batch is broken")
if "REFUSAL" in os.environ:
    print(os.environ["REFUSAL"], file=sys.stderr)
    sys.exit(78)
if broken or "WAIT" in os.environ:
    time.sleep(3600)
print("metric step=1 loss=0.5", flush=True)
if rank == "0":
    (Path(os.environ["SM_MODEL_DIR"]) / "word.txt").write_text("WORD")
"""


@dataclass(frozen=True, kw_only=True)
class OwnProject(House):
    """The copy, as its owner sees it."""

    root: Path

    def write_script(self, word: str) -> None:
        """Write the code; the word ends up in the model."""
        (self.root / "experiments/train.py").write_text(_SCRIPT.replace("WORD", word))

    def deploy(self, *stacks: str, parameters: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """Deploy some stacks, or all, with the real command; `parameters` by `part:Name`."""
        chosen = [*(f"{self.root.name}-dev-{part}" for part in stacks), "--exclusively"] if stacks else ["--all"]
        given = [f"{self.root.name}-dev-{name}={value}" for name, value in (parameters or {}).items()]
        options = [word for one in given for word in ("--parameters", one)]
        return self.cloud.cdk("deploy", *chosen, "--require-approval", "never", *options, root=self.root)

    def deployed(self, *stacks: str, parameters: Mapping[str, str] | None = None) -> None:
        """Deploy, which must work."""
        done = self.deploy(*stacks, parameters=parameters)
        assert done.returncode == 0, done.stdout + done.stderr


def write_settings(folder: Path, **context: Any) -> None:
    """Write cdk.json: what the app ships with, the folder's name as the project's, and more."""
    settings = json.loads((ROOT / "cdk.json").read_text())
    settings["app"] = f"{sys.executable} app.py"
    settings["context"] |= {"project": folder.name, **context}
    (folder / "cdk.json").write_text(json.dumps(settings))


def copy_app(folder: Path, **context: Any) -> None:
    """Copy the app into a folder, which gives it its name, with one job and these settings."""
    for name in _FOLDERS:
        shutil.copytree(ROOT / name, folder / name, ignore=_CACHES)
    shutil.copy(ROOT / "app.py", folder)
    (folder / "node_modules").symlink_to(ROOT / "node_modules")
    for name in ("jobs", "experiments"):
        (folder / name).mkdir()
    (folder / "jobs" / f"{JOB}.toml").write_text(_DEFINITION)
    (folder / "experiments/train.py").write_text(_SCRIPT.replace("WORD", "first"))
    write_settings(folder, **context)


def make_project(cloud: Any, folder: Path, *, email: str, context: Mapping[str, Any] | None = None) -> OwnProject:
    """Copy the app into a folder, deploy it with these settings, and push its image."""
    copy_app(folder, **(context or {}))
    made = OwnProject(cloud=cloud, aws=House.of(cloud, folder).aws, root=folder)
    short_waits(cloud)
    made.deployed(parameters={"observability:AlertEmail": email})
    made.push_image()
    return made
