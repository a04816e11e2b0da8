"""yard submit: a run's model handed in to a competition."""

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from yard.aws import Aws
from yard.commands.complete import complete_jobs
from yard.errors import Exit, UserError
from yard.output import confirm, emit_json, emit_rows, say, show
from yard.project import find_project

if TYPE_CHECKING:
    from yard.handin.kaggle import Prepared

app = typer.Typer(help="Hand a run's model in to a competition.", no_args_is_help=True)


@app.callback()
def _alone() -> None:
    """Keeps `kaggle` a subcommand while it is the only one."""


@app.command()
def kaggle(
    run: str = typer.Argument(help="A job's name (its newest run) or a run id.", autocompletion=complete_jobs),
    competition: str = typer.Option(..., "--competition", help="Its name in the page's address: titanic."),
    data: Path = typer.Option(..., "--data", help="The folder with the competition's files, the sample among them."),
    user: str = typer.Option(..., "--user", envvar="KAGGLE_USERNAME", help="Your name on Kaggle."),
    notebook: Path | None = typer.Option(None, "--notebook", help="An inference notebook of yours."),
    sample: str = typer.Option("sample_submission.csv", "--sample", help="The sample's name in the folder."),
    file: str = typer.Option("submission.csv", "--file", help="What the notebook must write."),
    hours: float | None = typer.Option(None, "--hours", help="The competition's limit, from its Code Requirements."),
    hidden_rows: int | None = typer.Option(None, "--hidden-rows", help="Rows of the hidden test set.", min=1),
    gpu: bool = typer.Option(False, "--gpu", help="Ask for a GPU there."),
    python: Path | None = typer.Option(None, "--python", help="The Python that runs the notebook here."),
    to: Path | None = typer.Option(None, "--to", help="The folder for it; by default handin/JOB."),
    upload: bool = typer.Option(False, "--upload", help="Upload it, with the kaggle command of this machine."),
    yes: bool = typer.Option(False, "--yes", "-y", help="Do not ask before uploading."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> None:
    """Pack a run's model for a code competition, and check it here.

    Packs the model with the job's code and a notebook, runs the notebook without any network on the competition's
    files, checks the rules (run time, no internet, sizes, the submission's shape against the sample), and prints what
    would be uploaded. Nothing leaves this machine without --upload.

    \b
      yard submit kaggle churn --competition titanic --data titanic --user ann
      yard submit kaggle churn --competition titanic --data titanic --user ann --upload
    """
    from yard.handin import kaggle as handing_in
    from yard.handin.kaggle import Wanted

    wanted = Wanted(
        run=run,
        competition=competition,
        user=user,
        data=data,
        sample=sample,
        file=file,
        notebook=notebook,
        to=to,
        python=python,
        hours=hours,
        hidden_rows=hidden_rows,
        gpu=gpu,
    )
    done = handing_in.prepare(Aws(find_project()), wanted)
    commands = handing_in.shown(done.hand_in)
    submit = handing_in.submits(done.hand_in, file, done.run_id)
    _tell(done, [*commands, submit], as_json=as_json)
    if not upload:
        say(f"{done.hand_in.folder} would be uploaded so (--upload does it):")
        for command in commands:
            say(f"  {command}")
    elif yes or confirm(f"Upload {done.hand_in.folder} to Kaggle as {user}?"):
        handing_in.upload(done.hand_in)
    else:
        raise UserError("Nothing was uploaded.", code=Exit.FIX)
    say(f"When the notebook has run there, by the version that its page shows:\n  {submit}")


def _tell(done: "Prepared", commands: list[str], *, as_json: bool) -> None:
    """What was checked and found; refuses to go on where a rule is broken."""
    from dataclasses import asdict

    from yard.handin import rules

    rows, date = [asdict(verdict) for verdict in done.verdicts], rules.data()["date"]
    if as_json:
        found = {"run": done.run_id, "folder": done.hand_in.folder, "sound": done.is_sound, "rules": rows}
        emit_json({**found, "rules_of": date, "commands": commands})
    else:
        emit_rows(rows, ("rule", "state", "says"), as_json=False, empty="")
    if done.tail:
        show(done.tail)
    if not done.is_sound:
        broken = sum(verdict.state == "broken" for verdict in done.verdicts)
        raise UserError(
            f"The hand-in breaks {broken} rule{'' if broken == 1 else 's'} of {date}.",
            "Correct what the table says; nothing was uploaded.",
        )


def register(main: typer.Typer) -> None:
    """Put these commands on the app."""
    main.add_typer(app, name="submit")
