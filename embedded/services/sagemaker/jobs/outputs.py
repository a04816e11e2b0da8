"""What a job leaves in S3: its model and its output data, packed as the service packs them."""

import tarfile
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from embedded.nodes.folders import node_files, real_file
from embedded.nodes.locations import Location
from embedded.services.sagemaker.jobs.job import ModelJob

FAILURE_CHARACTERS = 1024


def upload(client: Any, job: ModelJob, nodes: Sequence[Path], *, with_model: bool) -> None:
    """Upload /opt/ml/model (if the job got that far) and /opt/ml/output/data of all nodes, merged."""
    config = job.output
    base = Location.parse(config["S3OutputPath"]).below(f"{job.name}/output")
    packed = config.get("CompressionType", "GZIP") == "GZIP"
    extra = _encryption(config)
    if with_model:
        target = base.below("model.tar.gz" if packed else "model")
        _send(client, _merged(nodes, "model"), target, packed, extra)
        job.model_artifacts = str(target) if packed else f"{target}/"
    data = _merged(nodes, "output/data")
    if data:
        _send(client, data, base.below("output.tar.gz" if packed else "data"), packed, extra)


def failure_text(ml: Path) -> str:
    """The first 1024 characters of a node's failure file; empty if it left none."""
    path = real_file(ml / "output" / "failure", ml)
    if path is None:
        return ""
    with path.open(errors="replace") as file:
        return file.read(FAILURE_CHARACTERS)


def _encryption(config: Mapping[str, Any]) -> dict[str, str]:
    key = config.get("KmsKeyId")
    return {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key} if key else {}


def _merged(nodes: Sequence[Path], part: str) -> dict[str, Path]:
    """Every node's files by their path; of those with the same path, the last node's wins."""
    return {str(path.relative_to(ml / part)): real for ml in nodes for path, real in node_files(ml / part, ml).items()}


def _send(client: Any, files: dict[str, Path], target: Location, packed: bool, extra: dict[str, str]) -> None:
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
