"""A launch from its wishes to its run: what `yard train`, `yard queue` and a notebook's `train` all do."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from yard.aws import Aws
from yard.errors import UserError
from yard.output import say
from yard.override_options import with_words
from yard.runs import about, runs

if TYPE_CHECKING:
    from shardyard.spec.jobs.job import JobSpec
    from yard.plan import LaunchPlan


def launch_input(
    job: "JobSpec", overrides: Mapping[str, Any], hyperparameters: Mapping[str, Any], words: Sequence[str] = ()
) -> dict[str, Any]:
    """The input of an execution; warns about hyperparameters that the job does not name.

    They are passed on all the same: a program may read more than its job's file names.
    """
    from shardyard.spec.errors import nearest

    for name in hyperparameters:
        if job.hyperparameters and name not in job.hyperparameters:
            known = nearest(name, list(job.hyperparameters))
            say(f"--set {name}: the job's file has no hyperparameter of this name; {known}")
    launch = {**overrides, **({"hyperparameters": dict(hyperparameters)} if hyperparameters else {})}
    return {**launch, "arguments": with_words(job, overrides.get("arguments"), words)} if words else launch


def plan_of(aws: Aws, job: str, launch: Mapping[str, Any], *, dry_run: bool = False) -> "LaunchPlan":
    """The plan of the deployed job, since that is what runs. Without an account, a dry run uses the job's file."""
    from shardyard.spec.jobs.overrides import LaunchInput
    from yard import images
    from yard.account import deployed
    from yard.errors import explain
    from yard.plan import make_plan, offline_region

    local, given = aws.project.job(job), LaunchInput.from_dict(launch)
    try:
        found = deployed.read(aws, job)
    except Exception as error:
        known = explain(error)
        if not dry_run or known is None:
            raise
        say(f"{known.happened} This is the plan of jobs/{job}.toml, with the prices of {offline_region()}.")
        return make_plan(local, given, region=offline_region())
    changed = deployed.changed_since(found, local)
    if changed:
        say(f"jobs/{job}.toml has changed since it was deployed ({', '.join(changed)}); what is deployed is launched.")
        say(f"To launch what the file says, deploy again: {aws.project.deploy}")
    try:
        images.check_before_launch(aws, job, found)
    except UserError as error:
        if not dry_run:
            raise
        say(f"A launch would be refused now: {error.happened} {error.fix}")
    return make_plan(replace(found.spec, name=local.name), given, region=aws.region, sources=found.sources)


def refuse_wrong_code(aws: Aws, job: "JobSpec") -> None:
    """Find a syntax error before anything is uploaded."""
    from shardyard.spec.errors import SpecError
    from yard.plan import code_problems

    wrong = code_problems(aws.project, job)
    if wrong:
        raise SpecError(wrong)


def start(
    aws: Aws,
    job: str,
    launch: Mapping[str, Any],
    *,
    name: str | None = None,
    tags: Mapping[str, str] | None = None,
) -> runs.Run:
    """Upload code that has changed, start the execution, and keep what the run is called."""
    from yard.sources import git_state, upload_source

    given = {**launch}
    if given.get("run_id") is None:
        given["run_id"] = runs.new_run_id()
    if "source_sha256" not in given:  # a resumed run keeps its original code
        sha256 = upload_source(aws, aws.project.job(job))
        given |= {} if sha256 is None else {"source_sha256": sha256}
        given |= git_state(aws.project.root)
    run = runs.start(aws, job, {**given, "launched_by": aws.caller})
    if name is not None or tags:
        about.change(aws, run.run_id, lambda found: about.with_words(found, name=name, tags=tags))
    say(f"Launched {job}, run {run.run_id}.")
    return run


def stop(aws: Aws, run: runs.Run) -> None:
    """Stop the execution; Step Functions stops the training job of a .sync task with it. Without one, stop the job."""
    if run.execution_arn:
        aws.client("stepfunctions").stop_execution(
            executionArn=run.execution_arn, error="Stopped", cause="Stopped by a person with yard stop"
        )
    for attempt in () if run.execution_arn else runs.attempts(aws, run):
        if attempt["TrainingJobStatus"] == "InProgress":
            aws.client("sagemaker").stop_training_job(TrainingJobName=attempt["TrainingJobName"])
    say(f"Stopping {run.job}, run {run.run_id}: its program has two minutes to save, which are billed.")
    if not aws.project.has_job(run.job):
        say(f"No file of jobs/ defines {run.job} any more, so it cannot be resumed.")
    elif aws.project.job(run.job).checkpoints.enabled:
        say(f"Resume it later: yard resume {run.run_id}")
    else:
        say("The job keeps no checkpoints, so it cannot be resumed; launch it anew: yard train " + run.job)
