"""yard stacks plan: which stack each of many jobs should belong to."""

import typer

from yard.output import emit_json, emit_rows, say
from yard.project import find_project

stacks_app = typer.Typer(no_args_is_help=True)


@stacks_app.callback()
def stacks() -> None:
    """How jobs share the stacks."""


@stacks_app.command("plan")
def stacks_plan(
    write: bool = typer.Option(False, "--write", help="Write the lines into the jobs' files."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> None:
    """Say which `stack` each of many jobs belongs to.

    Measures every job with a synth, leaves each where it is while its stack has room, and synthesises the proposal.
    Needs no account.

    \b
      yard stacks plan
      yard stacks plan --write && yard diff
    """
    from yard import stack_plan

    project = find_project()
    say("Synthesising twice ...")
    found = stack_plan.plan(project)
    if write:
        stack_plan.write(project, found.moves)
    rows = [
        {"stack": stack, "jobs": list(found.stacks.values()).count(stack), **size}
        for stack, size in sorted(found.sizes.items())
    ]
    if as_json:
        emit_json({"moves": found.moves, "stacks": rows, "limits": stack_plan.LIMITS, "written": write})
        return
    for job, stack in found.moves.items():
        print(f'{project.settings.training.jobs}/{job}.toml: stack = "{stack}"')
    emit_rows(rows, ("stack", "jobs", *stack_plan.LIMITS), as_json=False, empty="There are no jobs.")
    if not found.moves:
        say("Every job has room where it is.")
    elif write:
        say("Written. A job that moves begins with empty stack parameters: yard diff names the values that it loses.")


def register(app: typer.Typer) -> None:
    """Put these commands on the app."""
    app.add_typer(stacks_app, name="stacks")
