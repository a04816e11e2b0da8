"""yard model, outputs, checkpoints: what runs left, brought to this machine."""

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from yard.aws import Aws
from yard.commands.complete import complete_jobs
from yard.errors import UserError
from yard.output import emit_json, emit_rows, say
from yard.project import find_project
from yard.runs import runs
from yard.runs.saves import checkpoints_of

if TYPE_CHECKING:
    from yard.runs.artifacts import Artifact

model_app = typer.Typer(help="Models that runs trained.", no_args_is_help=True)
outputs_app = typer.Typer(help="What programs wrote into SM_OUTPUT_DATA_DIR.", no_args_is_help=True)
checkpoints_app = typer.Typer(help="The checkpoints of runs.", no_args_is_help=True)

_RUN = typer.Argument(help="A job's name (its newest run) or a run id.", autocompletion=complete_jobs)
_JSON = typer.Option(False, "--json", help="Print JSON.")


@model_app.command("get")
def model_get(
    run: str = _RUN,
    to: Path = typer.Option(Path("models"), "--to", help="Unpack it in this folder, under its run id."),
    as_json: bool = _JSON,
) -> None:
    """Download a run's model and unpack it.

    \b
      yard model get mnist-ddp --to /tmp/models
    """
    from yard.runs import artifacts

    aws = Aws(find_project())
    found = runs.find(aws, run)
    model = artifacts.model(aws, found)
    folder, files = _fetched(aws, model, to, found)
    if as_json:
        emit_json({"run": found.run_id, "model": model.address, "folder": str(folder), "files": files})
    if files:
        say(f"{model.address} is unpacked in {folder}/")
    else:
        say(artifacts.NO_MODEL.format(run=found.run_id))


@model_app.command("register")
def model_register(
    run: str = _RUN,
    evaluation: str = typer.Option(..., "--evaluation", help="The run that evaluated it.", metavar="RUN"),
    as_json: bool = _JSON,
) -> None:
    """Register a run's model again, with its evaluation.

    A version of the registry gets its metrics when it is made. So this makes another version of what the run has
    registered: the same model and image, pending approval, with the evaluation's file as its ModelQuality.

    \b
      yard run evaluate --input model=20261121-073000-a1b2
      yard model register 20261121-073000-a1b2 --evaluation evaluate
    """
    from yard.runs import evaluated

    aws = Aws(find_project())
    made = evaluated.register(aws, runs.find(aws, run), runs.find(aws, evaluation))
    if as_json:
        emit_json(made)
    say(f"{made['model_package_arn']} has {made['evaluation']} as its model quality, and waits for approval.")


@outputs_app.command("get")
def outputs_get(
    run: str = _RUN,
    name: str | None = typer.Option(None, "--name", help="Which output of a processing run; by default its only one."),
    to: Path = typer.Option(Path("outputs"), "--to", help="Unpack it in this folder, under its run id."),
    as_json: bool = _JSON,
) -> None:
    """Download a run's output data and unpack it.

    The files of SM_OUTPUT_DATA_DIR, /opt/ml/output/data, of the newest attempt that wrote any; of a processing run
    one of its outputs.

    \b
      yard outputs get mnist-ddp
      yard outputs get evaluate --name report
    """
    from yard.runs import artifacts

    aws = Aws(find_project())
    found = runs.find(aws, run)
    output = artifacts.outputs(aws, found, name)
    folder, files = _fetched(aws, output, to, found)
    if as_json:
        emit_json({"run": found.run_id, "outputs": output.address, "folder": str(folder), "files": files})
    say(f"{output.address} is unpacked in {folder}/: {len(files)} file{'' if len(files) == 1 else 's'}.")


@checkpoints_app.command("ls")
def checkpoints_ls(run: str = _RUN, as_json: bool = _JSON) -> None:
    """List a run's checkpoints, oldest first.

    \b
      yard checkpoints ls mnist-ddp
    """
    from yard.runs import artifacts

    aws = Aws(find_project())
    found = runs.find(aws, run)
    kept = artifacts.checkpoints(aws, found)
    rows = [
        {
            "checkpoint": one.name,
            "files": len(one.files.objects),
            "size": one.files.size if as_json else artifacts.in_words(one.files.size),
            "written": one.files.newest,
            "latest": one.is_latest,
        }
        for one in kept
    ]
    columns = ("checkpoint", "files", "size", "written", "latest")
    emit_rows(rows, columns, as_json=as_json, empty=_none(aws, found))


@checkpoints_app.command("get")
def checkpoints_get(
    run: str = _RUN,
    checkpoint: str | None = typer.Argument(None, help="Its name in yard checkpoints ls; by default the newest."),
    to: Path = typer.Option(Path("checkpoints"), "--to", help="The folder for it, under its run id."),
    as_json: bool = _JSON,
) -> None:
    """Download a checkpoint, files as they were saved.

    \b
      yard checkpoints get mnist-ddp
      yard checkpoints get 20261121-073000-a1b2 step-00000011-g1
    """
    from shardyard.spec.errors import nearest
    from yard.runs import artifacts

    aws = Aws(find_project())
    found = runs.find(aws, run)
    kept = {one.name: one for one in artifacts.checkpoints(aws, found)}
    if not kept:
        raise UserError(_none(aws, found))
    newest = next((one.name for one in kept.values() if one.is_latest), list(kept)[-1])
    name = newest if checkpoint is None else checkpoint
    if name not in kept:
        raise UserError(f"The run {found.run_id} has no checkpoint {name!r}; {nearest(name, list(kept))}")
    files = kept[name].files
    folder, paths = _fetched(aws, files, to, found)
    if as_json:
        emit_json({"run": found.run_id, "checkpoint": name, "folder": str(folder), "files": paths})
    say(f"{name} of {found.run_id} is in {folder}/: {len(paths)} files, {artifacts.in_words(files.size)}.")


def _fetched(aws: Aws, found: "Artifact", to: Path, run: runs.Run) -> tuple[Path, list[str]]:
    from yard.runs import artifacts
    from yard.transfer import downloads

    folder = downloads.place(to, run.run_id, f"The run id {run.run_id!r}")
    return folder, sorted(map(str, artifacts.fetch(aws, found, folder)))


def _none(aws: Aws, run: runs.Run) -> str:
    kept = checkpoints_of(aws.project.job(run.job))
    if kept is None:
        return f"{run.job!r} is a {run.of.noun}, which keeps no checkpoints."
    if not kept.enabled:
        return f"The job {run.job!r} keeps no checkpoints: set [checkpoints] enabled = true in jobs/{run.job}.toml."
    return f"The run {run.run_id} kept no checkpoint: nothing was written into {kept.local_path}."


def register(app: typer.Typer) -> None:
    """Put these commands on the app."""
    outputs_app.callback()(_alone)
    app.add_typer(model_app, name="model")
    app.add_typer(outputs_app, name="outputs")
    app.add_typer(checkpoints_app, name="checkpoints")


def _alone() -> None:
    """Keeps `get` a subcommand while it is the only one."""
