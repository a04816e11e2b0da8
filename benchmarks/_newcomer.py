"""A project in an empty folder and whoever works in it, with commands as people type them."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from embedded import lifecycle

ROOT = Path(__file__).parent.parent


class Newcomer:
    """A project in an empty folder, and who works in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.env = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        node = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout
        self.env |= {
            "PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "constructs"))),
            "PATH": os.pathsep.join((str(Path(sys.executable).parent), self.env["PATH"])),
            "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": node.strip().lstrip("v").split(".")[0],
        }

    def run(self, *command: str) -> str:
        """A command that must work; returns what it printed."""
        done = subprocess.run(
            command, cwd=self.folder, env=self.env, capture_output=True, text=True, stdin=subprocess.DEVNULL
        )
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)}: {done.stdout}{done.stderr}")
        return done.stdout

    def yard(self, *words: str) -> str:
        """The command, pointed at the cloud of this folder."""
        return self.run(sys.executable, "-m", "yard.main", *words)

    def make_project(self) -> None:
        """A copy of the repository's app, with no job yet."""
        for name in ("constructs", "containers", "contract", "serving", "stacks", "training"):
            shutil.copytree(ROOT / name, self.folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        for name in ("app.py", "cdk.json"):
            shutil.copy(ROOT / name, self.folder)
        (self.folder / "node_modules").symlink_to(ROOT / "node_modules")
        (self.folder / ".venv").symlink_to(sys.prefix)  # cdk.json calls it
        (self.folder / "jobs").mkdir()

    def start_cloud(self) -> None:
        """Start the cloud and point what follows at it."""
        self.yard("cloud", "up")
        self.env |= lifecycle.env(self.folder / lifecycle.DEFAULT_FOLDER)

    def deploy(self) -> None:
        """Deploy all stacks."""
        self.run("npx", "cdk", "deploy", "--all", "--require-approval", "never")


@contextmanager
def newcomer(name: str) -> Iterator[Newcomer]:
    """A new project; its cloud is stopped and all of it gone at the end."""
    with tempfile.TemporaryDirectory(prefix=f"shardyard-{name}-") as folder:
        who = Newcomer(Path(folder) / name)
        who.folder.mkdir()
        who.make_project()
        try:
            yield who
        finally:
            lifecycle.down(who.folder / lifecycle.DEFAULT_FOLDER)
