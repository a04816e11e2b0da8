"""yard data: upload data to where a job's channel reads it, evenly cut."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from shardyard.spec.errors import nearest
from yard.aws import Aws
from yard.commands.complete import complete_jobs
from yard.errors import Exit, UserError, writing
from yard.output import console, emit_json, emit_rows, say
from yard.project import find_project

if TYPE_CHECKING:
    from shardyard.spec.jobs.automl.data import AutoMLInput
    from shardyard.spec.jobs.data import Channel
    from shardyard.spec.jobs.launched import LaunchedSpec
    from shardyard.spec.jobs.processing.inputs import Input
    from shardyard.spec.jobs.transform.data import TransformInput
    from yard.transfer.data_folder import DataFolder
    from yard.transfer.upload import Item
    from yard.transfer.uploaded import Uploaded

app = typer.Typer(help="Data for the channels of a job.", no_args_is_help=True)

_WARN_PERCENT = 10


@app.command()
def put(
    folder: Path = typer.Argument(help="The folder to upload."),
    job: str = typer.Option(..., "--job", help="The job that will read it.", autocompletion=complete_jobs),
    channel: str = typer.Option(..., "--channel", help="The job's channel: train, validation, test, ..."),
    shards: int | None = typer.Option(
        None, "--shards", help="Pack it into this many balanced tar shards.", min=1, metavar="N"
    ),
    delete: bool = typer.Option(False, "--delete", help="Remove objects there that are not in the folder."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> None:
    """Upload a folder to where a channel reads it.

    Many files at once, each checked by the service against its SHA-256. What has the same SHA-256 there is not sent
    again, so an interrupted upload resumes where it stopped. Hidden files stay here; links out of the folder and names
    that S3 does not take are refused before anything is sent.

    \b
      yard data put digits/train --job mnist-ddp --channel train
      yard data put images --job mnist-ddp --channel train --shards 16 --delete
    """
    import tempfile

    from yard.transfer import data_folder, upload

    aws = Aws(find_project())
    prefix = _prefix(aws.project.job(job), channel)
    if not folder.is_dir():
        raise UserError(f"{folder} is not a folder.")
    given = data_folder.read(folder, prefix)
    if not given.files:
        raise UserError(f"{folder} holds no files{given.told()}.")
    with tempfile.TemporaryDirectory(prefix="yard-shards-") as scratch:
        sent = given if shards is None else _cut(folder, given, shards, prefix, Path(scratch))
        items = upload.plan(sent, prefix)
        bucket = aws.data_bucket()
        there = upload.list_objects(aws.client("s3"), bucket, prefix)
        wanted = _send_missing(aws, items, prefix, there)
    location, others = f"s3://{bucket}/{prefix}", sorted(there.keys() - {item.key for item in items})
    if delete:
        upload.delete(aws.client("s3"), bucket, others)
    if as_json:
        counts = {"files": len(items), "bytes": sum(item.size for item in items), "sent": wanted}
        counts["left_out"] = len(given.left_out)
        emit_json({"to": location, **counts, "others": others, "others_deleted": delete and bool(others)})
    say(f"{location}: {_sent(wanted, len(items))}{given.told()}.")
    if others:
        say(
            f"{len(others)} others were removed."
            if delete
            else f"{len(others)} other objects lie there, such as {others[0]}, and the job reads them too; "
            "remove them with --delete."
        )


@app.command()
def sample(
    job: str = typer.Argument(help="A job of a program that ships.", autocompletion=complete_jobs),
    folder: Path = typer.Argument(Path(".yard/sample"), metavar="[DIR]", help="Where to write it."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> None:
    """Make data to try a job with, and upload it.

    Real handwritten digits for mnist, made-up events for linear: written in the environment of the job's image, which
    has what that takes, and put where the job's channels read.

    \b
      yard data sample mnist-ddp
      yard data sample linear-sharded events --json
    """
    from yard import sample_data
    from yard.transfer import data_folder, upload

    aws = Aws(find_project())
    spec = aws.project.job(job)
    place = folder / job
    sample_data.make(aws.project.root, spec, place)
    bucket, s3 = aws.data_bucket(), aws.client("s3")
    written = {}
    for name in sample_data.places(spec):
        prefix = _prefix(spec, name)
        items = upload.plan(data_folder.read(place / name, prefix), prefix)
        wanted = _send_missing(aws, items, prefix, upload.list_objects(s3, bucket, prefix))
        written[name] = f"s3://{bucket}/{prefix}"
        say(f"{written[name]}: {_sent(wanted, len(items))}.")
    if as_json:
        emit_json({"job": job, "folder": place, "channels": written})


def _sent(sent: int, of: int) -> str:
    if sent == of:
        return f"all {of} files sent" if of > 1 else "the file was sent"
    return f"{sent} of {of} files sent, the others were there already" if sent else "everything was there already"


@app.command("balance")
def show_balance(
    job: str = typer.Option(..., "--job", help="The job that reads it, or writes it.", autocompletion=complete_jobs),
    channel: str = typer.Option(..., "--channel", help="The job's channel, or a processing job's output."),
    count: int | None = typer.Option(
        None, "--count", "--nodes", help="For this many nodes; by default the job's number.", min=1, metavar="N"
    ),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> None:
    """Show each node's share of a channel, or of an output.

    SageMaker deals the objects of a channel that is sharded by key to the nodes in turn.

    \b
      yard data balance --job linear-sharded --channel train --count 4
      yard data balance --job digits-prepare --channel test
    """
    from yard import sample_data
    from yard.runs import balance
    from yard.transfer import upload

    aws = Aws(find_project())
    spec = aws.project.job(job)
    output = None if channel in sample_data.places(spec) else sample_data.written(spec, channel)
    prefix = _prefix(spec, channel) if output is None else output
    bucket = aws.data_bucket()
    found = [(one["Key"], one["Size"]) for one in upload.objects(aws.client("s3"), bucket, prefix)]
    if not found:
        raise UserError(
            f"There is nothing under s3://{bucket}/{prefix}.",
            f"Upload it: yard data put DIR --job {job} --channel {channel}"
            if output is None
            else f"Let it be written: yard run {job}",
        )
    dealt = balance.shares(found, spec.compute.most_instances if count is None else count)
    # a transform job deals its objects out in any case, and of an output it is to be seen how it would be dealt out
    read = None if output is not None else _channel(spec, channel)
    distribution = getattr(read, "distribution", "ShardedByS3Key")
    if distribution != "ShardedByS3Key":
        say(f"The channel {channel!r} is {distribution}: every node gets all of it. Sharded by key, it would be:")
    rows = [{"node": share.node, "objects": share.objects, "bytes": share.size} for share in dealt]
    emit_rows(rows, ("node", "objects", "bytes"), as_json=as_json, empty="")
    percent = balance.imbalance_percent(dealt)
    warning = "; cut it again: yard data put --shards N" if percent > _WARN_PERCENT else ""
    say(f"The fullest node gets {percent:.1f} percent more than the mean{warning}.")


def _cut(folder: Path, given: "DataFolder", shards: int, prefix: str, scratch: Path) -> "DataFolder":
    from yard.runs import balance
    from yard.transfer import data_folder

    found = balance.samples(given.files)
    if len(found) < shards:
        raise UserError(f"{folder} holds {len(found)} samples, which is too few for {shards} shards.")
    with writing(scratch):
        for path in balance.write_shards(found, shards, scratch):
            say(f"{path.name}: {path.stat().st_size / 1e6:.1f} MB")
    return data_folder.read(scratch, prefix)


def _channel(job: "LaunchedSpec", channel: str) -> "Channel | Input | TransformInput | AutoMLInput":
    """A channel of a training job, or an input of another."""
    from yard.sample_data import places

    known = places(job)
    if channel not in known:
        word = "channel" if job.kind == "training" else "input"
        raise UserError(f"The job {job.name!r} has no {word} {channel!r}; {nearest(channel, list(known))}")
    return known[channel]


def _prefix(job: "LaunchedSpec", channel: str) -> str:
    found = _channel(job, channel)
    elsewhere = getattr(found, "bucket", "data") != "data"
    if found.s3 is None or found.s3.startswith("s3://") or found.type != "S3Prefix" or elsewhere:
        source = f"reads {found.s3} as {found.type}" if found.s3 is not None else "does not read from S3"
        raise UserError(
            f"The channel {channel!r} of {job.name!r} {source}, so its data does not belong in the project's bucket.",
            f"Set [channels.{channel}] s3 to a prefix such as {job.name}/{channel}/.",
        )
    return found.s3 if found.s3.endswith("/") else f"{found.s3}/"


def _send_missing(aws: Aws, items: "list[Item]", prefix: str, there: "Mapping[str, Mapping[str, Any]]") -> int:
    """Send what is not there, and return how many files that were."""
    from yard.transfer import upload
    from yard.transfer.uploaded import Uploaded

    bucket, s3 = aws.data_bucket(), aws.client("s3")
    uploaded = Uploaded.of(aws.project.root / ".yard", bucket, prefix)
    wanted = upload.missing(s3, bucket, items, there, uploaded)
    _send_with_progress(s3, bucket, wanted, uploaded)
    return len(wanted)


def _send_with_progress(s3: object, bucket: str, items: "list[Item]", uploaded: "Uploaded") -> None:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    from yard.transfer import upload

    columns, where = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()), console()
    with Progress(*columns, console=where, transient=True, disable=not where.is_terminal) as progress:
        task = progress.add_task("upload", total=len(items))
        try:
            upload.send(s3, bucket, items, uploaded, on_file=lambda item: progress.advance(task))
        except KeyboardInterrupt:
            say(f"Interrupted: {progress.tasks[0].completed:.0f} of {len(items)} files sent. Run it again to continue.")
            raise typer.Exit(Exit.INTERRUPTED) from None


def register(main: typer.Typer) -> None:
    """Put these commands on the app."""
    main.add_typer(app, name="data")
