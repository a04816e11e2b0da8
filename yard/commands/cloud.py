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


def ask(verb: str, **params: Any) -> dict[str, Any]:
    """Call a verb of the running cloud."""
    from yard.cloud import lifecycle

    running = lifecycle.status(_folder())
    if running is None:
        raise UserError("The embedded cloud is not running.", "Start it: yard cloud up")
    return lifecycle.admin(running, verb, {name: value for name, value in params.items() if value is not None})


@app.command()
def up(
    port: int = typer.Option(0, "--port", help="A port of your choice; by default a free one."),
    as_json: bool = _JSON,
) -> None:
    """Start the cloud; a running one is left alone."""
    from yard.cloud import lifecycle

    state = lifecycle.up(_folder(), port=port)
    if as_json:
        facts = {"endpoint": state.endpoint, "port": state.port, "pid": state.pid, "log": str(state.log)}
        emit_json({**facts, "seconds": round(state.seconds, 2)})
        return
    started = f"started in {state.seconds:.1f} s" if state.seconds else "already running"
    say(f"The embedded cloud is at {state.endpoint} ({started}; log: {state.log}).")
    if port not in (0, state.port):
        say(f"It runs on port {state.port} and not on {port}; to move it: yard cloud down, then up again.")
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
    emit_facts(ask("status"), as_json=as_json)


@app.command()
def env(as_json: bool = _JSON) -> None:
    """Print the exports that point aws, cdk and boto3 at the cloud.

    \b
      eval "$(yard cloud env)"
    """
    from yard.cloud import lifecycle

    found = lifecycle.env(_folder())
    if as_json:
        emit_json(found)
        return
    for name, value in found.items():
        print(f"export {name}={shlex.quote(value)}")


@app.command()
def verify(
    stack: str | None = typer.Argument(None, help="Only this stack; without it, all that are deployed."),
    as_json: bool = _JSON,
) -> None:
    """Compare each resource of the deployed templates with what the services answer."""
    resources = ask("verify", stack=stack)["resources"]
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


def register(main: typer.Typer) -> None:
    """Put these commands on the app."""
    from yard.commands import cloud_faults

    cloud_faults.register(app)
    main.add_typer(app, name="cloud")
