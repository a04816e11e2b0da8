"""yard image: push an image of containers/ to where jobs find it."""

from pathlib import Path

import typer

from yard.aws import Aws
from yard.commands.complete import complete_folders
from yard.output import emit_json, say
from yard.project import find_project

app = typer.Typer(help="Images of containers/.", no_args_is_help=True)


@app.command()
def push(
    folder: str = typer.Argument(help="A folder of containers/: pytorch.", autocompletion=complete_folders),
    variant: list[str] = typer.Option(
        [], "--variant", help="Only this one of its variants.toml: cpu, gpu, cpu-arm64, ... Can be repeated."
    ),
    ca: Path | None = typer.Option(
        None, "--ca", help="The certificates of a proxy that signs anew; they stay out of the image."
    ),
    pip_conf: Path | None = typer.Option(
        None, "--pip-conf", help="A pip.conf for the build, with your own index; it stays out of the image."
    ),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> None:
    """Push an image, built for the hardware of its jobs.

    On AWS, docker builds and pushes it; on the embedded cloud, its environment is made, or, where nodes are
    containers (yard cloud up --engine docker), the image itself. The tag is a hash of the
    content, so what is already there is not sent again.

    \b
      yard image push pytorch
      yard image push pytorch --variant gpu --ca /etc/ssl/certs/proxy.pem
    """
    from yard.image_builds import Secrets
    from yard.images import push_image

    aws = Aws(find_project())
    done = push_image(aws, folder, variants=variant, secrets=Secrets(ca=ca, pip_conf=pip_conf))
    if as_json:
        emit_json(done)
    for one in done["images"]:
        where = one["uri"].partition("/")[2]
        say(f"{where} is pushed." if one["pushed"] else f"{where} is already in the repository.")
    if done["deployed_otherwise"]:
        others = ", ".join(f"{job} ({tag})" for job, tag in done["deployed_otherwise"].items())
        say(f"These jobs are deployed with another version of the folder, and run that: {others}.")
        say(f"Deploy again to make them run this one: {aws.project.deploy}")


@app.command()
def new(
    name: str = typer.Argument(help="The new folder of containers/."),
    template: str | None = typer.Option(
        None,
        "--from",
        help="The folder to copy; by default the one of that name that ships, else pytorch.",
        autocompletion=complete_folders,
    ),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> None:
    """Make an image of your own from another one's folder.

    Its Dockerfile installs its own requirements.txt; add your packages there.

    \b
      yard image new vision
      yard image new automl
      yard image new vision --from tensorflow
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
