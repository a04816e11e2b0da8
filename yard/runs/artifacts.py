"""What a run left in S3: its model, its output data, its checkpoints; and how they come to this machine."""

import json
import tarfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from shardyard.spec import names
from shardyard.spec.catalogue.service_jobs import AUTOML, PROCESSING, TRANSFORM
from yard.aws import Aws
from yard.errors import UserError
from yard.output import console
from yard.runs import jobs, runs
from yard.runs.saves import checkpoints_of
from yard.transfer import downloads, upload

_THREADS = 8
_SMALLEST_FULL_ARCHIVE = 4096
"""An archive below this may be empty, which only reading it tells."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Artifact:
    """Files of a run under one prefix, or one archive of them."""

    bucket: str
    prefix: str
    """Of the keys; the key itself of an archive."""
    objects: Sequence[dict[str, Any]]
    """As ListObjectsV2 lists them."""

    @property
    def address(self) -> str:
        """Where it is."""
        return f"s3://{self.bucket}/{self.prefix}"

    @property
    def size(self) -> int:
        """Bytes."""
        return sum(one["Size"] for one in self.objects)

    @property
    def newest(self) -> datetime:
        """When the last of it was written."""
        newest: datetime = max(one["LastModified"] for one in self.objects)
        return newest


@dataclass(frozen=True, kw_only=True, slots=True)
class Checkpoint:
    """What a program saved under one name of its checkpoint folder."""

    name: str
    files: Artifact
    is_latest: bool = field(default=False)
    """The one that a resumed run begins from, as far as the program says which."""


def model(aws: Aws, run: runs.Run) -> Artifact:
    """The model of a run that completed: an archive, or files where the job's output is not compressed."""
    for attempt in reversed(runs.attempts(aws, run)):
        if attempt["TrainingJobStatus"] == "Completed":
            name = attempt["TrainingJobName"]
            if run.of is AUTOML:
                return _best_candidate(aws, run, jobs.describe(aws, run, name))
            found = _output(aws, run, name, "model.tar.gz", "model/")
            place = f"{names.run_prefix(run.run_id)}{name}/output/model/"
            return found if found is not None else Artifact(bucket=aws.artifact_bucket(), prefix=place, objects=())
    raise UserError(
        f"The run {run.run_id} of {run.job} has no model: none of its {run.of.noun}s completed.",
        f"See why: yard status {run.run_id}",
    )


def _best_candidate(aws: Aws, run: runs.Run, described: dict[str, Any]) -> Artifact:
    """The archive of the container that answers; SageMaker's others prepare its data."""
    containers = described.get("BestCandidate", {}).get("InferenceContainers", [])
    if not containers:
        raise UserError(
            f"The AutoML job {described['AutoMLJobName']} has completed without a best candidate.",
            f"See what became of its candidates: yard receipt {run.run_id} --json",
        )
    bucket, _, key = containers[-1]["ModelDataUrl"].removeprefix("s3://").partition("/")
    return Artifact(bucket=bucket, prefix=key, objects=list(upload.objects(aws.client("s3"), bucket, key)))


def outputs(aws: Aws, run: runs.Run, name: str | None = None) -> Artifact:
    """What the newest attempt that wrote any left in SM_OUTPUT_DATA_DIR, or one of another run's outputs."""
    if run.of in (AUTOML, PROCESSING, TRANSFORM):
        return _processing_output(aws, run, name)
    for attempt in reversed(runs.attempts(aws, run)):
        found = _output(aws, run, attempt["TrainingJobName"], "output.tar.gz", "data/")
        if found is not None:
            return found
    raise UserError(
        f"The run {run.run_id} of {run.job} has no output data: its program wrote nothing into SM_OUTPUT_DATA_DIR "
        "(/opt/ml/output/data), or it has not ended.",
        f"Its model: yard model get {run.run_id}; its checkpoints: yard checkpoints ls {run.run_id}",
    )


def _processing_output(aws: Aws, run: runs.Run, name: str | None) -> Artifact:
    from shardyard.spec.run_settings import outputs_of

    made = runs.attempts(aws, run)
    places = outputs_of(jobs.describe(aws, run, made[-1]["TrainingJobName"])) if made else {}
    if name is None and len(places) == 1:
        (name,) = places
    if name not in places:
        known = ", ".join(places) if places else "none"
        said = (
            "has several outputs" if name is None and places else f"has no output {name!r}" if name else "has no output"
        )
        raise UserError(f"The run {run.run_id} of {run.job} {said}.", f"Name one with --name: {known}")
    bucket, _, prefix = places[name].removeprefix("s3://").partition("/")
    found = list(upload.objects(aws.client("s3"), bucket, prefix))
    if not found:
        raise UserError(f"There is nothing under {places[name]} yet.", f"How the run stands: yard status {run.run_id}")
    return Artifact(bucket=bucket, prefix=prefix, objects=found)


def _output(aws: Aws, run: runs.Run, training_job: str, archive: str, folder: str) -> Artifact | None:
    bucket, base = aws.artifact_bucket(), f"{names.run_prefix(run.run_id)}{training_job}/output/"
    found = list(upload.objects(aws.client("s3"), bucket, base))
    packed = [one for one in found if one["Key"] == base + archive]
    if packed:
        return Artifact(bucket=bucket, prefix=base + archive, objects=packed)
    plain = [one for one in found if one["Key"].startswith(base + folder)]
    return Artifact(bucket=bucket, prefix=base + folder, objects=plain) if plain else None


