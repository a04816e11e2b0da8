"""Break things in the embedded cloud on purpose, and set its limits."""

import json
import re
from typing import Any

import typer

from yard.commands.complete import complete_jobs
from yard.embedded import ask
from yard.errors import UserError
from yard.output import emit_facts, emit_json, emit_rows, say
from yard.project import find_project

_JSON = typer.Option(False, "--json", help="Print JSON.")
_TRAINING = typer.Argument(
    help="A job of jobs/ (its newest run), a run id, or a training job's name.", autocompletion=complete_jobs
)


def interrupt(job: str = _TRAINING, as_json: bool = _JSON) -> None:
    """Interrupt a job's spot capacity.

    As managed spot does: SIGTERM, grace period, kill, a wait for capacity, a restart from the checkpoints in S3.

    \b
      yard cloud interrupt mnist-ddp
    """
    emit_facts(ask("interrupt", job=_training_job(job)), as_json=as_json)


def kill(
    job: str = _TRAINING,
    host: str | None = typer.Option(None, "--host", help="Only this node: algo-2; by default all."),
    hardware: bool = typer.Option(False, "--hardware", help="Break the machine under the job, not its processes."),
    repaired: bool = typer.Option(False, "--repaired", help="With --hardware: SageMaker repairs the cluster."),
    as_json: bool = _JSON,
) -> None:
    """Kill a job's processes, or its machine.

    A broken machine fails the job with an internal error; for a GPU's error SageMaker may repair the cluster, and start
    the same job again from its checkpoints.

    \b
      yard cloud kill mnist-ddp --host algo-2
      yard cloud kill mnist-ddp --host algo-1 --hardware
      yard cloud kill mnist-ddp --hardware --repaired
    """
    if repaired and not hardware:
        raise UserError("--repaired is about a machine: give --hardware as well.")
    params = {"host": host, "hardware": hardware or None, "repaired": repaired or None}
    emit_facts(ask("kill", job=_training_job(job), **params), as_json=as_json)


def capacity(
    instance_type: str | None = typer.Argument(None, help="ml.p5.48xlarge; without it, show all limits."),
    count: int | None = typer.Argument(None, help="How many exist; without it, no limit.", min=0),
    as_json: bool = _JSON,
) -> None:
    """Set how many instances of a type the cloud has.

    With 0, a launch fails with a CapacityError.

    \b
      yard cloud capacity ml.p5.48xlarge 0
      yard cloud capacity ml.p5.48xlarge
    """
    limits = ask("capacity", instance_type=instance_type, count=count)["capacity"]
    rows = [{"instance_type": name, "instances": amount} for name, amount in limits.items()]
    emit_rows(rows, ("instance_type", "instances"), as_json=as_json, empty="No instance type is limited.")


def quota(
    name: str = typer.Argument(help='"ml.g5.xlarge for training job usage"'),
    value: float = typer.Argument(help="The granted value."),
    region: str | None = typer.Option(None, "--region", help="Only in this region."),
    as_json: bool = _JSON,
) -> None:
    """Set a service quota.

    Launches beyond it are refused as on AWS. `yard quota` lists the names that the jobs need.

    \b
      yard cloud quota "ml.g5.xlarge for spot training job usage" 0
    """
    emit_facts(ask("quota", name=name, value=value, region=region), as_json=as_json)


def approve_quota(
    name: str | None = typer.Argument(None, help="A quota's name; by default all requests."),
    deny: bool = typer.Option(False, "--deny", help="Refuse them instead."),
    as_json: bool = _JSON,
) -> None:
    """Grant the quotas that were requested.

    \b
      yard cloud approve-quota
      yard cloud approve-quota "ml.g5.xlarge for spot training job usage" --deny
    """
    decided = ask("approve-quota", name=name, deny=deny or None)["decided"]
    emit_rows(decided, ("name", "value", "status"), as_json=as_json, empty="No request is open.")


def settings(
    values: list[str] = typer.Argument(None, metavar="[NAME=VALUE]...", help="Without any, show them."),
    as_json: bool = _JSON,
) -> None:
    """Show or change how training jobs run.

    \b
      yard cloud settings stop_grace_seconds=5
    """
    emit_facts(ask("settings", **_values(values)), as_json=as_json)


