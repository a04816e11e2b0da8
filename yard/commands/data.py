"""yard data: bring data to where a job's channel reads it."""

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from shardyard.spec.errors import nearest
from yard import upload
from yard.aws import Aws
from yard.errors import UserError
from yard.output import console, say
from yard.project import find_project

if TYPE_CHECKING:
    from shardyard.spec.job import JobSpec

app = typer.Typer(help="Data for the channels of a job.", no_args_is_help=True)


@app.command()
def put(
    folder: Path = typer.Argument(help="The folder to upload."),
    job: str = typer.Option(..., "--job", help="The job that will read it."),
    channel: str = typer.Option(..., "--channel", help="The job's channel: train, validation, test, ..."),
) -> None:
    """Upload a folder to a channel's place; what is there already is not sent again."""
    aws = Aws(find_project())
    prefix = _prefix(aws.project.job(job), channel)
    if not folder.is_dir():
        raise UserError(f"{folder} is not a folder.")
    items = upload.plan(folder, prefix)
    if not items:
        raise UserError(f"{folder} holds no files.")
    bucket, s3 = aws.data_bucket(), aws.client("s3")
    wanted = upload.missing(s3, bucket, prefix, items)
    _send_with_progress(s3, bucket, wanted)
    say(f"s3://{bucket}/{prefix}: {len(wanted)} of {len(items)} files sent, the others were there already.")


def _prefix(job: "JobSpec", channel: str) -> str:
    channels = dict(job.channels)
    if channel not in channels:
        raise UserError(f"The job {job.name!r} has no channel {channel!r}; {nearest(channel, list(channels))}")
    place = channels[channel].s3
    if place is None or place.startswith("s3://"):
        raise UserError(f"The channel {channel!r} of {job.name!r} does not read from the data bucket.")
    return str(place)


def _send_with_progress(s3: object, bucket: str, items: list[upload.Item]) -> None:
    from rich.progress import BarColumn, DownloadColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    columns = (BarColumn(), MofNCompleteColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console(stderr=True), transient=True) as progress:
        task = progress.add_task("upload", total=len(items))
        upload.send(s3, bucket, items, on_file=lambda item: progress.advance(task))


@app.callback()
def _data() -> None:
    """Keeps `yard data put` a subcommand while it is the only one."""


def register(main: typer.Typer) -> None:
    """Put these commands on the app."""
    main.add_typer(app, name="data")
