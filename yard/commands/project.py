"""yard init, upgrade: a project of one's own, and a new version in it."""

from pathlib import Path

import typer

from yard.errors import Exit, UserError
from yard.output import emit_json, say
from yard.project import find_project


def init(
    folder: Path = typer.Argument(metavar="DIR", help="The project's folder: empty, or not there yet."),
    job: str | None = typer.Argument(None, metavar="[NAME]", help="With `job` as DIR: the new job's name."),
    script: Path | None = typer.Option(None, "--script", help="With `job NAME`: the script that it runs."),
    project: str | None = typer.Option(None, "--project", help="Its name; without it, the folder's."),
    stage: str = typer.Option("dev", "--stage", help="dev, staging or prod."),
    owner: str = typer.Option("unnamed", "--owner", help="Who answers for the resources."),
    containers: bool = typer.Option(False, "--containers", help="With an image of its own, containers/pytorch."),
    requirement: str = typer.Option(
        "shardyard",
        "--requirement",
        help="How pip finds Shardyard, where no index has it: 'shardyard @ git+https://...'.",
    ),
    as_json: bool = typer.Option(False, "--json", help="Print JSON: the files that were written."),
) -> None:
    """Make a project of your own, or a job for a script.

    The project: settings, app.py, a job and its script, a CI workflow, a page that says how to go on. The job: its
    file, from what the script's source says; the script is not run. Nothing that is there is overwritten.

    \b
      yard init vision
      yard init vision --stage prod --owner team-vision --containers
      yard init job digits --script code/train.py
    """
    if job is not None or script is not None:
        _init_job(folder, job, script, as_json=as_json)
        return
    from yard.starter import begin
    from yard.starter.files import Choices, came_from

    name = begin.project_name(folder) if project is None else project
    choices = Choices(project=name, stage=stage, owner=owner, containers=containers, requirement=requirement)
    written = begin.begin(folder, choices)
    if as_json:
        emit_json({"project": name, "folder": folder, "files": written})
    else:
        print("\n".join(str(folder / path) for path in written))
    say(f"The project {name} is in {folder}; {folder / 'README.md'} says how to go on.")
    if requirement == "shardyard" and (place := came_from()) is not None:
        say(
            f"This version was installed from {place}, and requirements.txt asks an index for it: where none has it, "
            f"write `shardyard @ {place}` there, or an address that CI reaches too."
        )


def _init_job(word: Path, name: str | None, script: Path | None, *, as_json: bool) -> None:
    from yard.starter.script.job_file import begin_job

    if str(word) != "job" or name is None or script is None:
        raise UserError(
            "A job for a script needs a name and the script.", "yard init job NAME --script code/train.py", Exit.USAGE
        )
    path, to_do = begin_job(find_project(), name, script)
    if as_json:
        emit_json({"job": name, "file": path, "to_do": to_do})
        return
    print(path.read_text(encoding="utf-8"), end="")
    say(f"\nThis is {path}. Left to do:" if to_do else f"\nThis is {path}.")
    for sentence in to_do:
        say(f"  {sentence}")
    say(f"Then: yard check {name}; deploy it (npx cdk deploy --all); yard train {name}")


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
