"""examples/own-app, as a team has it: a copy of the folder, synthesised or deployed beside things of the team's own."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from stacks.build import ROOT

EXAMPLE = ROOT / "examples/own-app"


def copy_own_app(folder: Path, **context: Any) -> Path:
    """Copy the app and write what the team has into its cdk.json."""
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("__pycache__", "cdk.out"))
    (folder / "node_modules").symlink_to(ROOT / "node_modules")
    settings = json.loads((folder / "cdk.json").read_text())
    settings["app"] = f"{sys.executable} app.py"
    settings["context"] |= context
    (folder / "cdk.json").write_text(json.dumps(settings))
    return folder


def synthesise_own_app(folder: Path, out: Path) -> Path:
    """Synthesise it as the CDK command does; its template."""
    context = json.loads((folder / "cdk.json").read_text())["context"]
    environment = {**os.environ, "CDK_OUTDIR": str(out), "CDK_CONTEXT_JSON": json.dumps(context)}
    done = subprocess.run([sys.executable, "app.py"], cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return out / "counting.template.json"