def weather(
    words: list[str] = typer.Argument(
        None, metavar="[fair|pessimistic] [CONDITION=VALUE]...", help="Without any, show the conditions."
    ),
    as_json: bool = _JSON,
) -> None:
    """Show or change how bad AWS is.

    Fair has none of the conditions, pessimistic all that can be had together.

    \b
      yard cloud weather
      yard cloud weather pessimistic
      yard cloud weather fair last_sync=never
    """
    given = words if words is not None else []
    preset = given[0] if given and "=" not in given[0] else None
    found = ask("weather", preset=preset, **_values(given if preset is None else given[1:], "The condition"))
    if as_json:
        emit_json(found)
        return
    columns = ("condition", "now", "pessimistic", "about", "source")
    emit_rows(found["conditions"], columns, as_json=False, empty="")
    say(f"The weather is {found['weather']}.")


def machines(
    values: list[str] = typer.Argument(None, metavar="[NAME=VALUE]...", help="Without any, show them."),
    as_json: bool = _JSON,
) -> None:
    """Show or change how state machines run.

    \b
      yard cloud machines stopped_job=fails
    """
    emit_facts(ask("machines", **_values(values)), as_json=as_json)


def clock(
    rate: str | None = typer.Argument(None, help="60x: a minute goes by in a second. Without it, show it."),
    as_json: bool = _JSON,
) -> None:
    """Show or change how fast the services' clock runs.

    Waits, retries, schedules, alarm periods and time-outs go by it. Nothing is skipped, and programs work no faster.

    \b
      yard cloud clock
      yard cloud clock 60x
      yard cloud clock 1x
    """
    emit_facts(ask("clock", rate=rate), as_json=as_json)


def endpoint_zone(
    service: str = typer.Argument(help="A service's full name: com.amazonaws.us-east-1.states"),
    zone: str = typer.Argument(help="us-east-1a"),
    there: bool = typer.Option(False, "--there", help="Bring it back."),
    as_json: bool = _JSON,
) -> None:
    """Take a service's interface endpoints out of a zone.

    An endpoint there is refused, as in the zones where AWS does not have every service. `yard doctor` sees it before.

    \b
      yard cloud endpoint-zone com.amazonaws.us-east-1.states us-east-1a
    """
    missing = ask("endpoint-zone", service=service, zone=zone, there=there or None)["missing"]
    emit_rows(missing, ("service", "zone"), as_json=as_json, empty="Every service is in every zone.")


def enforce_iam(on: bool = typer.Argument(metavar="on|off", help="on or off"), as_json: bool = _JSON) -> None:
    """Switch permission checks on or off.

    \b
      yard cloud enforce-iam on
    """
    emit_facts(ask("enforce-iam", on=on), as_json=as_json)


def _training_job(wanted: str) -> str:
    """The newest training job of a job or a run; any other name is a training job's already."""
    from yard.aws import Aws, use_embedded_cloud
    from yard.runs import runs

    project = find_project()
    if wanted not in {path.stem for path in (project.root / "jobs").glob("*.toml")} and not re.fullmatch(
        runs.RUN_ID, wanted
    ):
        return wanted
    use_embedded_cloud(project)
    aws = Aws(project)
    found = runs.attempts(aws, runs.find(aws, wanted))
    if not found:
        raise UserError(f"The newest run of {wanted} has no training job yet.", f"Look: yard -e status {wanted}")
    return str(found[-1]["TrainingJobName"])


def _values(pairs: list[str] | None, option: str = "The setting") -> dict[str, Any]:
    """Parse numbers, true and false; everything else is text."""
    from yard.plan import read_pairs

    found: dict[str, Any] = {}
    for name, text in read_pairs(option, pairs if pairs is not None else []).items():
        try:
            found[name] = json.loads(text)
        except json.JSONDecodeError:
            found[name] = text
    return found


def register(app: typer.Typer) -> None:
    """Put these verbs on `yard cloud`."""
    app.command()(interrupt)
    app.command()(kill)
    app.command()(capacity)
    app.command()(quota)
    app.command("approve-quota")(approve_quota)
    app.command()(settings)
    app.command()(weather)
    app.command()(machines)
    app.command()(clock)
    app.command("endpoint-zone")(endpoint_zone)
    app.command("enforce-iam")(enforce_iam)
