"""yard transform: look at what a transform job does with a record, before it bills."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from yard.commands.complete import complete_jobs
from yard.errors import Exit, UserError
from yard.output import emit_facts, say
from yard.project import find_project

if TYPE_CHECKING:
    from shardyard.spec.jobs.transform.transform import TransformSpec

app = typer.Typer(help="Batch transform jobs.", no_args_is_help=True)
_SECONDS = 60.0


@app.callback()
def _group() -> None:
    """Batch transform jobs."""


@app.command(name="try")
def try_record(
    job: str = typer.Argument(help="A transform job of jobs/.", autocompletion=complete_jobs),
    file: Path = typer.Argument(help="An object as the job would read it, on this machine."),
    number: int = typer.Option(1, "--record", help="Which record of it.", metavar="N"),
    url: str | None = typer.Option(
        None, "--url", help="A model's container that runs: http://localhost:8080", metavar="URL"
    ),
    model: Path | None = typer.Option(
        None, "--model", help="A folder with the model: the job's image is started with it here.", metavar="DIR"
    ),
    endpoint: str | None = typer.Option(
        None, "--endpoint", help="An endpoint with the model: one of endpoints/, or any other.", metavar="NAME"
    ),
    as_json: bool = typer.Option(False, "--json", help="Print the steps as JSON."),
) -> None:
    """Show one record on its way through the job.

    What is split, filtered and joined is what the job itself would do. Without a container the record goes as far as
    to it: what the model would get. Nothing is written, and without --endpoint nothing leaves this machine.

    \b
      yard transform try digits-transform rows.jsonl
      yard transform try digits-transform rows.jsonl --record 7 --url http://localhost:8080
      yard transform try digits-transform rows.jsonl --model models/20261121-073000-a1b2
      yard --embedded transform try digits-transform rows.jsonl --endpoint digits
    """
    from shardyard.spec.transform.errors import TransformError
    from shardyard.spec.transform.trip import travel
    from yard.transforms import plan_of, read_object

    spec = _job(job)
    if sum(one is not None for one in (url, model, endpoint)) > 1:
        raise UserError("--url, --model and --endpoint exclude each other.", "Name one container.", code=Exit.USAGE)
    try:
        data = read_object(file, spec.input.compression)
        with _container(spec, url, model, endpoint) as ask:
            trip = travel(data, plan_of(spec), number, ask)
    except TransformError as error:
        raise UserError(f"The record fails, and with it its object: {error}.") from None
    steps = {"record": trip.record, "sent": trip.sent, "answer": trip.answer, "joined": trip.joined}
    shown = {name: _text(value) for name, value in {**steps, "result": trip.result}.items() if value is not None}
    emit_facts(shown, as_json=as_json)
    if trip.answer is None:
        say("This is what the model gets. For its answer: --model DIR, --url ADDRESS or --endpoint NAME")


def _job(name: str) -> "TransformSpec":
    from shardyard.spec.jobs.transform.transform import TransformSpec

    spec = find_project().job(name)
    if not isinstance(spec, TransformSpec):
        raise UserError(f"{name} is {spec.what}, not a transform job.", 'Name a file with kind = "transform"')
    return spec


def _container(
    spec: "TransformSpec", url: str | None, model: Path | None, endpoint: str | None
) -> AbstractContextManager[Callable[[bytes], bytes] | None]:
    from yard.transforms import at_endpoint, at_url, started

    headers = spec.input.content_type, spec.output.accept
    if url is not None:
        return nullcontext(at_url(url, *headers, seconds=_SECONDS))
    if model is not None:
        return started(spec, find_project().root, model, seconds=_SECONDS)
    if endpoint is not None:
        from yard.aws import Aws

        return nullcontext(at_endpoint(Aws(find_project()), endpoint, *headers))
    return nullcontext()


def _text(value: bytes) -> str:
    """As people read it; what is no text, by its size."""
    try:
        return value.decode().removesuffix("\n")
    except UnicodeDecodeError:
        return f"{len(value)} bytes that are no text"


def register(main: typer.Typer) -> None:
    """Put these commands on the app."""
    main.add_typer(app, name="transform")
