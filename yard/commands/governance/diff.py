"""yard diff: what a deploy would change, before it does."""

import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from yard.errors import Exit, UserError
from yard.output import emit_json, printable, say
from yard.project import find_project

if TYPE_CHECKING:
    from yard.aws import Aws
    from yard.difference.report import Difference
    from yard.difference.sides import Side


def diff(
    context: list[str] = typer.Option(
        [], "--context", "-c", help="A setting, as for cdk deploy; may be repeated.", metavar="KEY=VALUE"
    ),
    assembly: Path | None = typer.Option(
        None, "--app", help="A folder that cdk synth wrote (cdk.out), instead of a synth now.", metavar="DIR"
    ),
    exit_code: bool = typer.Option(False, "--exit-code", help="End with 5 if a deploy would change something."),
    as_markdown: bool = typer.Option(False, "--markdown", help="Print Markdown, for a pull request."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> None:
    """Show what a deploy would change.

    In the words of the job files and the settings: jobs, parameters, rights gained and lost, resources that are
    removed or replaced and the data that goes with them, stacks that the app no longer has, and the monthly cost.
    Changes nothing in the account.

    \b
      yard diff
      yard diff -c training.cap_usd=200 --exit-code
      yard diff --markdown | gh pr comment --body-file -
    """
    from yard.aws import Aws
    from yard.difference import markdown, text

    if as_json and as_markdown:
        raise UserError("--json and --markdown exclude each other.", "Give one of them.", Exit.USAGE)
    aws = Aws(find_project())
    found = _compare(aws, context, assembly)
    if as_json:
        emit_json({**asdict(found), "is_empty": found.is_empty, "loses_data": found.loses_data})
    else:
        for line in markdown.markdown(found) if as_markdown else text.lines(found):
            print(printable(line))
        if found.is_empty and not as_markdown:
            say(f"A deploy to {aws.account}, {aws.region}, would change nothing.")
    if exit_code and not found.is_empty:
        raise typer.Exit(Exit.DIFFERENT)


def _compare(aws: "Aws", context: list[str], assembly: Path | None) -> "Difference":
    from yard.account import cdk
    from yard.difference import assembly as assemblies

    if assembly is not None:
        if context:
            raise UserError("--context is for a synth, and --app names one.", "Give one of them.", Exit.USAGE)
        return _with_account(aws, assemblies.read(assembly), assembly)
    with tempfile.TemporaryDirectory(prefix="yard-diff-") as folder:
        say("Synthesising ...")
        cdk.synthesise(aws.project, Path(folder), context)
        return _with_account(aws, assemblies.read(Path(folder)), Path(folder))


def _with_account(aws: "Aws", after: "Side", folder: Path) -> "Difference":
    from dataclasses import replace

    from yard.difference import account, assembly, compare, definitions, jobs

    tags = assembly.tags_of(folder)
    ours = {key: tags[key] for key in ("project", "stage") if key in tags}
    before, left = account.deployed(aws, after.by_name, ours if len(ours) == len(("project", "stage")) else {})
    after = definitions.from_assembly(after, folder)
    before = definitions.aligned(definitions.from_account(before, aws), after)
    registry = account.Registry(aws)
    launches, searches = jobs.losing_runs(before, after)
    found = compare.compare(
        before,
        after,
        registry=registry,
        region=aws.region,
        contents=lambda change: account.contents(aws, change),
        running=account.running(aws, launches),
        searching=account.searching(aws, searches),
        left_over=left,
    )
    if registry.unknown:
        types = ", ".join(registry.unknown)
        note = f"whether a change replaces a resource: CloudFormation's registry did not answer for {types}"
        return replace(found, notes=[note])
    return found


def register(app: typer.Typer) -> None:
    """Put this command on the app."""
    app.command()(diff)
