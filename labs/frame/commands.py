"""Commands of a lab's project: `yard` and `cdk`, run as a reader would type them."""

import json
import os
import subprocess
import sys
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from labs.frame.errors import LabError

_SHOWN_LINES = 40


def yard(words: Sequence[str], *, folder: Path, codes: Collection[int] = (0,), show: bool = True) -> str:
    """Run a `yard` command and print it with its answer; another exit code than expected is an error in its words."""
    done = _run([sys.executable, "-m", "yard.main", *words], folder)
    said = f"$ yard {' '.join(words)}"
    if done.returncode not in codes:
        raise LabError(f"{said} ended with exit code {done.returncode}:\n{done.stdout}{done.stderr}".rstrip())
    if show:
        print(f"{said}\n{(done.stdout + done.stderr).rstrip()}\n", flush=True)
    return done.stdout


def yard_json(words: Sequence[str], *, folder: Path, codes: Collection[int] = (0,)) -> Any:
    """What a `yard` command answers as one document."""
    return json.loads(yard([*words, "--json"], folder=folder, codes=codes, show=False))


def cdk(words: Sequence[str], *, folder: Path) -> None:
    """Run the CDK command; its output is shown only where it fails."""
    print(f"$ npx cdk {' '.join(words)}", flush=True)
    done = _run(["npx", "cdk", *words], folder)
    if done.returncode:
        end = "\n".join((done.stdout + done.stderr).splitlines()[-_SHOWN_LINES:])
        raise LabError(f"npx cdk {' '.join(words)} ended with exit code {done.returncode}:\n{end}")


def _run(command: Sequence[str], folder: Path) -> "subprocess.CompletedProcess[str]":
    env = {**os.environ, "COLUMNS": "120", "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": _node_major()}
    return subprocess.run(
        command, cwd=folder, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )


def _node_major() -> str:
    said = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout
    return said.strip().lstrip("v").split(".")[0]
