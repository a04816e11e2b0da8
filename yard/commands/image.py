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
    from yard.images import push_image

    aws = Aws(find_project())
    done = push_image(aws, folder)
    if as_json:
        emit_json(done)
    where = f"{done['repository']}:{done['tag']}"
    say(f"{where} is pushed." if done["pushed"] else f"{where} is already in the repository.")
    if done["deployed_otherwise"]:
        others = ", ".join(f"{job} ({tag})" for job, tag in done["deployed_otherwise"].items())
        say(f"These jobs are deployed with another version of the folder, and run that: {others}.")
        say(f"Deploy again to make them run this one: {aws.project.deploy}")


@app.command()
def new(
    name: str = typer.Argument(help="The new folder of containers/."),
    template: str = typer.Option("pytorch", "--from", help="The folder to copy.", autocompletion=complete_folders),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> None:
    """Make an image of your own from another one's folder.

    Its Dockerfile installs its own requirements.txt; add your packages there.

    \b
      yard image new vision
      yard image new vision --from pytorch
    """
    from yard.images import new_image

    project = find_project()
    folder = new_image(project.root, name, template)
    if as_json:
        emit_json({"folder": folder})
        return
    say(f"{folder} is made. Add packages to its requirements.txt, then: yard image push {name}")
    say(f'A job runs it with: [image] folder = "{name}"')


def register(main: typer.Typer) -> None:
    """Put these commands on the app."""
    main.add_typer(app, name="image")
