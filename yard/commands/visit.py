"""yard exec, shell: into a running node."""

import sys

import typer

from yard.aws import Aws
from yard.commands.complete import complete_jobs
from yard.errors import Exit, UserError
from yard.project import find_project
from yard.runs import runs

_RUN = typer.Argument(help="A job's name (its newest run) or a run id.", autocompletion=complete_jobs)
_NODE = typer.Option(1, "--node", help="Which node: 2 is algo-2.", min=1, metavar="N")


def execute(
    run: str = _RUN,
    command: list[str] = typer.Argument(help="The command and its arguments, after --."),
    node: int = _NODE,
) -> None:
    """Run a command in a node of a run that trains.

    As the node's root, in the folder of the code, with the variables of the launcher; what is piped in here reaches it.
    The exit code is the command's. On AWS it goes through Systems Manager, needs [debug] remote = true and the
    session-manager-plugin, and the plugin passes no exit code on.

    \b
      yard exec mnist-ddp -- df -h /dev/shm
      yard exec mnist-ddp --node 2 -- nvidia-smi
    """
    from yard.runs.visits import run_in

    aws = Aws(find_project())
    raise typer.Exit(run_in(aws, runs.find(aws, run), node, command, terminal=False))


def shell(run: str = _RUN, node: int = _NODE) -> None:
    """Open a shell in a node of a run that trains.

    The run goes on meanwhile. On AWS as for `yard exec`.

    \b
      yard shell mnist-ddp
      yard shell 20261121-073000-a1b2 --node 2
    """
    from yard.runs.visits import run_in

    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UserError("yard shell needs a terminal.", "For one command: yard exec RUN -- COMMAND", code=Exit.USAGE)
    aws = Aws(find_project())
    raise typer.Exit(run_in(aws, runs.find(aws, run), node, (), terminal=True))


def register(app: typer.Typer) -> None:
    """Put these commands on the app."""
    app.command(name="exec")(execute)
    app.command()(shell)
