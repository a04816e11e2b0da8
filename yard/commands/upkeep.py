"""yard doctor, sweep, destroy, tensorboard: check, clean up, remove."""

import json
import shutil
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import typer

from shardyard.spec import names
from yard.aws import Aws
from yard.commands.complete import complete_jobs
from yard.errors import Exit, UserError
from yard.output import emit_json, emit_rows, say
from yard.project import find_project
from yard.runs import runs

_JSON = typer.Option(False, "--json", help="Print JSON.")


def doctor(
    offline: bool = typer.Option(False, "--offline", help="Check this machine only."),
    account: bool = typer.Option(False, "--account", help="Walk the checklist of a new account instead."),
    as_json: bool = _JSON,
) -> None:
    """Find what is missing or wrong, each with its fix.

    On this machine: versions, disk, namespaces, docker. In the account: credentials, bootstrap, region, stacks,
    quotas that are too low, images out of support. With --account the steps of a new account in their order, from the
    root user to budgets; what only a person can see is named. Exit code 1 if something is missing.

    \b
      yard doctor
      yard --embedded doctor --json
      yard doctor --account
    """
    from yard.account.checklist.steps import walk
    from yard.account.doctor import examine

    if account and offline:
        raise UserError("--account looks at the account, and --offline does not.", "Give one of them.", Exit.USAGE)
    aws = Aws(find_project())
    rows = [asdict(diagnosis) for diagnosis in (walk(aws) if account else examine(aws, account=not offline))]
    emit_rows(rows, ("what", "state", "says", "fix"), as_json=as_json, empty="")
    if any(row["state"] == "missing" for row in rows):
        raise typer.Exit(Exit.FIX)


def sweep(
    stop: bool = typer.Option(False, "--stop", help="Also stop what it finds, as far as the settings allow."),
    as_json: bool = _JSON,
) -> None:
    """Find unused resources that bill.

    Runs the deployed sweeper now, as its schedule does: it finds endpoints, notebooks, warm pools, jobs, and resources
    with the project's tags that belong to no stack. Names the stacks that the app no longer has as well.

    \b
      yard sweep
      yard sweep --stop
    """
    from botocore.exceptions import ClientError

    aws = Aws(find_project())
    settings = aws.project.settings
    function = names.function_name(settings.project, settings.stage, "sweep")
    try:
        answer = aws.client("lambda").invoke(FunctionName=function, Payload=json.dumps({"stop": stop}))
    except ClientError as error:
        if error.response["Error"]["Code"] == "ResourceNotFoundException":
            raise UserError(
                f"The sweeper {function} is not deployed in {aws.region}.",
                f"Deploy it: {aws.project.deploy}. Or choose the region where it is: AWS_REGION."
                if settings.sweeper.enabled
                else f"Set sweeper.enabled in cdk.json to true, then: {aws.project.deploy}",
            ) from None
        raise
    said = json.loads(answer["Payload"].read())
    if answer.get("FunctionError"):
        raise UserError(f"The sweeper failed: {said.get('errorMessage', said)}", f"Its log: /aws/lambda/{function}")
    said["findings"] += [*_undefined_runs(aws), *_leftover_stacks(aws)]
    if as_json:
        emit_json(said)
        return
    emit_rows(said["findings"], ("kind", "name", "why", "action"), as_json=False, empty="Nothing is left over.")
    if stop and not said["stops"]:
        say("Nothing was stopped: the settings do not allow it in this stage (sweeper.stops in cdk.json).")


def _undefined_runs(aws: Aws) -> list[dict[str, str]]:
    """A row for each run that goes on although its job is gone."""
    jobs = [job.name for job in aws.project.jobs()]
    return [
        {
            "kind": "run",
            "name": run.run_id,
            "why": f"goes on, and no file of jobs/ defines {run.job}; to stop it: yard stop {run.run_id}",
            "action": "reported",
        }
        for run in runs.runs_of_others(aws, jobs, running=True)
    ]


