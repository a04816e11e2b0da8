"""The rest of yard cloud: break things, set limits, look inside."""

import json
import re
from datetime import UTC, datetime
from typing import Any

import typer

from yard.commands.cloud import ask
from yard.commands.complete import complete_jobs
from yard.errors import Exit, UserError
from yard.output import emit_facts, emit_json, emit_rows
from yard.project import find_project

_JSON = typer.Option(False, "--json", help="Print JSON.")
_TRAINING = typer.Argument(
    help="A job of jobs/ (its newest run), a run id, or a training job's name.", autocompletion=complete_jobs
)


def interrupt(job: str = _TRAINING, as_json: bool = _JSON) -> None:
    """Take a job's spot capacity away.

    As managed spot does: SIGTERM, grace, kill, a wait for capacity, a start from the checkpoints in S3.

    \b
      yard cloud interrupt mnist-ddp
    """
    emit_facts(ask("interrupt", job=_training_job(job)), as_json=as_json)


def kill(
    job: str = _TRAINING,
    host: str | None = typer.Option(None, "--host", help="Only this node: algo-2; by default all of them."),
    hardware: bool = typer.Option(False, "--hardware", help="The machine under the job breaks, not its processes."),
    as_json: bool = _JSON,
) -> None:
    """Kill a job's processes, or its machine.

    \b
      yard cloud kill mnist-ddp --host algo-2
      yard cloud kill mnist-ddp --host algo-1 --hardware
    """
    emit_facts(ask("kill", job=_training_job(job), host=host, hardware=hardware or None), as_json=as_json)


def capacity(
    instance_type: str | None = typer.Argument(None, help="ml.p5.48xlarge; without it, show what is limited."),
    count: int | None = typer.Argument(None, help="How many there are; without it, as many as anyone asks for.", min=0),
    as_json: bool = _JSON,
) -> None:
    """Say how many instances of a type the cloud has.

    With 0 a launch fails with a CapacityError.

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

    Launches beyond it are refused as AWS refuses them. `yard quota` lists the names that the jobs need.

    \b
      yard cloud quota "ml.g5.xlarge for spot training job usage" 0
    """
    emit_facts(ask("quota", name=name, value=value, region=region), as_json=as_json)


def approve_quota(
    name: str | None = typer.Argument(None, help="A quota's name; without it, all requests."),
    deny: bool = typer.Option(False, "--deny", help="Refuse them instead."),
    as_json: bool = _JSON,
) -> None:
    """Grant the quotas that were asked for.

    \b
      yard cloud approve-quota
      yard cloud approve-quota "ml.g5.xlarge for spot training job usage" --deny
    """
    decided = ask("approve-quota", name=name, deny=deny or None)["decided"]
    emit_rows(decided, ("name", "value", "status"), as_json=as_json, empty="No request is open.")


def fire(
    rule: str = typer.Argument(help="The name of an EventBridge rule."),
    event: str | None = typer.Option(None, "--event", help="The event, as JSON; a rule for a time needs none."),
    as_json: bool = _JSON,
) -> None:
    """Fire a rule of EventBridge now.

    Schedules never fire here by themselves.

    \b
      yard cloud fire shardyard-dev-sweep
    """
    fired = ask("fire", rule=rule, event=None if event is None else _json("--event", event))
    if as_json:
        emit_json(fired)
        return
    emit_rows(fired["targets"], ("target", "delivered", "reason"), as_json=False, empty="The rule has no target.")


def outbox(
    to: str | None = typer.Option(None, "--to", help="Only to this address."),
    clear: bool = typer.Option(False, "--clear", help="Empty it afterwards."),
    as_json: bool = _JSON,
) -> None:
    """Show the e-mails that would have been sent.

    \b
      yard cloud outbox
      yard cloud outbox --to team@example.com --json
    """
    messages = ask("outbox", to=to, clear=clear or None)["messages"]
    if as_json or not messages:
        emit_rows(messages, (), as_json=as_json, empty="No e-mail was sent yet.")
        return
    for message in messages:
        print(f"To: {message['to']}\nSubject: {message['subject']}\n\n{message['text']}\n")


def alarms(name: str | None = typer.Argument(None, help="Only this alarm."), as_json: bool = _JSON) -> None:
    """Evaluate the alarms now.

    \b
      yard cloud alarms
    """
    found = ask("evaluate-alarms", name=name)["alarms"]
    rows = [{"alarm": arn.rpartition(":")[2], "state": state, "arn": arn} for arn, state in found.items()]
    if name is not None and not rows:
        raise UserError(f"There is no alarm {name!r}.", "See them all: yard cloud alarms")
    emit_rows(rows, ("alarm", "state"), as_json=as_json, empty="There are no alarms.")


def inventory(as_json: bool = _JSON) -> None:
    """List all that exists, by kind.

    \b
      yard cloud inventory --json | jq 'map_values(length)'
    """
    emit_facts(ask("inventory")["inventory"], as_json=as_json)


def dropped(
    clear: bool = typer.Option(False, "--clear", help="Forget them afterwards."), as_json: bool = _JSON
) -> None:
    """Show the deliveries that did not arrive.

    AWS drops them without a word: a message that a policy forbids, a target that is not there.

    \b
      yard cloud dropped
    """
    found = ask("dropped", clear=clear or None)["dropped"]
    rows = [{**one, "time": datetime.fromtimestamp(one["time"], UTC)} for one in found]
    emit_rows(rows, ("time", "source", "target", "reason"), as_json=as_json, empty="Everything arrived.")


def access_logs(as_json: bool = _JSON) -> None:
    """Deliver the buckets' access logs now.

    AWS takes hours for it.

    \b
      yard cloud access-logs
    """
    emit_facts(ask("deliver-access-logs"), as_json=as_json)


def settings(
    values: list[str] = typer.Argument(None, metavar="[NAME=VALUE]...", help="Without any, show them."),
    as_json: bool = _JSON,
) -> None:
    """Show or change how training jobs run.

    \b
      yard cloud settings stop_grace_seconds=5
    """
    emit_facts(ask("settings", **_values(values)), as_json=as_json)


def machines(
    values: list[str] = typer.Argument(None, metavar="[NAME=VALUE]...", help="Without any, show them."),
    as_json: bool = _JSON,
) -> None:
    """Show or change how state machines run.

    \b
      yard cloud machines wait_scale=0.01
    """
    emit_facts(ask("machines", **_values(values)), as_json=as_json)


def enforce_iam(on: bool = typer.Argument(metavar="on|off", help="on or off"), as_json: bool = _JSON) -> None:
    """Switch the check of permissions on or off.

    \b
      yard cloud enforce-iam on
    """
    emit_facts(ask("enforce-iam", on=on), as_json=as_json)


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
        raise UserError(f"{option} {text!r} is not JSON: {error}.", code=Exit.USAGE) from None


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
