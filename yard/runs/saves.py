"""What of a run's checkpoints is in S3: where a resumed run begins, as far as their names tell."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from contract.saves import MANIFEST, RANK, SAVE
from shardyard.spec import names
from yard.aws import Aws

if TYPE_CHECKING:
    from shardyard.spec.jobs.data import Checkpoints

_MOST_PAGES = 20
"""Of a thousand names each: a run that keeps more is not looked through for a sentence."""


def checkpoints_of(job: object) -> "Checkpoints | None":
    """How a job keeps checkpoints; None for a kind of job that has none."""
    return getattr(job, "checkpoints", None)


def keeps_checkpoints(job: object) -> bool:
    """Whether a run of the job can be resumed."""
    found = checkpoints_of(job)
    return found is not None and found.enabled


def where_it_begins(aws: Aws, job: str, run_id: str) -> str:
    """One sentence about the step from which a run goes on."""
    kept = checkpoints_of(aws.project.job(job))
    place = None if kept is None else kept.s3
    bucket, prefix = aws.artifact_bucket(), names.checkpoint_prefix(aws.project.deployed_name(job), run_id)
    if place is not None:
        bucket, _, prefix = place.removeprefix("s3://").partition("/")
    pages = aws.client("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    keys: list[str] = []
    for number, page in enumerate(pages):
        if number == _MOST_PAGES:
            return f"It goes on from what lies in s3://{bucket}/{prefix}."
        keys += [entry["Key"] for entry in page.get("Contents", [])]
    if not keys:
        return f"No checkpoint of it is in s3://{bucket}/{prefix}: it begins anew, at step 0."
    step = newest_step(keys)
    if step is None:
        return f"It has {len(keys)} files of its own in s3://{bucket}/{prefix}; its program knows the step."
    return f"It goes on from step {step}, or from an earlier save if one there is damaged."


def newest_step(keys: Iterable[str]) -> int | None:
    """The newest step of which every rank's part is there, for whose name it is known; None for files of others."""
    ranks: dict[tuple[int, int], set[int]] = {}
    for key in keys:
        parts = key.split("/")
        found = [match for match in map(SAVE.fullmatch, parts) if match is not None]
        rank = next((match for match in map(RANK.fullmatch, parts) if match is not None), None)
        if found and rank is not None and parts[-1] == MANIFEST:
            ranks.setdefault((int(found[-1][1]), int(found[-1][2])), set()).add(int(rank[1]))
    if not ranks:
        return None
    # The one that is on its way has fewer parts than those before it
    most = max(len(parts) for parts in ranks.values())
    return max(step for (step, _), parts in ranks.items() if len(parts) == most)
