"""The user's code for a launch: bundled, uploaded only if it has changed, and of which commit it is."""

import hashlib
import subprocess
from pathlib import Path
from typing import Any

from shardyard.spec import names
from shardyard.spec.jobs.launched import LaunchedSpec
from yard.aws import Aws
from yard.output import say
from yard.project import Project

_LARGEST_DIFF = 1_000_000


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


def git_diff(project: Project, spec: LaunchedSpec) -> bytes:
    """What differs from the commit in the files that make a run: code, job, settings and image; empty without git."""
    made_of = [f"{project.settings.training.jobs}/{spec.name}.toml", "cdk.json"]
    made_of += [] if spec.source is None else [spec.source.dir]
    folder = getattr(getattr(spec, "image", None), "folder", None)
    made_of += [] if folder is None else [f"containers/{folder}"]
    # Programs that a person has set up to show or to convert differences stay out of it
    found = _git_bytes(project.root, "diff", "--no-ext-diff", "--no-textconv", "--no-color", "HEAD", "--", *made_of)
    if found is None or len(found) <= _LARGEST_DIFF:
        return found or b""
    return found[:_LARGEST_DIFF] + b"\n(cut: the rest is in the code that was uploaded)\n"


def keep_diff(aws: Aws, run_id: str, spec: LaunchedSpec) -> None:
    """Lay what differed from the commit beside the run's receipt; a launch does not fail for want of it."""
    from botocore.exceptions import ClientError

    difference = git_diff(aws.project, spec)
    if not difference:
        return
    key, s3 = names.difference_key(run_id), aws.client("s3")
    try:
        s3.put_object(Bucket=aws.artifact_bucket(), Key=key, Body=difference, ContentType="text/x-diff")
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("AccessDenied", "AccessDeniedException"):
            raise
        say(f"What differs from the commit is not kept: you may not write {key}.")


def read_diff(aws: Aws, run_id: str) -> str | None:
    """What differed from the commit when a run was launched; None where nothing was kept."""
    from botocore.exceptions import ClientError

    try:
        found = aws.client("s3").get_object(Bucket=aws.artifact_bucket(), Key=names.difference_key(run_id))
    except ClientError as error:
        if error.response["Error"]["Code"] in ("NoSuchKey", "404"):
            return None
        raise
    return str(found["Body"].read(2 * _LARGEST_DIFF).decode(errors="replace"))


def _git(root: Path, *arguments: str) -> str | None:
    found = _git_bytes(root, *arguments)
    return None if found is None else found.decode(errors="replace").strip()


def _git_bytes(root: Path, *arguments: str) -> bytes | None:
    try:
        found = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True)
    except FileNotFoundError:
        return None
    return found.stdout if found.returncode == 0 else None
