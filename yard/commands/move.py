"""yard move, adopt: deploy what CloudFormation refuses in one step."""

import typer

from yard.aws import Aws
from yard.errors import UserError
from yard.output import confirm, emit_rows, say
from yard.project import find_project


def move(
    dry_run: bool = typer.Option(False, "--dry-run", help="Show the steps and stop."),
    yes: bool = typer.Option(False, "--yes", "-y", help="Do not ask."),
    as_json: bool = typer.Option(False, "--json", help="Print the steps as JSON."),
) -> None:
    """Deploy what CloudFormation refuses in one step.

    A new VPC that becomes an existing one, notebook instances in another network, a job that moves to another stack, a
    stack of jobs with another name: compares what is deployed with the app, shows the steps, asks, and takes them.

    \b
      yard move --dry-run
      yard --embedded move --yes
    """
    from yard.account import moving

    aws = Aws(find_project())
    steps = moving.steps(aws)
    rows = [
        {"step": number, "command": moving.command(aws.project, step), "why": step.why}
        for number, step in enumerate(steps, 1)
    ]
    emit_rows(rows, ("step", "command", "why"), as_json=as_json, empty=f"One deploy does it: {aws.project.deploy}")
    if dry_run or not steps:
        return
    if not yes and not confirm(f"Take these {len(steps)} steps?"):
        raise UserError("Nothing was deployed.")
    for number, step in enumerate(steps, 1):
        say(f"Step {number} of {len(steps)}: {moving.command(aws.project, step)}")
        moving.take(aws, step, tell=say)


def adopt(
    dry_run: bool = typer.Option(False, "--dry-run", help="Show what would be adopted and stop."),
    yes: bool = typer.Option(False, "--yes", "-y", help="Do not ask."),
    as_json: bool = typer.Option(False, "--json", help="Print what is adopted as JSON."),
) -> None:
    """Deploy with what an earlier deployment retained.

    The stage `prod` keeps buckets, key and repositories when it is destroyed. A plain deploy afterwards makes new
    buckets beside them, and fails at the repositories; this imports them into their stacks, and deploys each.

    \b
      yard adopt --dry-run
      yard --embedded --stage=prod adopt --yes
    """
    from yard.account import adoption, moves, moving

    aws = Aws(find_project())
    wanted = moving.app_templates(aws.project)
    found = adoption.adoptable(aws, wanted)
    rows = [{"stack": one.stack, "resource": one.physical_id, "type": one.type} for one in found]
    nothing = "Nothing is retained that a stack of the app would make."
    emit_rows(rows, ("stack", "resource", "type"), as_json=as_json, empty=nothing)
    if dry_run or not found:
        return
    stacks = [stack for stack in wanted if any(one.stack == stack for one in found)]
    say(f"Steps: import into {' and '.join(stacks)}, each deployed at once; then {aws.project.deploy}")
    if not yes and not confirm(f"Adopt these {len(found)} resources?"):
        raise UserError("Nothing was adopted.")
    for stack in stacks:
        adoption.adopt(aws, stack, wanted[stack], [one for one in found if one.stack == stack])
        say(f"{stack} has what was retained of it.")
        moving.take(aws, moves.Step(why="the rest of its template", deploys=(stack,)), tell=say)
    moving.take(aws, moves.Step(why=moving.LAST), tell=say)


def register(app: typer.Typer) -> None:
    """Put these commands on the app."""
    app.command()(move)
    app.command()(adopt)
