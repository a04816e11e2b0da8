"""yard image: push an image of containers/ to where jobs find it."""

import typer

from yard.aws import Aws
from yard.commands.complete import complete_folders
from yard.output import emit_json, say
from yard.project import find_project

app = typer.Typer(help="Images of containers/.", no_args_is_help=True)


@app.command()
def push(
    folder: str = typer.Argument(help="A folder of containers/: pytorch.", autocompletion=complete_folders),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> None:
    """Push an image to its repository.

    On AWS, docker builds and pushes it; on the embedded cloud, its environment is made. The tag is a hash of the
    content, so what is already there is not sent again.

    \b
      yard image push pytorch
    """
    from yard.images import DEPLOY, push_image

    done = push_image(Aws(find_project()), folder)
    if as_json:
        emit_json(done)
    where = f"{done['repository']}:{done['tag']}"
    say(f"{where} is pushed." if done["pushed"] else f"{where} is already in the repository.")
    if done["deployed_otherwise"]:
        others = ", ".join(f"{job} ({tag})" for job, tag in done["deployed_otherwise"].items())
        say(f"These jobs are deployed with another version of the folder, and run that: {others}.")
        say(f"Deploy again to make them run this one: {DEPLOY}")


@app.callback()
def _images() -> None:
    """Keeps `yard image push` a subcommand while it is the only one."""


def register(main: typer.Typer) -> None:
    """Put these commands on the app."""
    main.add_typer(app, name="image")
