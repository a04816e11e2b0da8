"""A launch from its wishes to its run: what `yard train`, `yard queue` and a notebook's `train` all do."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from shardyard.spec.catalogue.service_jobs import AUTOML
from yard.aws import Aws
from yard.errors import UserError
from yard.output import say
from yard.override_options import with_words
from yard.runs import about, runs
from yard.runs.saves import keeps_checkpoints

if TYPE_CHECKING:
    from shardyard.spec.jobs.launched import LaunchedSpec
    from yard.plan import LaunchPlan


def launch_input(
    job: "LaunchedSpec", overrides: Mapping[str, Any], hyperparameters: Mapping[str, Any], words: Sequence[str] = ()
) -> dict[str, Any]:
    """The input of an execution; warns about hyperparameters that the job does not name.

    They are passed on all the same: a program may read more than its job's file names.
    """
    from shardyard.spec.errors import nearest

    own = getattr(job, "hyperparameters", {})
    for name in hyperparameters:
        if own and name not in own:
            known = nearest(name, list(own))
            say(f"--set {name}: the job's file has no hyperparameter of this name; {known}")
    launch = {**overrides, **({"hyperparameters": dict(hyperparameters)} if hyperparameters else {})}
    return {**launch, "arguments": with_words(job, overrides.get("arguments"), words)} if words else launch


def changed_input(
    job: "LaunchedSpec",
    earlier: Mapping[str, Any],
    overrides: Mapping[str, Any],
    hyperparameters: Mapping[str, Any],
    words: Sequence[str] = (),
) -> dict[str, Any]:
    """The input of an earlier launch with what is given now: each hyperparameter and each argument by itself."""
    from shardyard.spec.jobs.overrides import LaunchInput

    LaunchInput.from_dict(earlier)  # somebody else may have written it
    kept = {name: earlier[name] for name in ("arguments",) if name in earlier}
    changed = launch_input(job, {**kept, **overrides}, hyperparameters, words)
    both = {**earlier.get("hyperparameters", {}), **hyperparameters}
    return {**earlier, **changed, **({"hyperparameters": both} if both else {})}


def input_addresses(aws: Aws, inputs: Mapping[str, str]) -> dict[str, str]:
    """The addresses that a launch gives its inputs; a run's id stands for its model, RUN/NAME for an output of it."""
    import re

    found = {}
    for name, text in inputs.items():
        run_id, _, output = text.partition("/")
        found[name] = _of_run(aws, run_id, output) if re.fullmatch(runs.RUN_ID, run_id) else text
    return found


def _of_run(aws: Aws, run_id: str, output: str) -> str:
    receipt = runs.receipt(aws, run_id)
    if not output:
        if receipt["model"] is None:
            raise UserError(
                f"The run {run_id} has no model.", f"Name one of its outputs: {run_id}/NAME; see: yard receipt {run_id}"
            )
        return str(receipt["model"])
    outputs: Mapping[str, str] = receipt["outputs"]
    if output not in outputs:
        known = ", ".join(outputs) if outputs else "none"
        raise UserError(f"The run {run_id} has no output {output!r}; it has {known}.")
    return outputs[output]


def plan_of(
    aws: Aws, job: str, launch: Mapping[str, Any], *, dry_run: bool = False, search: bool = False
) -> "LaunchPlan":
    """The plan of the deployed job, or of its search, since that is what runs.

    Without an account, a dry run uses the job's file.
    """
    from shardyard.spec.jobs.overrides import LaunchInput
    from shardyard.spec.tuning.trials import without_search
    from yard import images
    from yard.account import deployed
    from yard.errors import explain
    from yard.plan import make_plan, offline_region

    local, given = aws.project.job(job), LaunchInput.from_dict(launch)
    if not search:
        local = without_search(local)
    try:
        found = deployed.read(aws, job, search=search)
    except Exception as error:
        known = explain(error)
        if not dry_run or known is None:
            raise
        say(f"{known.happened} This is the plan of jobs/{job}.toml, with the prices of {offline_region()}.")
        return _told(aws, make_plan(local, given, region=offline_region()))
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
    spec = replace(found.spec, name=local.name)
    return _told(aws, make_plan(spec, given, region=aws.region, sources=found.sources, deployment=found.deployment))


def _told(aws: Aws, plan: "LaunchPlan") -> "LaunchPlan":
    """A plan, after what should be known of it before anybody says yes."""
    from yard.starter.script.copies import copies_said

    if (copies := copies_said(aws.project.root, plan.spec)) is not None:
        say(copies)
    return plan


def refuse_wrong_code(aws: Aws, job: "LaunchedSpec") -> None:
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
    begin: Callable[[Aws, str, dict[str, Any]], runs.Run] = runs.start,
) -> runs.Run:
    """Upload code that has changed, start the execution, and keep what the run is called."""
    from yard.sources import git_state, keep_diff, upload_source

    given = {**launch}
    is_new = "source_sha256" not in given
    if given.get("run_id") is None:
        given["run_id"] = runs.new_run_id()
    if is_new:  # a resumed run keeps its original code
        sha256 = upload_source(aws, aws.project.job(job))
        given |= {} if sha256 is None else {"source_sha256": sha256}
        given |= git_state(aws.project.root)
    run = begin(aws, job, {**given, "launched_by": aws.caller})
    if is_new and given.get("git_dirty"):
        keep_diff(aws, run.run_id, aws.project.job(job))
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
            run.of.stop(aws.client("sagemaker"), attempt["TrainingJobName"])
    after = "its program has two minutes to save, which are billed"
    if run.of is AUTOML:
        after = "SageMaker stops the jobs behind its candidates, and bills what they have run"
    say(f"Stopping {run.job}, run {run.run_id}: {after}.")
    if not aws.project.has_job(run.job):
        say(f"No file of jobs/ defines {run.job} any more, so it cannot be resumed.")
    elif keeps_checkpoints(aws.project.job(run.job)):
        say(f"Resume it later: yard resume {run.run_id}")
    else:
        command = run.of.command
        say(f"The job keeps no checkpoints, so it cannot be resumed; launch it anew: yard {command} {run.job}")
