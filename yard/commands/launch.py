"""yard train, run, resume: launch a job and watch it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

import typer

from yard.aws import Aws
from yard.commands.complete import complete_jobs
from yard.commands.follow import end_with, watch_to_the_end
from yard.errors import Exit, UserError
from yard.launches import launching, shown
from yard.output import confirm, emit_facts, emit_json, is_terminal, say
from yard.override_options import read_overrides, with_override_options
from yard.plan import read_pairs
from yard.project import find_project
from yard.runs import about, runs
from yard.runs.saves import checkpoints_of, keeps_checkpoints

if TYPE_CHECKING:
    from shardyard.spec.jobs.launched import LaunchedSpec
    from yard.plan import LaunchPlan

_YES = typer.Option(False, "--yes", "-y", help="Do not ask.")
_SET = typer.Option([], "--set", help="A hyperparameter, or --NAME=VALUE: an argument.", metavar="NAME=VALUE")
_FOLLOW = typer.Option(None, "--follow/--no-follow", "-f", help="Follow it to its end; the default at a terminal.")


@dataclass(frozen=True, kw_only=True, slots=True)
class Given:
    """What a person gave with a launch."""

    job: str
    overrides: dict[str, Any]
    hyperparameters: dict[str, Any]
    words: list[str]
    """Arguments of the program."""
    name: str | None
    tags: dict[str, str]


def _given(job: str, values: list[str], name: str | None, tags: list[str], overrides: dict[str, Any]) -> Given:
    return Given(
        job=job,
        overrides=overrides,
        hyperparameters=_hyperparameters([pair for pair in values if not pair.startswith("-")]),
        words=[word for word in values if word.startswith("-")],
        name=about.checked_name(name),
        tags=about.read_tags(tags),
    )


def read_train(words: list[str]) -> Given:
    """The words after `yard train`, read by its own options; those that are about the screen are refused."""
    from typer.main import get_command

    alone = typer.Typer()
    alone.command("train")(with_override_options(train))
    found = get_command(alone).make_context("yard train", list(words)).params
    return _given(found["job"], found["values"], found["name"], found["tags"], read_overrides(found))


def train(
    job: str = typer.Argument(help="A job of jobs/.", autocompletion=complete_jobs),
    values: list[str] = _SET,
    name: str | None = typer.Option(None, "--name", help="What to call the run."),
    tags: list[str] = typer.Option([], "--tag", help="A tag of the run.", metavar="KEY[=VALUE]"),
    follow: bool | None = _FOLLOW,
    watch: bool = typer.Option(False, "--watch", help="Start again when a file of the code is saved (embedded cloud)."),
    dry_run: bool = typer.Option(False, "--dry-run", help="Show the plan and stop."),
    yes: bool = _YES,
    as_json: bool = typer.Option(False, "--json", help="Print the plan and the run as JSON."),
    *,
    overrides: dict[str, Any],
) -> None:
    """Launch a job and watch it.

    Shows the plan and its maximum cost, asks, starts the job's state machine, and follows the run. Ctrl-C asks
    whether to stop the run or leave it running. Exit codes: 0 launched, or with --follow succeeded; 3 it failed or
    was refused; 4 it was stopped; 130 left with Ctrl-C.

    \b
      yard train mnist-ddp
      yard train gpt-fsdp --count 4 --set learning_rate=3e-4 --cap 20
      yard train nanogpt --set=--max_iters=80 --set=--compile
      yard train mnist-ddp --on-demand --dry-run
      yard --embedded train digits --watch
      yard train mnist-ddp --name "wide, slow" --tag baseline --tag owner=ann
      yard train mnist-ddp --yes --follow || echo "it failed with exit code $?"
    """
    given = _given(job, values, name, tags, overrides)
    _start(given, {}, dry_run=dry_run, watch=watch, yes=yes, follow=follow, as_json=as_json)


def run(
    job: str = typer.Argument(help="A job of jobs/.", autocompletion=complete_jobs),
    inputs: list[str] = typer.Option(
        [],
        "--input",
        help="The address of an input: s3://..., or a run whose model or output it is.",
        metavar="NAME=ADDRESS",
    ),
    values: list[str] = typer.Option(
        [], "--set", help="--NAME=VALUE: an argument; or a training job's hyperparameter.", metavar="NAME=VALUE"
    ),
    name: str | None = typer.Option(None, "--name", help="What to call the run."),
    tags: list[str] = typer.Option([], "--tag", help="A tag of the run.", metavar="KEY[=VALUE]"),
    follow: bool | None = _FOLLOW,
    dry_run: bool = typer.Option(False, "--dry-run", help="Show the plan and stop."),
    yes: bool = _YES,
    as_json: bool = typer.Option(False, "--json", help="Print the plan and the run as JSON."),
    *,
    overrides: dict[str, Any],
) -> None:
    """Launch a job of any kind and watch it.

    A processing job, or a training job as `yard train` does. An input may be named by a run: by its id alone for its
    model, or with the name of one of its outputs (`--input raw=20261121-073000-a1b2/shards`). The exit codes are
    those of yard train.

    \b
      yard run digits-prepare
      yard run evaluate --input model=20261121-073000-a1b2
      yard run events-prepare --count 4 --dry-run
    """
    given = _given(job, values, name, tags, overrides)
    addresses = read_pairs("--input", inputs)
    _start(given, addresses, dry_run=dry_run, watch=False, yes=yes, follow=follow, as_json=as_json)


def _start(
    given: Given,
    inputs: dict[str, str],
    *,
    dry_run: bool,
    watch: bool,
    yes: bool,
    follow: bool | None,
    as_json: bool,
) -> None:
    aws = Aws(find_project())
    job, local = given.job, aws.project.job(given.job)
    launch = launching.launch_input(local, given.overrides, given.hyperparameters, given.words)
    if inputs:
        launch = {**launch, "inputs": launching.input_addresses(aws, inputs)}
    plan = launching.plan_of(aws, job, launch, dry_run=dry_run)
    if dry_run:
        launching.refuse_wrong_code(aws, local)
        emit_facts(shown.as_json(plan) if as_json else shown.as_facts(plan, aws.project.root), as_json=as_json)
        return
    if watch:
        _watch(aws, local, launch, given)
    _launch(aws, job, launch, plan, name=given.name, tags=given.tags, yes=yes, follow=follow, as_json=as_json)


def resume(
    run: str = typer.Argument(help="A job's name (its newest run) or a run id.", autocompletion=complete_jobs),
    values: list[str] = _SET,
    follow: bool | None = _FOLLOW,
    yes: bool = _YES,
    as_json: bool = typer.Option(False, "--json", help="Print the plan and the run as JSON."),
    *,
    overrides: dict[str, Any],
) -> None:
    """Resume a run from its last checkpoint.

    For runs that were stopped, failed, or were interrupted for good. The run keeps its id, its code and its input but
    for what is given here, such as another type where its own is not to be had. The exit codes are those of yard train.

    \b
      yard resume mnist-ddp
      yard resume mnist-ddp --set lr=1e-4 --count 4
      yard resume 20261121-073000-a1b2 --yes --follow --on-demand
    """
    from yard.runs.saves import where_it_begins

    aws = Aws(find_project())
    found, execution = runs.refresh(aws, runs.find(aws, run))
    if found.status == "RUNNING":
        raise UserError(
            f"The run {found.run_id} of {found.job} is still running.", f"Watch it: yard logs {found.run_id} -f"
        )
    anew = f"Launch it anew: yard {found.of.command} {found.job}"
    if found.status == "SUCCEEDED":
        raise UserError(
            f"The run {found.run_id} of {found.job} has succeeded: there is nothing to resume.",
            anew,
        )
    job = aws.project.job(found.job)
    if not keeps_checkpoints(job):
        table = f"Set [checkpoints] enabled = true in jobs/{found.job}.toml, deploy, and launch it anew."
        raise UserError(
            f"The job {found.job!r} keeps no checkpoints, so there is nothing to resume from.",
            anew if checkpoints_of(job) is None else table,
        )
    new, earlier = _given(found.job, values, None, [], overrides), _input_of(found, execution)
    changed = launching.changed_input(job, earlier, new.overrides, new.hyperparameters, new.words)
    launch = {**changed, "run_id": found.run_id}
    plan = launching.plan_of(aws, found.job, launch)
    say(where_it_begins(aws, found.job, found.run_id))
    _launch(aws, found.job, launch, plan, yes=yes, follow=follow, as_json=as_json)


def _input_of(run: runs.Run, execution: dict[str, Any]) -> dict[str, Any]:
    """What a run was launched with: a table, unless somebody else has started it with something that was refused."""
    import json

    try:
        found = json.loads(execution.get("input", "{}"))
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise UserError(
            f"The run {run.run_id} of {run.job} was started with an input that is no table, and refused for it.",
            f"There is nothing to resume; launch it anew: yard {run.of.command} {run.job}",
        )
    return found


def _launch(
    aws: Aws,
    job: str,
    launch: dict[str, Any],
    plan: "LaunchPlan",
    *,
    name: str | None = None,
    tags: dict[str, str] | None = None,
    yes: bool,
    follow: bool | None,
    as_json: bool,
) -> None:
    if "source_sha256" not in launch:
        launching.refuse_wrong_code(aws, aws.project.job(job))
    if not as_json:
        emit_facts(shown.as_facts(plan, aws.project.root), as_json=False)
    if not yes and not confirm("Launch it?", default=True):
        raise UserError("Nothing was launched.")
    run = launching.start(aws, job, launch, name=name, tags=tags)
    if (is_terminal() and not as_json) if follow is None else follow:
        run = watch_to_the_end(aws, run, as_json=as_json)
    else:
        say(f"Watch it: yard logs {run.run_id} --follow; its status: yard status {run.run_id}")
    if as_json:
        facts = {"run": run.run_id, "job": job, "execution": run.execution_arn, "status": run.status}
        emit_json({**facts, "plan": shown.as_json(plan)})
    end_with(aws, run)


def _watch(aws: Aws, job: "LaunchedSpec", launch: dict[str, Any], given: Given) -> NoReturn:
    """Costs nothing in the embedded cloud, so nothing is asked."""
    from yard.launches.rerun import Rerun

    if aws.endpoint is None:
        raise UserError(
            "--watch is for the embedded cloud: on AWS each saved file would start instances.",
            f"Try it here: yard --embedded train {job.name} --watch",
            Exit.USAGE,
        )
    launching.refuse_wrong_code(aws, job)
    Rerun(aws, job, launch, name=given.name, tags=given.tags).forever()


def _hyperparameters(pairs: list[str]) -> dict[str, Any]:
    """Parse `lr=3e-4` as TOML would: numbers, true and false keep their types; everything else is text."""
    import tomllib

    found: dict[str, Any] = {}
    for name, text in read_pairs("--set", pairs).items():
        try:
            value = tomllib.loads(f"value = {text}")["value"]
        except tomllib.TOMLDecodeError:
            value = text
        found[name] = value if isinstance(value, bool | int | float | str) else text
    return found


def register(app: typer.Typer) -> None:
    """Put these commands on the app."""
    app.command()(with_override_options(train))
    app.command()(with_override_options(run))
    app.command()(with_override_options(resume))
