"""The user's code for a launch: bundled, uploaded only if it has changed, and of which commit it is."""

import hashlib
import subprocess
from pathlib import Path
from typing import Any

from shardyard.spec import names
from shardyard.spec.jobs.launched import LaunchedSpec
from yard.aws import Aws
from yard.output import say


def upload_source(aws: Aws, spec: LaunchedSpec) -> str | None:
    """Upload the job's [source] bundle unless it is there; return its hash, or None for a job without one."""
    from botocore.exceptions import ClientError

    from shardyard.spec.jobs.code.bundle import bundle
    from shardyard.spec.jobs.code.files import source_files

    if spec.source is None:
        return None
    code = source_files(aws.project.root, spec.source.dir)
    packed = bundle(code)
    sha256 = hashlib.sha256(packed).hexdigest()
    bucket, key, s3 = aws.artifact_bucket(), names.source_key(sha256), aws.client("s3")
    try:
        s3.head_object(Bucket=bucket, Key=key)
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("404", "NoSuchKey", "NotFound"):
            raise
        s3.put_object(Bucket=bucket, Key=key, Body=packed, ChecksumAlgorithm="SHA256")
        say(f"Uploaded {spec.source.dir} as {sha256[:12]} ({code}).")
    return sha256


def git_state(root: Path) -> dict[str, Any]:
    """The project's commit and whether its files differ from it, as the launch input names them; empty without git."""
    commit = _git(root, "rev-parse", "HEAD")
    changes = _git(root, "status", "--porcelain", "--", ".")
    if commit is None or changes is None:
        return {}
    return {"git_commit": commit, "git_dirty": changes != ""}


def _git(root: Path, *arguments: str) -> str | None:
    try:
        found = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, text=True)
    except FileNotFoundError:
        return None
    return found.stdout.strip() if found.returncode == 0 else None
