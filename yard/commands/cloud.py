"""yard cloud: the embedded cloud's life, its faults on demand, and whether it did what a template says."""

import shlex
from typing import TYPE_CHECKING, Any

import typer

from yard.embedded import ask, cloud_folder
from yard.errors import Exit, UserError
from yard.output import emit_facts, emit_json, emit_rows, say
from yard.project import find_project

if TYPE_CHECKING:
    from embedded.lifecycle import CloudState
    from embedded.process.engines import Engine

app = typer.Typer(help="The embedded cloud: an AWS on this machine.", no_args_is_help=True)

_JSON = typer.Option(False, "--json", help="Print JSON.")


@app.command()
def up(
    port: int = typer.Option(0, "--port", help="The port; by default the last one, or a free one.", min=0, max=65535),
    fresh: bool = typer.Option(False, "--fresh", help="Forget what the last cloud has kept."),
    allow_unisolated: bool = typer.Option(
        False, "--allow-unisolated", help="Run others' functions even where nothing keeps them from this machine."
    ),
    engine: str | None = typer.Option(
        None, "--engine", help="What nodes are: process (the default) or docker, containers of the real image."
    ),
    as_json: bool = _JSON,
) -> None:
    """Start the cloud, unless it is running.

    It finds again what the last one kept.

    \b
      yard cloud up
      yard cloud up --port 4566
      yard cloud up --fresh
      yard cloud up --engine docker
    """
    from embedded import lifecycle

    state = lifecycle.up(
        cloud_folder(),
        port=port,
        project=find_project().root,
        fresh=fresh,
        allow_unisolated=allow_unisolated,
        engine=_engine(engine),
    )
    if as_json:
        emit_json(_as_json(state))
        return
    started = f"started in {state.seconds:.1f} s" if state.seconds else "already running"
    say(f"The embedded cloud is at {state.endpoint} ({started}; log: {state.log}).")
    say(_NODES[state.engine])
    for note in state.notes:
        say(note)
    if fresh and not state.seconds:
        say("It runs, and has forgotten nothing; to forget everything: yard cloud reset.")
    if port not in (0, state.port):
        say(f"It already runs on port {state.port}, not on {port}; to move it: yard cloud down, then up again.")
    say('Point this shell at it: eval "$(yard cloud env)"; or put --embedded before a yard command.')


_NODES = {
    "process": "Nodes are cells of processes; in containers of the real image: yard cloud up --engine docker.",
    "docker": "Nodes are containers of the real image, on this machine's Docker daemon.",
}
"""What each engine says of itself."""


def _engine(name: str | None) -> "Engine | None":
    if name is None:
        return None
    if name == "process":
        return "process"
    if name == "docker":
        return "docker"
    raise UserError(f"There is no engine {name!r}.", "Choose process or docker.")


def _as_json(state: "CloudState") -> dict[str, Any]:
    facts = {
        "endpoint": state.endpoint,
        "port": state.port,
        "pid": state.pid,
        "log": str(state.log),
        "engine": state.engine,
    }
    return {**facts, "seconds": round(state.seconds, 2), "notes": list(state.notes)}


@app.command()
def down(as_json: bool = _JSON) -> None:
    """Stop the cloud and everything in it.

    The next `up` finds its state again; jobs that run end as failed.

    \b
      yard cloud down
    """
    from embedded import lifecycle

    stopped = lifecycle.down(cloud_folder())
    kept = lifecycle.last_kept(cloud_folder())
    if as_json:
        emit_json({"stopped": stopped, "kept": kept})
        return
    say("Stopped." if stopped else "It was not running.")
    if kept is not None:
        say(f"What was kept at {kept} is there again after: yard cloud up.")


@app.command()
def reset(as_json: bool = _JSON) -> None:
    """Forget everything, on the same port.

    \b
      yard cloud reset
    """
    from embedded import lifecycle

    state = lifecycle.reset(cloud_folder(), project=find_project().root)
    if as_json:
        emit_json(_as_json(state))
    else:
        say(f"An empty embedded cloud is at {state.endpoint}.")


@app.command()
def status(as_json: bool = _JSON) -> None:
    """Show whether the cloud runs, and what its nodes are.

    \b
      yard cloud status
    """
    emit_facts(ask("status"), as_json=as_json)


@app.command()
def env(as_json: bool = _JSON) -> None:
    """Print variables that point aws, cdk and boto3 at the cloud.

    \b
      eval "$(yard cloud env)"
    """
    from embedded import lifecycle

    found = lifecycle.env(cloud_folder())
    if as_json:
        emit_json(found)
        return
    for name, value in found.items():
        print(f"export {name}={shlex.quote(value)}")


@app.command()
def verify(
    stack: str | None = typer.Argument(
        None, help="Only this stack; by default every deployed one of all accounts and regions."
    ),
    as_json: bool = _JSON,
) -> None:
    """Compare the deployed resources with their templates.

    Each property is compared with what its service answers. Exit code 1 if anything differs.

    \b
      yard cloud verify
      yard cloud verify shardyard-dev-storage --json
    """
    resources = ask("verify", stack=stack)["resources"]
    if as_json:
        emit_json(resources)
    rows = [row for resource in resources for row in _faults(resource)]
    compared = sum(len(resource["compared"]) for resource in resources)
    if not as_json:
        places = sorted({_place(resource) for resource in resources})
        counts = f"{len(resources)} resources, {compared} properties compared in {'; '.join(places) or 'no place'}"
        columns = ("place", "stack", "resource", "type", "property", "template", "service")
        emit_rows(rows, columns, as_json=False, empty=f"{counts}: no difference.")
    if not as_json:
        for resource in resources:
            for found in resource["at_run_time"]:
                where = f"{resource['stack']} {resource['logical_id']} {found['property']}"
                say(f"{where} changes at run time: template {found['wanted']}, service {found['answered']}.")
    if rows:
        say(f"{len(rows)} differences in {len(resources)} resources.")
        raise typer.Exit(Exit.FIX)


def _place(resource: dict[str, Any]) -> str:
    return f"{resource['account']} {resource['region']}"


def _faults(resource: dict[str, Any]) -> list[dict[str, Any]]:
    """One row per difference between a resource and its template."""
    what = {
        "place": _place(resource),
        "stack": resource["stack"],
        "resource": resource["logical_id"],
        "type": resource["type"],
    }
    rows = [
        {**what, "property": found["property"], "template": found["wanted"], "service": found["answered"]}
        for found in resource["differences"]
    ]
    if resource["problem"] is not None:
        rows.append({**what, "property": "-", "template": "exists", "service": resource["problem"]})
    return rows


def register(main: typer.Typer) -> None:
    """Put these commands on the app."""
    from yard.commands import faults, inspect

    faults.register(app)
    inspect.register(app)
    main.add_typer(app, name="cloud")
