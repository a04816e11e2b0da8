"""yard init, upgrade: a project of one's own, and a new version in it."""

from pathlib import Path

import typer

from yard.output import emit_json, say
from yard.project import find_project


def init(
    folder: Path = typer.Argument(metavar="DIR", help="The project's folder: empty, or not there yet."),
    project: str | None = typer.Option(None, "--project", help="Its name; without it, the folder's."),
    stage: str = typer.Option("dev", "--stage", help="dev or prod."),
    owner: str = typer.Option("unnamed", "--owner", help="Who answers for the resources."),
    containers: bool = typer.Option(False, "--containers", help="With an image of its own, containers/pytorch."),
    requirement: str = typer.Option(
        "shardyard",
        "--requirement",
        help="How pip finds Shardyard, where no index has it: 'shardyard @ git+https://...'.",
    ),
    as_json: bool = typer.Option(False, "--json", help="Print JSON: the files that were written."),
) -> None:
    """Make a project of your own, with a first job.

    Settings, app.py, the job and its script, a CI workflow, a page that says how to go on. Nothing that is there is
    overwritten.

    \b
      yard init vision
      yard init vision --stage prod --owner team-vision --containers
    """
    from yard.starter import begin
    from yard.starter.files import Choices

    name = begin.project_name(folder) if project is None else project
    choices = Choices(project=name, stage=stage, owner=owner, containers=containers, requirement=requirement)
    written = begin.begin(folder, choices)
    if as_json:
        emit_json({"project": name, "folder": folder, "files": written})
    else:
        print("\n".join(str(folder / path) for path in written))
    say(f"The project {name} is in {folder}; {folder / 'README.md'} says how to go on.")


def upgrade(
    write: bool = typer.Option(False, "--write", help="Write the files that you left as they were."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> None:
    """Show what a new version changes for this project.

    The changelog between the version that made the project and the installed one, and each file of `yard init` whose
    template changed: written anew with --write if you left it as it was, shown as a diff if you edited it.

    \b
      yard upgrade
      yard upgrade --write
    """
    from dataclasses import asdict

    from yard.starter import upgrade as upgrading
    from yard.starter.upgrade import State

    root = find_project().root
    found = upgrading.compare(root)
    written = upgrading.apply(root, found) if write else []
    if as_json:
        emit_json({**asdict(found), "written": written})
        return
    say(f"This project was made by version {found.made_by}; version {found.installed} is installed.")
    if found.news:
        print(found.news)
    for change in found.changes:
        if change.state == State.REWRITE:
            print(f"{change.path}: {'written' if write else 'new in this version; --write writes it'}")
        elif change.state == State.GONE:
            print(f"{change.path}: changed in this version; you removed it, and it stays so")
        elif change.state == State.DIFFERS:
            print(
                f"{change.path}: changed in this version, and by you; take over what you want:\n{change.diff}", end=""
            )
    if all(change.state == State.UNCHANGED for change in found.changes):
        say("No file of yours needs a change.")


def register(app: typer.Typer) -> None:
    """Put these commands on the app."""
    app.command()(init)
    app.command()(upgrade)
