"""yard doctor, sweep, destroy, tensorboard: keep it in order, take it away."""

import json
import shutil
import subprocess
from dataclasses import asdict
from pathlib import Path

import typer

from shardyard.spec import names
from yard import runs, upload
from yard.aws import Aws
from yard.errors import Exit, UserError
from yard.output import emit_json, emit_rows, say
from yard.project import find_project

_JSON = typer.Option(False, "--json", help="Print JSON.")


def doctor(
    offline: bool = typer.Option(False, "--offline", help="Look at this machine only."),
    as_json: bool = _JSON,
) -> None:
    """Find what is missing or wrong on this machine and in this account, each with its fix."""
    from yard.doctor import examine

    rows = [asdict(finding) for finding in examine(Aws(find_project()), account=not offline)]
    emit_rows(rows, ("what", "state", "says", "fix"), as_json=as_json, empty="")
    if any(row["state"] == "missing" for row in rows):
        raise typer.Exit(Exit.FIX)


def sweep(
    stop: bool = typer.Option(False, "--stop", help="Also stop what was found, as far as the settings allow."),
    as_json: bool = _JSON,
) -> None:
    """Look for things that bill and that nobody uses, with the deployed sweeper."""
    from botocore.exceptions import ClientError

    aws = Aws(find_project())
    settings = aws.project.settings
    function = names.function_name(settings.project, settings.stage, "sweep")
    try:
        answer = aws.client("lambda").invoke(FunctionName=function, Payload=json.dumps({"stop": stop}))
    except ClientError as error:
        if error.response["Error"]["Code"] == "ResourceNotFoundException":
            raise UserError(
                f"The sweeper {function} is not deployed.",
                "Set sweeper.enabled in cdk.json, then: npx cdk deploy --all",
            ) from None
        raise
    said = json.loads(answer["Payload"].read())
    if answer.get("FunctionError"):
        raise UserError(f"The sweeper failed: {said.get('errorMessage', said)}")
    if as_json:
        emit_json(said)
        return
    emit_rows(said["findings"], ("kind", "name", "why", "action"), as_json=False, empty="Nothing is left over.")


def destroy(
    yes: str | None = typer.Option(None, "--yes-project", help="The project's name, in place of asking."),
) -> None:
    """Take every stack of this stage away; shows first what goes, what stays and what is lost."""
    from yard import removal

    aws = Aws(find_project())
    settings = aws.project.settings
    rows = [asdict(fate) for fate in removal.fates(aws)]
    emit_rows(rows, ("fate", "kind", "resource", "why"), as_json=False, empty="Nothing that holds data is deployed.")
    say(f"This removes all stacks of {settings.project}, stage {settings.stage}, in {aws.region} ({aws.account}).")
    given = typer.prompt("Type the project's name to go on") if yes is None else yes
    if given != settings.project:
        raise UserError(f"{given!r} is not {settings.project!r}; nothing was removed.")
    removal.destroy(aws)


def tensorboard(
    run: str = typer.Argument(help="A job's name (its newest run) or a run id."),
    to: Path = typer.Option(Path(".yard/tensorboard"), "--to", help="The folder for the event files."),
) -> None:
    """Download a run's TensorBoard files and open TensorBoard on them."""
    aws = Aws(find_project())
    found = runs.find(aws, run)
    bucket, prefix, s3 = aws.artifact_bucket(), f"{names.run_prefix(found.run_id)}tensorboard/", aws.client("s3")
    files = list(upload.objects(s3, bucket, prefix))
    if not files:
        raise UserError(
            f"The run {found.run_id} left no event files under s3://{bucket}/{prefix}.",
            f"Set [tensorboard] enabled = true in jobs/{found.job}.toml, deploy, and launch it again.",
        )
    folder = to / found.run_id
    for one in files:
        path = folder / one["Key"].removeprefix(prefix)
        path.parent.mkdir(parents=True, exist_ok=True)
        s3.download_file(bucket, one["Key"], str(path))
    say(f"{len(files)} files are in {folder}/")
    if shutil.which("tensorboard") is None:
        raise UserError(
            "There is no tensorboard command here.", f"pip install tensorboard; tensorboard --logdir {folder}"
        )
    subprocess.run(["tensorboard", "--logdir", str(folder)], check=False)


def register(app: typer.Typer) -> None:
    """Put these commands on the app."""
    app.command()(tensorboard)
    app.command()(doctor)
    app.command()(sweep)
    app.command()(destroy)
