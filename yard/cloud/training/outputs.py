"""What a job leaves in S3: its model and its output data, packed as the service packs them."""

import tarfile
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from yard.cloud.training.job import TrainingJob
from yard.cloud.training.locations import Location

FAILURE_CHARACTERS = 1024


def upload(client: Any, job: TrainingJob, nodes: Sequence[Path], *, with_model: bool) -> None:
    """Upload /opt/ml/model (if the job came so far) and /opt/ml/output/data of all nodes, merged."""
    config = job.request["OutputDataConfig"]
    base = Location.parse(config["S3OutputPath"]).below(f"{job.name}/output")
    packed = config.get("CompressionType", "GZIP") == "GZIP"
    extra = _encryption(config)
    if with_model:
        target = base.below("model.tar.gz" if packed else "model")
        _send(client, [ml / "model" for ml in nodes], target, packed, extra)
        job.model_artifacts = str(target) if packed else f"{target}/"
    data = [ml / "output" / "data" for ml in nodes]
    if any(_files(folder) for folder in data):
        _send(client, data, base.below("output.tar.gz" if packed else "data"), packed, extra)


def failure_text(ml: Path) -> str:
    """The first 1024 characters of a node's failure file; empty if it left none."""
    path = ml / "output" / "failure"
    if not path.is_file():
        return ""
    with path.open(errors="replace") as file:
        return file.read(FAILURE_CHARACTERS)


def _encryption(config: dict[str, Any]) -> dict[str, str]:
    key = config.get("KmsKeyId")
    return {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key} if key else {}


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file()) if folder.is_dir() else []


def _merged(folders: Iterable[Path]) -> dict[str, Path]:
    """Every node's files by their path; of those with the same path, the last node's wins."""
    return {str(path.relative_to(folder)): path for folder in folders for path in _files(folder)}


def _send(client: Any, folders: Iterable[Path], target: Location, packed: bool, extra: dict[str, str]) -> None:
    files = _merged(folders)
    if not packed:
        for name, path in files.items():
            client.upload_file(str(path), target.bucket, f"{target.key}/{name}", ExtraArgs=extra)
        return
    with tempfile.TemporaryFile() as archive:
        with tarfile.open(fileobj=archive, mode="w:gz", compresslevel=1) as tar:
            for name, path in sorted(files.items()):
                tar.add(path, arcname=name)
        archive.seek(0)
        client.upload_fileobj(archive, target.bucket, target.key, ExtraArgs=extra)
