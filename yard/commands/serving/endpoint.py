"""yard endpoint: how one stands, what it logs, how many instances and which share, its end."""

from typing import Any

import typer

from yard.aws import Aws
from yard.commands.complete import complete_endpoints
from yard.commands.serving import trials
from yard.errors import Exit
from yard.output import confirm, emit_json, emit_rows, say, show
from yard.project import find_project

app = typer.Typer(help="One endpoint: how it stands, what it does, what it costs.", no_args_is_help=True)


@app.command()
def status(
    endpoint: str = typer.Argument(help="The endpoint.", autocompletion=complete_endpoints),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> None:
    """Show how an endpoint stands.

    Its configuration, its variants and its stack. Says so where the configuration in service is not the one that the
    stack asks for.

    \b
      yard endpoint status digits
    """
    from yard.serving.changing import rows_of
    from yard.serving.endpoints import standing

    found = standing(Aws(find_project()), endpoint)
    rows = rows_of(found)
    if as_json:
        emit_json(
            {
                "stack": found.stack,
                "stack_status": found.stack_status,
                "status": found.status,
                "asked": found.asked,
                "in_service": found.serving,
                "models": dict(found.parameters),
                "variants": rows,
            }
        )
        return
    say(f"{endpoint}: {found.status}; {found.stack} is {found.stack_status}")
    if found.described is None:
        say(f"It has no model yet. Give it one: yard deploy {endpoint}")
        return
    if found.asked != found.serving:
        say(
            f"The stack asks for {found.asked}, and {found.serving} is in service. Deploy again: yard deploy {endpoint}"
        )
    emit_rows(rows, ("variant", "instances", "weight", "phase"), as_json=False, empty="It has no variants.")


@app.command()
def logs(
    endpoint: str = typer.Argument(help="The endpoint.", autocompletion=complete_endpoints),
    lines: int = typer.Option(100, "--lines", "-n", help="How many of the newest lines.", min=1, max=10_000),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> None:
    """Print what an endpoint's containers have printed.

    \b
      yard endpoint logs digits
      yard endpoint logs digits -n 1000
    """
    from yard.serving.changing import newest_lines

    found = newest_lines(Aws(find_project()), endpoint, lines)
    if as_json:
        emit_json(found)
        return
    if not found:
        say(f"{endpoint} has logged nothing yet.")
    for line in found:
        show(f"{line['stream']}  {line['text']}")


@app.command()
def scale(
    endpoint: str = typer.Argument(help="The endpoint.", autocompletion=complete_endpoints),
    count: int = typer.Argument(help="How many instances.", min=1, max=1000),
    variant: str | None = typer.Option(None, "--variant", help="Of this variant; by default of the only one."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> None:
    """Change a variant's instances until the next deploy.

    Lasting changes stand in the endpoint's file. Where a variant scales by itself, that goes on, between its limits.

    \b
      yard endpoint scale digits 3
    """
    from yard.serving.changing import change, only_variant
    from yard.serving.endpoints import endpoint as find

    aws = Aws(find_project())
    spec = find(aws.project, endpoint)
    name = only_variant(spec, variant)
    changed = change(aws, spec, {name: {"DesiredInstanceCount": count}})
    _tell(changed, f"{name} of {endpoint} gets {count} instances, until the next deploy.", as_json=as_json)
    if name in spec.scaled and not as_json:
        scaling = spec.scaled[name]
        say(f"It scales by itself, between {scaling.least} and {scaling.most}.")


@app.command()
def shift(
    endpoint: str = typer.Argument(help="The endpoint.", autocompletion=complete_endpoints),
    weights: list[str] = typer.Argument(help="The weight of each variant to change.", metavar="VARIANT=WEIGHT..."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> None:
    """Change the variants' shares until the next deploy.

    \b
      yard endpoint shift digits main=9 next=1
    """
    from yard.serving.changing import change, read_weights
    from yard.serving.endpoints import endpoint as find

    aws = Aws(find_project())
    spec = find(aws.project, endpoint)
    wanted = read_weights(spec, weights)
    changed = change(aws, spec, {name: {"DesiredWeight": weight} for name, weight in wanted.items()})
    shares = ", ".join(f"{name} {weight:g}" for name, weight in wanted.items())
    _tell(changed, f"{endpoint}: {shares}, until the next deploy.", as_json=as_json)


@app.command()
def delete(
    endpoint: str = typer.Argument(help="The endpoint.", autocompletion=complete_endpoints),
    yes: bool = typer.Option(False, "--yes", "-y", help="Do not ask."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> None:
    """Take an endpoint away.

    Its stack stays, with a role that bills nothing, for the next yard deploy.

    \b
      yard endpoint delete digits
    """
    from yard.serving.changing import take_away
    from yard.serving.endpoints import endpoint as find

    aws = Aws(find_project())
    spec = find(aws.project, endpoint)
    if not yes and not confirm(f"Take the endpoint {endpoint} away? Its callers get errors."):
        raise typer.Exit(Exit.OK)
    found = take_away(aws, spec, say)
    gone = found.described is None
    _tell(
        {"endpoint": endpoint, "gone": gone, "stack_status": found.stack_status},
        "It is gone." if gone else f"It is still there: {found.stack} is {found.stack_status}.",
        as_json=as_json,
    )
    if not gone:
        raise typer.Exit(Exit.FIX)


def _tell(data: dict[str, Any], text: str, *, as_json: bool) -> None:
    if as_json:
        emit_json(data)
    else:
        say(text)


def register(main: typer.Typer) -> None:
    """Put these commands on the app."""
    trials.register(app)
    main.add_typer(app, name="endpoint")
