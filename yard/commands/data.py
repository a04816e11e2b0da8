"""yard data: bring data to where a job's channel reads it, evenly."""

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from shardyard.spec.errors import nearest
from yard import balance, upload
from yard.aws import Aws
from yard.errors import UserError
from yard.output import console, emit_json, emit_rows, say
from yard.project import find_project

if TYPE_CHECKING:
    from shardyard.spec.job import JobSpec
    from shardyard.spec.job_data import Channel

app = typer.Typer(help="Data for the channels of a job.", no_args_is_help=True)

_WARN_PERCENT = 10


@app.command()
def put(
    folder: Path = typer.Argument(help="The folder to upload."),
    job: str = typer.Option(..., "--job", help="The job that will read it."),
    channel: str = typer.Option(..., "--channel", help="The job's channel: train, validation, test, ..."),
    shards: int | None = typer.Option(None, "--shards", help="Cut it into so many balanced tar shards.", min=1),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> None:
    """Upload a folder to a channel's place; what is there already is not sent again."""
    aws = Aws(find_project())
    prefix = _prefix(aws.project.job(job), channel)
    if not folder.is_dir():
        raise UserError(f"{folder} is not a folder.")
    with tempfile.TemporaryDirectory(prefix="yard-shards-") as scratch:
        items = upload.plan(_cut(folder, shards, Path(scratch)), prefix)
        if not items:
            raise UserError(f"{folder} holds no files.")
        bucket, s3 = aws.data_bucket(), aws.client("s3")
        wanted = upload.missing(s3, bucket, prefix, items)
        _send_with_progress(s3, bucket, wanted)
    if as_json:
        emit_json({"to": f"s3://{bucket}/{prefix}", "files": len(items), "sent": len(wanted)})
    say(f"s3://{bucket}/{prefix}: {len(wanted)} of {len(items)} files sent, the others were there already.")


@app.command("balance")
def show_balance(
    job: str = typer.Option(..., "--job", help="The job that reads it."),
    channel: str = typer.Option(..., "--channel", help="The job's channel."),
    nodes: int | None = typer.Option(None, "--nodes", help="For so many nodes; by default the job's.", min=1),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> None:
    """Say what each node would get of a channel that is sharded by key."""
    aws = Aws(find_project())
    spec = aws.project.job(job)
    prefix = _prefix(spec, channel)
    bucket = aws.data_bucket()
    found = [(one["Key"], one["Size"]) for one in upload.objects(aws.client("s3"), bucket, prefix)]
    if not found:
        raise UserError(f"There is nothing under s3://{bucket}/{prefix}.", f"Upload it: yard data put DIR --job {job}")
    dealt = balance.shares(found, spec.compute.most_instances if nodes is None else nodes)
    rows = [{"node": share.node, "objects": share.objects, "bytes": share.size} for share in dealt]
    emit_rows(rows, ("node", "objects", "bytes"), as_json=as_json, empty="")
    percent = balance.imbalance_percent(dealt)
    warning = "; cut it again: yard data put --shards N" if percent > _WARN_PERCENT else ""
    say(f"The fullest node gets {percent:.1f} percent more than the mean{warning}.")
    distribution = _channel(spec, channel).distribution
    if distribution != "ShardedByS3Key":
        say(f"The channel {channel!r} is {distribution}: as it stands, every node gets all of it.")


def _cut(folder: Path, shards: int | None, scratch: Path) -> Path:
    if shards is None:
        return folder
    count = len(balance.samples(folder))
    if count < shards:
        raise UserError(f"{folder} holds {count} samples, which is too few for {shards} shards.")
    for path in balance.write_shards(folder, shards, scratch):
        say(f"{path.name}: {path.stat().st_size / 1e6:.1f} MB")
    return scratch


def _channel(job: "JobSpec", channel: str) -> "Channel":
    if channel not in job.channels:
        raise UserError(f"The job {job.name!r} has no channel {channel!r}; {nearest(channel, list(job.channels))}")
    return job.channels[channel]


def _prefix(job: "JobSpec", channel: str) -> str:
    place = _channel(job, channel).s3
    if place is None or place.startswith("s3://"):
        raise UserError(
            f"The channel {channel!r} of {job.name!r} does not read from the project's data bucket.",
            f"Set [channels.{channel}] s3 to a prefix such as {job.name}/{channel}/.",
        )
    return place


def _send_with_progress(s3: object, bucket: str, items: list[upload.Item]) -> None:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console(stderr=True), transient=True) as progress:
        task = progress.add_task("upload", total=len(items))
        upload.send(s3, bucket, items, on_file=lambda item: progress.advance(task))


def register(main: typer.Typer) -> None:
    """Put these commands on the app."""
    main.add_typer(app, name="data")
