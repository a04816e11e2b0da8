"""The project's CDK command, called for the stage that is chosen."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from yard.errors import UserError
from yard.project import Project

_LAST_CHARACTERS = 1500
"""Of what the command says of a mistake: the end, where the error is."""


def run(
    project: Project, *arguments: str, context: Sequence[str] = (), shown: bool = False
) -> subprocess.CompletedProcess[str]:
    """Run the command and keep what it prints, or show it on stderr; `context` holds KEY=VALUE.

    The project's stage and settings come first, so that those in the context have the last word.
    """
    told = (f"stage={project.settings.stage}", *project.context, *context)
    options = [word for pair in told for word in ("-c", pair)]
    # under CI=true the command writes everything to one stream
    environment = {name: value for name, value in os.environ.items() if name != "CI"}
    try:
        node = subprocess.run(["node", "--version"], capture_output=True, text=True, check=False).stdout
        quiet = {"JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": node.strip().lstrip("v").split(".")[0]}
        out = {"stdout": sys.stderr} if shown else {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        command = ["npx", "cdk", *arguments, "--no-notices", *options]
        return subprocess.run(command, cwd=project.root, env=environment | quiet, text=True, check=False, **out)
    except FileNotFoundError as error:
        raise UserError(f"There is no {error.filename} command here.", "Install Node 22, then: make setup") from None


def synthesise(project: Project, folder: Path, context: Sequence[str] = ()) -> None:
    """Write the app's templates into a folder, as a deploy does."""
    done = run(project, "synth", "--quiet", "--all", "--output", str(folder), context=context)
    if done.returncode:
        said = (done.stderr or done.stdout).strip()[-_LAST_CHARACTERS:]
        options = "".join(f" -c {one}" for one in context)
        raise UserError(
            f"The app cannot be synthesised{options}:\n{said}",
            f"yard check finds most mistakes faster; this one shows with: npx cdk synth{options}",
        )