def _leftover_stacks(aws: Aws) -> list[dict[str, str]]:
    """A row for each; only `yard destroy` removes them, because data may go with a stack."""
    from yard.account.stacks import leftover_stacks

    why = "deployed and no longer in the app; to remove it: yard destroy --leftovers"
    return [{"kind": "stack", "name": stack.name, "why": why, "action": "reported"} for stack in leftover_stacks(aws)]


def destroy(
    yes: str | None = typer.Option(None, "--yes-project", help="The project's name, instead of being asked for it."),
    leftovers: bool = typer.Option(False, "--leftovers", help="Only the stacks that the app no longer has."),
    dry_run: bool = typer.Option(False, "--dry-run", help="Show what would go and what stays, and stop."),
    as_json: bool = typer.Option(False, "--json", help="Print what goes and what stays as JSON."),
) -> None:
    """Delete every stack of this stage.

    Shows first what goes, with the data in it, and what stays and why; then asks for the project's name. Stacks that
    the app no longer has go as well.

    \b
      yard destroy --dry-run
      yard destroy --leftovers
      yard --embedded destroy --yes-project shardyard
    """
    from yard.account import deletion, removal
    from yard.account.stacks import deployed_stacks, leftover_stacks

    aws = Aws(find_project())
    settings = aws.project.settings
    stacks = leftover_stacks(aws) if leftovers else deployed_stacks(aws)
    if not stacks:
        what = "No leftover" if leftovers else "Nothing"
        raise UserError(f"{what} of {settings.project}, stage {settings.stage}, is deployed in {aws.region}.")
    fates = list(removal.fates(aws, stacks))
    emit_rows([asdict(fate) for fate in fates], ("fate", "kind", "resource", "why"), as_json=as_json, empty="")
    say(f"Stacks: {', '.join(stack.name for stack in stacks)}; account {aws.account}, {aws.region}.")
    deletion.refuse_what_cannot_go(aws, stacks)
    if dry_run:
        return
    if yes is None and not sys.stdin.isatty():
        raise UserError(
            "This is not a terminal, so nothing can be typed here.",
            f"Give the project's name: --yes-project {settings.project}",
            Exit.USAGE,
        )
    given = typer.prompt("This cannot be undone. Type the project's name to continue", err=True) if yes is None else yes
    if given != settings.project:
        raise UserError(f"{given!r} is not {settings.project!r}; nothing was removed.")
    deletion.delete(aws, stacks, tell=say)
    kept = [fate.resource for fate in fates if fate.fate == "stays"]
    say(f"Removed. These stay: {', '.join(kept)}.")


def tensorboard(
    run: str = typer.Argument(help="A job's name (its newest run) or a run id.", autocompletion=complete_jobs),
    to: Path = typer.Option(Path(".yard/tensorboard"), "--to", help="The folder for the event files."),
    as_json: bool = typer.Option(False, "--json", help="Print where the files are as JSON, and open nothing."),
) -> None:
    """Open TensorBoard on a run.

    Downloads the run's event files first.

    \b
      yard tensorboard mnist-ddp
      yard tensorboard mnist-ddp --json | jq -r .folder
    """
    from yard.transfer.downloads import fetch, place

    aws = Aws(find_project())
    found = runs.find(aws, run)
    bucket, prefix, s3 = aws.artifact_bucket(), f"{names.run_prefix(found.run_id)}tensorboard/", aws.client("s3")
    folder = place(to, found.run_id, f"The run id {found.run_id!r}")
    files = fetch(s3, bucket, prefix, folder)
    if not files:
        raise UserError(
            f"The run {found.run_id} left no event files under s3://{bucket}/{prefix}.",
            f"Set [tensorboard] enabled = true in jobs/{found.job}.toml, deploy, and launch it again.",
        )
    if as_json:
        emit_json({"run": found.run_id, "folder": str(folder), "files": files})
        return
    say(f"{files} files are in {folder}/")
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