def checkpoints(aws: Aws, run: runs.Run) -> list[Checkpoint]:
    """The checkpoints of a run, oldest first, of any program: whatever has a name of its own in the folder."""
    bucket, s3 = aws.artifact_bucket(), aws.client("s3")
    prefix = names.checkpoint_prefix(aws.project.deployed_name(run.job), run.run_id)
    found = list(upload.objects(s3, bucket, prefix))
    inner = f"{prefix}{run.run_id}/"  # where our own programs save
    if found and all(one["Key"].startswith(inner) for one in found):
        prefix = inner
    latest = _latest(s3, bucket, f"{prefix}latest.json", [one["Key"] for one in found])
    groups: dict[str, list[dict[str, Any]]] = {}
    for one in found:
        name = one["Key"].removeprefix(prefix).partition("/")[0]
        if name != "latest.json":
            groups.setdefault(name, []).append(one)
    kept = [
        Checkpoint(name=name, files=Artifact(bucket=bucket, prefix=prefix, objects=objects), is_latest=name == latest)
        for name, objects in groups.items()
    ]
    return sorted(kept, key=lambda one: (one.files.newest, one.name))


def _latest(s3: Any, bucket: str, pointer: str, keys: Sequence[str]) -> str | None:
    """The folder that our own programs' pointer names."""
    if pointer not in keys:
        return None
    try:
        said = json.loads(s3.get_object(Bucket=bucket, Key=pointer)["Body"].read())
        return str(said["folder"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return None  # of another program, which may call its file so


def is_empty(aws: Aws, found: Artifact) -> bool:
    """Whether there is no file in it."""
    if not found.prefix.endswith(".tar.gz") or found.size > _SMALLEST_FULL_ARCHIVE:
        return not found.objects
    body = aws.client("s3").get_object(Bucket=found.bucket, Key=found.prefix)["Body"]
    try:
        with tarfile.open(fileobj=body, mode="r|gz") as packed:
            return not any(entry.isfile() for entry in packed)
    except (tarfile.TarError, EOFError, OSError, zlib.error):
        return False  # broken, which whoever fetches it is told


def fetch(aws: Aws, found: Artifact, folder: Path) -> list[Path]:
    """Bring files here, several at once and with progress, or unpack an archive; return where they lie.

    A file that came before, of the same size and no older, is not fetched again.
    """
    if found.prefix.endswith(".tar.gz"):
        return downloads.unpack(lambda path: _fetch_archive(aws, found, path), folder, found.address)
    wanted = [
        (one, downloads.place(folder, one["Key"].removeprefix(found.prefix), f"s3://{found.bucket}/{one['Key']}"))
        for one in found.objects
    ]
    missing = [(one, path) for one, path in wanted if not _is_here(one, path)]
    with _progress(sum(one["Size"] for one, _ in missing)) as advance, ThreadPoolExecutor(_THREADS) as pool:
        list(pool.map(lambda item: _fetch_one(aws, found.bucket, item[0], item[1], advance), missing))
    return [path for _, path in wanted]


def _fetch_archive(aws: Aws, found: Artifact, path: Path) -> None:
    with _progress(found.size) as advance:
        aws.client("s3").download_file(found.bucket, found.prefix, str(path), Callback=advance)


def _is_here(one: dict[str, Any], path: Path) -> bool:
    if not path.is_file():
        return False
    there = path.stat()
    return bool(there.st_size == one["Size"] and there.st_mtime >= one["LastModified"].timestamp())


def _fetch_one(aws: Aws, bucket: str, one: dict[str, Any], path: Path, advance: Callable[[int], None]) -> None:
    with downloads.whole(path) as file:
        aws.client("s3").download_file(bucket, one["Key"], str(file), Callback=advance)


class _progress:
    """A bar on a terminal's stderr; nothing in a pipe."""

    def __init__(self, total: int) -> None:
        from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn, TransferSpeedColumn

        screen = console()
        columns = (BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
        self._bar = Progress(*columns, console=screen, transient=True, disable=not screen.is_terminal)
        self._task = self._bar.add_task("download", total=total)

    def __enter__(self) -> Callable[[int], None]:
        self._bar.__enter__()
        return lambda count: self._bar.advance(self._task, count)

    def __exit__(self, *raised: Any) -> None:
        self._bar.__exit__(*raised)


def in_words(size: int) -> str:
    """Bytes as people say them."""
    for unit, bytes_per in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if size >= bytes_per:
            return f"{size / bytes_per:.3g} {unit}"
    return f"{size} bytes"


def what_is_missing(aws: Aws, run: runs.Run) -> Iterator[str]:
    """What a run that succeeded did not leave, in sentences; nothing if it left all."""
    if run.of in (AUTOML, PROCESSING, TRANSFORM):
        return
    kept = checkpoints_of(aws.project.job(run.job))
    if is_empty(aws, model(aws, run)):
        yield (
            f"{NO_MODEL.format(run=run.run_id)} Save there what you want to keep: "
            "os.environ['SM_MODEL_DIR'], or SM_OUTPUT_DATA_DIR beside it."
        )
    if kept is not None and kept.enabled and not checkpoints(aws, run):
        yield (
            f"It kept no checkpoint: nothing was written into {kept.local_path}, so an interruption would "
            "have begun it anew."
        )


NO_MODEL = "The model of {run} is empty: its program wrote nothing into SM_MODEL_DIR (/opt/ml/model)."
