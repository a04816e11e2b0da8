"""yard train, resume: launch a job and watch it."""

from typing import TYPE_CHECKING, Any

import typer

from shardyard.spec.units import format_duration
from yard import runs
from yard.aws import Aws
from yard.errors import Exit
from yard.output import emit_facts, emit_json, is_terminal, say
from yard.project import find_project

if TYPE_CHECKING:
    from yard.plan import Plan

_YES = typer.Option(False, "--yes", "-y", help="Do not ask.")
_FOLLOW = typer.Option(None, "--follow/--no-follow", "-f", help="Watch it to its end; the default at a terminal.")


def train(
    job: str = typer.Argument(help="A job of jobs/."),
    nodes: int | None = typer.Option(None, "--nodes", help="Another number of instances.", min=1),
    instance: str | None = typer.Option(None, "--instance", help="Another instance type."),
    spot: bool | None = typer.Option(None, "--spot/--on-demand", help="Spot, or not."),
    values: list[str] = typer.Option([], "--set", help="Hyperparameter name=value; may be repeated."),
    max_cost: float | None = typer.Option(None, "--max-cost", help="Refuse a worst case above so many USD.", min=0),
    max_runtime: str | None = typer.Option(None, "--max-runtime", help="Another longest runtime: 30m, 4h."),
    processes: int | None = typer.Option(None, "--processes-per-node", help="Another number of processes.", min=1),
    follow: bool | None = _FOLLOW,
    dry_run: bool = typer.Option(False, "--dry-run", help="Show the plan and stop."),
    yes: bool = _YES,
    as_json: bool = typer.Option(False, "--json", help="Print the plan and the run as JSON."),
) -> None:
    """Launch a job: show the plan and the worst case, ask, start, watch."""
    aws = Aws(find_project())
    launch = _given(
        instance_type=instance,
        instance_count=nodes,
        spot=spot,
        max_cost_usd=max_cost,
        max_runtime_seconds=_seconds(max_runtime),
        processes_per_node=processes,
        hyperparameters=_hyperparameters(values),
    )
    _launch(aws, job, launch, dry_run=dry_run, yes=yes, follow=follow, as_json=as_json)


def resume(
    run: str = typer.Argument(help="A job's name (its newest run) or a run id."),
    follow: bool | None = _FOLLOW,
    yes: bool = _YES,
    as_json: bool = typer.Option(False, "--json", help="Print the plan and the run as JSON."),
) -> None:
    """Go on with a run from its last checkpoint, with the input it was launched with."""
    import json

    from yard.errors import UserError

    aws = Aws(find_project())
    found, execution = runs.refresh(aws, runs.find(aws, run))
    if found.status == "RUNNING":
        raise UserError(f"The run {found.run_id} of {found.job} still runs.", f"Watch it: yard logs {found.run_id} -f")
    if not aws.project.job(found.job).checkpoints.enabled:
        raise UserError(
            f"The job {found.job!r} keeps no checkpoints, so there is nothing to go on from.",
            f"Set [checkpoints] enabled = true in jobs/{found.job}.toml, deploy, and launch it anew.",
        )
    launch = {**json.loads(execution["input"]), "run_id": found.run_id}
    _launch(aws, found.job, launch, dry_run=False, yes=yes, follow=follow, as_json=as_json)


def _launch(
    aws: Aws,
    job: str,
    launch: dict[str, Any],
    *,
    dry_run: bool,
    yes: bool,
    follow: bool | None,
    as_json: bool,
) -> None:
    from shardyard.spec.overrides import LaunchInput
    from yard.plan import make_plan
    from yard.sources import upload_source

    spec = aws.project.job(job)
    plan = make_plan(spec, LaunchInput.from_dict(launch), region=aws.region)
    if as_json and dry_run:
        emit_json(_as_facts(plan))
    elif not as_json:
        emit_facts(_as_facts(plan), as_json=False)
    if dry_run:
        return
    if not yes:
        typer.confirm("Launch it?", abort=True)
    sha256 = upload_source(aws, spec)
    launch = {**launch, "run_id": launch.get("run_id") or runs.new_run_id()}
    if sha256 is not None:
        launch["source_sha256"] = sha256
    run = runs.start(aws, job, launch)
    if as_json:
        emit_json({"run": run.run_id, "job": job, "execution": run.execution_arn, "plan": _as_facts(plan)})
    else:
        say(f"Launched {job}, run {run.run_id}.")
    if is_terminal() and not as_json if follow is None else follow:
        _follow(aws, run, plan)


def _follow(aws: Aws, run: runs.Run, plan: "Plan") -> None:
    from yard.commands.watch import stop_run
    from yard.follow import exit_code, follow

    try:
        ended = follow(aws, run, hourly_usd=plan.hourly_usd)
    except KeyboardInterrupt:
        if typer.confirm("\nStop the run? (No: leave it running)", default=False):
            stop_run(aws, run)
        else:
            say(f"It runs on. Watch it again: yard logs {run.run_id} --follow")
        raise typer.Exit(Exit.INTERRUPTED) from None
    _say_end(aws, ended)
    raise typer.Exit(exit_code(ended.status))


def _say_end(aws: Aws, run: runs.Run) -> None:
    if run.status == "SUCCEEDED":
        say(f"Done. See the receipt: yard receipt {run.run_id}; get the model: yard model get {run.run_id}")
        return
    _, execution = runs.refresh(aws, run)
    say(f"{run.status.capitalize().replace('_', ' ')}: {execution.get('error', '')}")
    if execution.get("cause"):
        say(str(execution["cause"]))


def _as_facts(plan: "Plan") -> dict[str, Any]:
    spec = plan.spec
    changed = [f"{name} ({source})" for name, source in sorted(plan.sources.items()) if source in ("stage", "input")]
    return {
        "job": spec.name,
        "instances": ", ".join(f"{count} x {kind}" for kind, count in spec.compute.alternatives[0]),
        "fallback": ", ".join(fallback.instance_type for fallback in spec.compute.fallback) or None,
        "capacity": "spot" if spec.spot.enabled else "on demand",
        "longest_runtime": format_duration(spec.limits.max_runtime_seconds),
        "hyperparameters": ", ".join(f"{name}={value}" for name, value in spec.hyperparameters.items()),
        "changed_for_this_launch": ", ".join(changed) or None,
        "worst_case": plan.cost.lines[-1],
    }


def _given(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value not in (None, {})}


def _seconds(text: str | None) -> int | None:
    from shardyard.spec.units import parse_duration
    from yard.errors import UserError

    try:
        return None if text is None else parse_duration(text)
    except ValueError as error:
        raise UserError(f"--max-runtime {error}.") from None


def _hyperparameters(pairs: list[str]) -> dict[str, Any]:
    """`lr=3e-4` as TOML would read it: numbers and true or false keep their types, all else is text."""
    import tomllib

    from yard.plan import read_pairs

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
    app.command()(train)
    app.command()(resume)
