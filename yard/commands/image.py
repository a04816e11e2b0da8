"""yard image: bring an image of containers/ to where jobs find it."""

import typer

from yard.aws import Aws
from yard.output import say
from yard.project import find_project

app = typer.Typer(help="Images of containers/.", no_args_is_help=True)


@app.command()
def push(folder: str = typer.Argument(help="A folder of containers/: pytorch.")) -> None:
    """Bring an image to its repository: on AWS by docker, on the embedded cloud by making its environment."""
    from yard.images import push_image

    say(push_image(Aws(find_project()), folder))


@app.callback()
def _images() -> None:
    """Keeps `yard image push` a subcommand while it is the only one."""


def register(main: typer.Typer) -> None:
    """Put these commands on the app."""
    main.add_typer(app, name="image")
