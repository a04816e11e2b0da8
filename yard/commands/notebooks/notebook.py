"""yard notebook: a notebook becomes a job, and a job a notebook."""

from pathlib import Path

import typer

from yard.commands.complete import complete_folders, complete_jobs
from yard.errors import Exit, UserError
from yard.output import emit_json, say, show
from yard.project import find_project

app = typer.Typer(help="Notebooks that become jobs, and jobs that become notebooks.", no_args_is_help=True)

_JSON = typer.Option(False, "--json", help="Print JSON.")


@app.command()
def convert(
    notebook: Path = typer.Argument(help="The notebook's file."),
    name: str = typer.Option(..., "--name", help="The job's name."),
    to: Path | None = typer.Option(None, "--to", help="The script's folder; by default code/NAME."),
    channel: list[str] = typer.Option([], "--channel", help="A channel and the path that it stands for: train=data."),
    keep: list[str] = typer.Option([], "--keep", help="A path that is written, as model or output: out=model."),
    require: list[str] = typer.Option([], "--require", help="The version of a package that is not installed here."),
    python: Path | None = typer.Option(None, "--python", help="The Python whose packages are pinned."),
    image: str | None = typer.Option(
        None, "--image", help="A folder of containers/ that has the packages.", autocompletion=complete_folders
    ),
    as_json: bool = _JSON,
) -> None:
    """Make a job of a notebook.

    Writes a script with the cells in their order, jobs/NAME.toml and, if its imports need one, containers/NAME. A
    cell tagged `skip` is left out, one tagged `parameters` becomes hyperparameters. What cannot be converted is listed
    by cell with the reason, and then nothing is written. The notebook is not run.

    \b
      yard notebook convert train.ipynb --name churn
      yard notebook convert train.ipynb --name churn --channel train=/data/churn --keep results=output
    """
    from yard.notebooks import converting
    from yard.notebooks.converting import NotConvertedError, Wanted
    from yard.notebooks.paths import Given

    kept = converting.pairs("--keep", keep, "results=output")
    if unknown := [value for value in kept.values() if value not in ("model", "output")]:
        raise UserError(f"--keep knows no {unknown[0]!r}.", "Choose model or output.", Exit.USAGE)
    given = Given(channels=converting.pairs("--channel", channel, "train=data"), kept=kept)
    wanted = Wanted(
        notebook=notebook,
        name=name,
        folder=to,
        image=image,
        python=python,
        required=converting.requirements(require),
        given=given,
    )
    project = find_project()
    try:
        done = converting.convert(project, wanted)
    except NotConvertedError as error:
        if as_json:
            emit_json({"job": name, "refused": converting.as_json(error.refusals)})
        raise
    files = [str(path.relative_to(project.root)) for path in done.files if path.is_file()]
    if as_json:
        emit_json({"job": name, "files": files, "notes": converting.as_json(done.notes), "to_do": list(done.to_do)})
        return
    print("\n".join(files))
    for note in done.notes:
        show(str(note))
    say("Left to do, in this order:")
    for sentence in done.to_do:
        say(f"  {sentence}")
    say(f"Then: yard train {name}")


@app.command("open")
def open_(
    job: str = typer.Argument(help="A job of jobs/.", autocompletion=complete_jobs),
    to: Path | None = typer.Option(None, "--to", help="The notebook's file; by default notebooks/JOB.ipynb."),
    as_json: bool = _JSON,
) -> None:
    """Open a job's script as a notebook, with its hyperparameters.

    Its first cell sets what a job's launcher sets, and is tagged `skip`: the notebook can be converted again.

    \b
      yard notebook open churn
    """
    from yard.notebooks.opening import open_job

    path = open_job(find_project(), job, to)
    if as_json:
        emit_json({"job": job, "notebook": path})
        return
    say(f"{path} is the script of {job}. Data for a channel is looked for in data/CHANNEL beside it.")


def register(main: typer.Typer) -> None:
    """Put these commands on the app."""
    main.add_typer(app, name="notebook")
