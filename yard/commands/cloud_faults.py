"""The rest of yard cloud: break things, set limits, look inside."""

import json
import re
from typing import Any

import typer

from yard.commands.cloud import ask
from yard.errors import UserError
from yard.output import emit_facts, emit_json, emit_rows, is_terminal
from yard.project import find_project

_JSON = typer.Option(False, "--json", help="Print JSON.")
_TRAINING = typer.Argument(help="A job of jobs/ (its newest run), a run id, or a training job's name.")


def interrupt(job: str = _TRAINING) -> None:
    """Take a job's spot capacity away.

    As managed spot does: SIGTERM, grace, kill, a wait for capacity, a start from the checkpoints in S3.

    \b
      yard cloud interrupt mnist-ddp
    """
    emit_json(ask("interrupt", job=_training_job(job)))


def kill(
    job: str = _TRAINING,
    host: str | None = typer.Option(None, "--host", help="Only this node: algo-2; by default all of them."),
    hardware: bool = typer.Option(False, "--hardware", help="The machine under the job breaks, not its processes."),
) -> None:
    """Kill a job's processes, or its machine.

    \b
      yard cloud kill mnist-ddp --host algo-2
    """
    emit_json(ask("kill", job=_training_job(job), host=host, hardware=hardware or None))


def capacity(
    instance_type: str | None = typer.Argument(None, help="ml.p5.48xlarge; without it, show what is limited."),
    count: int | None = typer.Argument(None, help="How many there are; without it, as many as anyone asks for."),
) -> None:
    """Say how many instances of a type the cloud has.

    With 0 a launch fails with a CapacityError.

    \b
      yard cloud capacity ml.p5.48xlarge 0
    """
    emit_json(ask("capacity", instance_type=instance_type, count=count))


def quota(
    name: str = typer.Argument(help='"ml.g5.xlarge for training job usage"'),
    value: float = typer.Argument(help="The granted value."),
    region: str | None = typer.Option(None, "--region", help="Only in this region."),
) -> None:
    """Set a service quota; launches beyond it are refused as AWS refuses them."""
    emit_json(ask("quota", name=name, value=value, region=region))


def approve_quota(
    name: str | None = typer.Argument(None, help="A quota's name; without it, all requests."),
    deny: bool = typer.Option(False, "--deny", help="Refuse them instead."),
) -> None:
    """Grant what has been asked for."""
    emit_json(ask("approve-quota", name=name, deny=deny or None))


def fire(
    rule: str = typer.Argument(help="The name of an EventBridge rule."),
    event: str | None = typer.Option(None, "--event", help="The event, as JSON; a rule for a time needs none."),
) -> None:
    """Fire a rule now."""
    emit_json(ask("fire", rule=rule, event=None if event is None else _json("--event", event)))


def outbox(
    to: str | None = typer.Option(None, "--to", help="Only to this address."),
    clear: bool = typer.Option(False, "--clear", help="Empty it afterwards."),
    as_json: bool = _JSON,
) -> None:
    """Show the e-mails that the cloud would have sent."""
    messages = ask("outbox", to=to, clear=clear or None)["messages"]
    if as_json or not messages:
        emit_rows(messages, (), as_json=as_json, empty="No e-mail was sent yet.")
        return
    for message in messages:
        print(f"To: {message['to']}\nSubject: {message['subject']}\n\n{message['text']}\n")


def alarms(name: str | None = typer.Argument(None, help="Only this alarm.")) -> None:
    """Evaluate the alarms now, and show their states."""
    emit_facts(ask("evaluate-alarms", name=name)["alarms"], as_json=not is_terminal())


def inventory() -> None:
    """List all that exists in the cloud, by kind."""
    emit_json(ask("inventory")["inventory"])


def dropped(clear: bool = typer.Option(False, "--clear", help="Forget them afterwards.")) -> None:
    """Show what was asked of the cloud that it could not do."""
    emit_json(ask("dropped", clear=clear or None)["dropped"])


def access_logs() -> None:
    """Deliver the buckets' access logs now; AWS takes hours for it."""
    emit_json(ask("deliver-access-logs"))


def settings(values: list[str] = typer.Argument(None, help="name=value ...; without any, show them.")) -> None:
    """Show or change how training jobs run.

    \b
      yard cloud settings stop_grace_seconds=5
    """
    emit_facts(ask("settings", **_values(values)), as_json=not is_terminal())


def machines(values: list[str] = typer.Argument(None, help="name=value ...; without any, show them.")) -> None:
    """Show or change how state machines run.

    \b
      yard cloud machines wait_scale=0.01
    """
    emit_facts(ask("machines", **_values(values)), as_json=not is_terminal())


def enforce_iam(on: bool = typer.Argument(help="true or false")) -> None:
    """Switch the check of roles' permissions on or off."""
    emit_json(ask("enforce-iam", on=on))


def _training_job(wanted: str) -> str:
    """The newest training job of a job's name or a run id; another name is taken as it is."""
    from yard import runs
    from yard.aws import Aws, use_embedded_cloud

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


def _values(pairs: list[str] | None) -> dict[str, Any]:
    """Numbers, true and false as such; all else is text."""
    from yard.plan import read_pairs

    found: dict[str, Any] = {}
    for name, text in read_pairs("The setting", pairs if pairs is not None else []).items():
        try:
            found[name] = json.loads(text)
        except json.JSONDecodeError:
            found[name] = text
    return found


def _json(option: str, text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise UserError(f"{option} {text!r} is not JSON: {error}.") from None


def register(app: typer.Typer) -> None:
    """Put these verbs on `yard cloud`."""
    app.command()(interrupt)
    app.command()(kill)
    app.command()(capacity)
    app.command()(quota)
    app.command("approve-quota")(approve_quota)
    app.command()(fire)
    app.command()(outbox)
    app.command()(alarms)
    app.command()(inventory)
    app.command()(dropped)
    app.command("access-logs")(access_logs)
    app.command()(settings)
    app.command()(machines)
    app.command("enforce-iam")(enforce_iam)
