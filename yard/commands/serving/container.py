"""yard container: hold a serving container against SageMaker's contract."""

from dataclasses import asdict
from pathlib import Path

import typer

from yard.errors import Exit, UserError
from yard.output import emit_json, say, show
from yard.project import find_project

app = typer.Typer(help="Serving containers.", no_args_is_help=True)
_MARKS = {True: "kept", False: "BROKEN", None: "not looked at"}


@app.command()
def check(
    container: str = typer.Argument(help="A folder of containers/, an image, or http://HOST:PORT of one that runs."),
    model: Path | None = typer.Option(None, "--model", help="The folder that becomes /opt/ml/model."),
    body: Path | None = typer.Option(None, "--body", help="A file with a request that the model can answer."),
    content_type: str = typer.Option("application/json", "--content-type", help="What that file is."),
    start_seconds: float = typer.Option(
        240.0, "--start-seconds", help="How long the start may take; AWS's default.", min=1, max=3600
    ),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> None:
    """Hold a container against every clause of the serving contract.

    A folder of containers/ runs as a process of this machine, whose /opt/ml and port are moved by SAGEMAKER_BASE_DIR
    and SAGEMAKER_BIND_TO_PORT; an image runs in docker; of a container that runs already all is asked but its end.

    \b
      yard container check sklearn --model build/model --body row.csv --content-type text/csv
      yard container check http://localhost:8080 --body request.json
    """
    from yard.containers import clauses, running

    for path, what in ((model, "folder"), (body, "file")):
        if path is not None and not (path.is_dir() if what == "folder" else path.is_file()):
            raise UserError(f"There is no {what} {path}.", "Name one that is there")
    sample = None if body is None else clauses.Sample(body=body.read_bytes(), kind=content_type)
    found = []
    with running.run(container, find_project().root, model) as started:
        for verdict in clauses.check(started, sample, start_seconds=start_seconds):
            found.append(verdict)
            if not as_json:
                seen = f" ({verdict.found})" if verdict.found else ""
                show(f"{_MARKS[verdict.is_kept]:13}  {verdict.clause}{seen}")
    if as_json:
        emit_json([asdict(verdict) for verdict in found])
    broken = sum(verdict.is_kept is False for verdict in found)
    if broken:
        say(f"{broken} of {len(found)} clauses are broken.")
        raise typer.Exit(Exit.FIX)


def register(main: typer.Typer) -> None:
    """Put these commands on the app."""
    main.add_typer(app, name="container")
