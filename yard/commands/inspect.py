"""Look inside the embedded cloud, and trigger what AWS does on its own schedule."""

import json
from datetime import UTC, datetime
from typing import Any

import typer

from yard.embedded import ask
from yard.errors import Exit, UserError
from yard.output import emit_facts, emit_json, emit_rows, show

_JSON = typer.Option(False, "--json", help="Print JSON.")


def fire(
    rule: str = typer.Argument(help="The name of an EventBridge rule."),
    event: str | None = typer.Option(None, "--event", help="The event, as JSON; a scheduled rule needs none."),
    as_json: bool = _JSON,
) -> None:
    """Fire an EventBridge rule now.

    Schedules never fire by themselves here.

    \b
      yard cloud fire shardyard-dev-sweep
    """
    fired = ask("fire", rule=rule, event=None if event is None else _json("--event", event))
    if as_json:
        emit_json(fired)
        return
    emit_rows(fired["targets"], ("target", "delivered", "reason"), as_json=False, empty="The rule has no target.")


def outbox(
    to: str | None = typer.Option(None, "--to", help="Only e-mails to this address."),
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
        emit_rows(messages, (), as_json=as_json, empty="No e-mail has been sent yet.")
        return
    for message in messages:
        show(f"To: {message['to']}\nSubject: {message['subject']}\n\n{message['text']}\n")


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
    """List everything that exists, by kind.

    \b
      yard cloud inventory --json | jq 'map_values(length)'
    """
    emit_facts(ask("inventory")["inventory"], as_json=as_json)


def dropped(
    clear: bool = typer.Option(False, "--clear", help="Clear the list afterwards."), as_json: bool = _JSON
) -> None:
    """Show the deliveries that failed.

    AWS drops these silently: a message that a policy forbids, a target that does not exist.

    \b
      yard cloud dropped
    """
    found = ask("dropped", clear=clear or None)["dropped"]
    rows = [{**one, "time": datetime.fromtimestamp(one["time"], UTC)} for one in found]
    emit_rows(rows, ("time", "source", "target", "reason"), as_json=as_json, empty="Everything arrived.")


def access_logs(as_json: bool = _JSON) -> None:
    """Deliver the buckets' access logs now.

    AWS takes hours to do so.

    \b
      yard cloud access-logs
    """
    emit_facts(ask("deliver-access-logs"), as_json=as_json)


def _json(option: str, text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise UserError(f"{option} {text!r} is not JSON: {error}.", code=Exit.USAGE) from None


def register(app: typer.Typer) -> None:
    """Put these verbs on `yard cloud`."""
    app.command()(fire)
    app.command()(outbox)
    app.command()(alarms)
    app.command()(inventory)
    app.command()(dropped)
    app.command("access-logs")(access_logs)
