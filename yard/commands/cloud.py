"""yard cloud: the embedded cloud's life, its faults on demand, and whether it did what a template says."""

import shlex
from pathlib import Path
from typing import Any

import typer

from yard.errors import Exit, UserError
from yard.output import emit_facts, emit_json, emit_rows, say
from yard.project import find_project

app = typer.Typer(help="An AWS on this machine: deploy to it, train on it, break things in it.", no_args_is_help=True)

_JSON = typer.Option(False, "--json", help="Print JSON.")


def _folder() -> Path:
    return find_project().root / ".yard/cloud"


def _ask(verb: str, **params: Any) -> dict[str, Any]:
    """Call a verb of the running cloud."""
    from yard.cloud import lifecycle

    running = lifecycle.status(_folder())
    if running is None:
        raise UserError("The embedded cloud is not running.", "Start it: yard cloud up")
    return lifecycle.admin(running, verb, {name: value for name, value in params.items() if value is not None})


@app.command()
def up(port: int = typer.Option(0, "--port", help="A port of your choice; by default a free one.")) -> None:
    """Start the cloud; a running one is left alone."""
    from yard.cloud import lifecycle

    state = lifecycle.up(_folder(), port=port)
    started = f"started in {state.seconds:.1f} s" if state.seconds else "already running"
    say(f"The embedded cloud is at {state.endpoint} ({started}; log: {state.log}).")
    say('Point this shell at it: eval "$(yard cloud env)"; or put --embedded before a yard command.')


@app.command()
def down() -> None:
    """Stop the cloud and all that runs in it. What it held is gone: its state lives in memory."""
    from yard.cloud import lifecycle

    say("Stopped." if lifecycle.down(_folder()) else "It was not running.")


@app.command()
def reset() -> None:
    """Forget everything in the cloud and start it again on the same port."""
    from yard.cloud import lifecycle

    state = lifecycle.reset(_folder())
    say(f"An empty embedded cloud is at {state.endpoint}.")


@app.command()
def status(as_json: bool = _JSON) -> None:
    """Say whether the cloud runs, and how its training nodes are kept apart."""
    facts = _ask("status")
    emit_facts(facts, as_json=as_json)


@app.command()
def env() -> None:
    """Print the exports that point aws, cdk and boto3 at the cloud."""
    from yard.cloud import lifecycle

    for name, value in lifecycle.env(_folder()).items():
        print(f"export {name}={shlex.quote(value)}")


@app.command()
def verify(
    stack: str | None = typer.Argument(None, help="Only this stack; without it, all that are deployed."),
    as_json: bool = _JSON,
) -> None:
    """Compare each resource of the deployed templates with what the services answer."""
    resources = _ask("verify", stack=stack)["resources"]
    if as_json:
        emit_json(resources)
    rows = [row for resource in resources for row in _faults(resource)]
    compared = sum(len(resource["compared"]) for resource in resources)
    if not as_json:
        counts = f"{len(resources)} resources, {compared} properties compared"
        columns = ("stack", "resource", "type", "property", "template", "service")
        emit_rows(rows, columns, as_json=False, empty=f"{counts}: no difference.")
    if rows:
        say(f"{len(rows)} differences in {len(resources)} resources.")
        raise typer.Exit(Exit.FIX)


def _faults(resource: dict[str, Any]) -> list[dict[str, Any]]:
    """A row for each way in which a resource is not as its template says."""
    what = {"stack": resource["stack"], "resource": resource["logical_id"], "type": resource["type"]}
    rows = [
        {**what, "property": found["property"], "template": found["wanted"], "service": found["answered"]}
        for found in resource["differences"]
    ]
    if resource["problem"] is not None:
        rows.append({**what, "property": "-", "template": "exists", "service": resource["problem"]})
    return rows


@app.command()
def interrupt(job: str = typer.Argument(help="A training job's name.")) -> None:
    """Take a job's spot capacity away: SIGTERM, grace, kill, wait for capacity, start again from S3 checkpoints."""
    emit_json(_ask("interrupt", job=job))


@app.command()
def kill(
    job: str = typer.Argument(help="A training job's name."),
    host: str = typer.Option("algo-1", "--host", help="The node to kill: algo-2."),
) -> None:
    """Kill one node of a job, as when its hardware fails."""
    emit_json(_ask("kill", job=job, host=host))


@app.command()
def capacity(
    instance_type: str = typer.Argument(help="ml.p5.48xlarge"),
    count: int = typer.Argument(help="How many of them the cloud has; 0 makes a launch fail with CapacityError."),
) -> None:
    """Say how many instances of a type the cloud has."""
    emit_json(_ask("capacity", instance_type=instance_type, count=count))


@app.command()
def quota(
    name: str = typer.Argument(help='"ml.g5.xlarge for training job usage"'),
    value: float = typer.Argument(help="The granted value."),
) -> None:
    """Set a service quota; launches beyond it are refused as AWS refuses them."""
    emit_json(_ask("quota", name=name, value=value))


@app.command("approve-quota")
def approve_quota(name: str | None = typer.Argument(None, help="A quota's name; without it, all requests.")) -> None:
    """Grant what has been asked for."""
    emit_json(_ask("approve-quota", name=name))


@app.command()
def fire(rule: str = typer.Argument(help="The name of an EventBridge rule.")) -> None:
    """Fire a scheduled rule now."""
    emit_json(_ask("fire", rule=rule))


@app.command()
def outbox(as_json: bool = _JSON) -> None:
    """Show the e-mails that the cloud would have sent."""
    messages = _ask("outbox")["messages"]
    emit_rows(messages, ("to", "subject", "text"), as_json=as_json, empty="No e-mail was sent yet.")


@app.command("enforce-iam")
def enforce_iam(on: bool = typer.Argument(help="true or false")) -> None:
    """Switch the check of roles' permissions on or off."""
    emit_json(_ask("enforce-iam", on=on))


def register(main: typer.Typer) -> None:
    """Put these commands on the app."""
    main.add_typer(app, name="cloud")
