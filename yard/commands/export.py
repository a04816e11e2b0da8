"""yard export: a job as a request or as a script of the official SDK."""

import typer

from yard.aws import Aws
from yard.commands.complete import complete_jobs
from yard.errors import Exit, UserError
from yard.output import emit_json, say
from yard.project import find_project


def export(
    job: str = typer.Argument(help="A job of jobs/ that is deployed.", autocompletion=complete_jobs),
    sdk: bool = typer.Option(False, "--sdk", help="A script of the official SageMaker SDK 3.x."),
    request: bool = typer.Option(False, "--request", help="The CreateTrainingJob request, for boto3 or the AWS CLI."),
) -> None:
    """Print a job as a request, or as a script of the SDK.

    The output does not need this project. (The code of a job with [source] is uploaded first.)

    \b
      yard export mnist-ddp --sdk > launch.py
      yard export mnist-ddp --request > request.json
      aws sagemaker create-training-job --cli-input-json file://request.json
    """
    from shardyard.spec.jobs.job import JobSpec
    from shardyard.spec.requests.any_kind import request_of
    from yard.account import deployed
    from yard.export import sdk_script
    from yard.runs import runs
    from yard.sources import upload_source

    if sdk == request:
        raise UserError("Say which: --sdk for a script, --request for the plain request.", code=Exit.USAGE)
    aws = Aws(find_project())
    found = deployed.read(aws, aws.project.job(job).name)
    spec = found.spec
    if spec.source is not None:
        spec = spec.with_source(str(upload_source(aws, spec)))
    run_id = runs.new_run_id()
    if sdk and not isinstance(spec, JobSpec):
        raise UserError(
            f"{job} is {spec.what}, and the script is for training jobs.",
            f"Its request: yard export {job} --request",
        )
    made = request_of(spec, found.deployment, job_name=f"{job}-{run_id}-1", run_id=run_id)
    if request:
        emit_json(made)
        if "ModelName" in made:
            say(f"It names the Model {made['ModelName']}: a launch makes it before, and you would have to.")
            return
        say(f"It is the run {run_id}: sent again under another name, it goes on from that run's checkpoints.")
    else:
        print(sdk_script(job, made), end="")


def register(app: typer.Typer) -> None:
    """Put this command on the app."""
    app.command()(export)
