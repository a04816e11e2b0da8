"""Who launched what, with which code and data: from executions, receipts, the jobs themselves and CloudTrail."""

import json
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from shardyard.spec import names, receipts
from shardyard.spec.catalogue.service_jobs import AUTOML, PROCESSING, TRAINING, TRANSFORM
from shardyard.spec.run_ids import given_run_id, run_id_of
from yard.aws import Aws
from yard.runs.trail import Trail

_THREADS = 16
BY_TRAIL = "CloudTrail"
BY_WORD = "its own word"
"""What `yard train` wrote into the launch: whoever may launch could have written something else."""
BY_NOTHING = "nothing"


@dataclass(frozen=True, kw_only=True, slots=True)
class Launched:
    """One launch, or a training or processing job of the project that no launch made."""

    started: datetime
    job: str | None
    run: str | None
    owner: str | None
    launched_by: str | None
    known_by: str
    """What says who launched: `CloudTrail`, `its own word` or `nothing`."""
    git_commit: str | None = None
    git_dirty: bool | None = None
    source_sha256: str | None = None
    """The bundle of the job's own code."""
    image_digest: str | None = None
    data: tuple[Mapping[str, Any], ...] = ()
    """Each channel's place, number of objects and fingerprint, as preflight saw them."""
    status: str
    cost_usd: float | None = None
    execution: str | None = None
    training_job: str | None = None
    """Of a training job that no launch made."""
    processing_job: str | None = None
    """Of a processing job that no launch made."""
    transform_job: str | None = None
    """Of a transform job that no launch made."""
    automl_job: str | None = None
    """Of an AutoML job that no launch made."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Sources:
    """What was read from the account."""

    aws: Aws
    trail: Trail
    receipts: Mapping[str, Mapping[str, Any]]
    """By run id."""
    seen: set[str] = field(default_factory=set)
    """The run ids that a launch was found for."""


def launches(aws: Aws, since: datetime, trail: Trail) -> list[Launched]:
    """Every launch since then, the newest first."""
    executions = list(_executions(aws, since))
    wanted = {_run_id(one) for one in executions} | set(_runs_with_results(aws, since))
    sources = _Sources(aws=aws, trail=trail, receipts=_receipts(aws, sorted(wanted)))
    found = [_of_execution(one, sources) for one in executions]
    found += [_of_receipt(run, one) for run, one in sources.receipts.items() if run not in sources.seen]
    found += list(_outside(aws, since, sources))
    return sorted(found, key=lambda one: one.started, reverse=True)


def _executions(aws: Aws, since: datetime) -> Iterator[Mapping[str, Any]]:
    states, settings = aws.client("stepfunctions"), aws.project.settings
    ours = {"project": settings.project, "stage": settings.stage}
    prefix = names.state_machine_name(settings.project, settings.stage, "")
    for page in states.get_paginator("list_state_machines").paginate():
        for machine in page["stateMachines"]:
            if machine["name"].startswith(prefix):
                arn = machine["stateMachineArn"]
                tags = {tag["key"]: tag["value"] for tag in states.list_tags_for_resource(resourceArn=arn)["tags"]}
                if ours.items() <= tags.items():  # a prefix may be another project's too
                    job, _ = names.launched_by(machine["name"].removeprefix(prefix))
                    yield from ({**one, "job": job, "owner": tags.get("owner")} for one in _of_machine(aws, arn, since))


def _of_machine(aws: Aws, arn: str, since: datetime) -> Iterator[Mapping[str, Any]]:
    """Executions come newest first, so that the first one that is too old ends the search."""
    states = aws.client("stepfunctions")
    for page in states.get_paginator("list_executions").paginate(stateMachineArn=arn):
        for execution in page["executions"]:
            if execution["startDate"] < since:
                return
            yield states.describe_execution(executionArn=execution["executionArn"])


def _input(execution: Mapping[str, Any]) -> Mapping[str, Any]:
    """The launch's input; empty where somebody started the machine with something else."""
    try:
        given = json.loads(execution.get("input", "{}"))
    except (ValueError, RecursionError):
        return {}
    return given if isinstance(given, Mapping) else {}


def _run_id(execution: Mapping[str, Any]) -> str:
    return run_id_of(execution["executionArn"], execution["startDate"], given_run_id(execution.get("input")))


def _runs_with_results(aws: Aws, since: datetime) -> Iterator[str]:
    """The ids of runs that left something, which begin with their time."""
    pages = aws.client("s3").get_paginator("list_objects_v2")
    after = names.run_prefix(f"{since:%Y%m%d-%H%M%S}").rstrip("/")
    for page in pages.paginate(Bucket=aws.artifact_bucket(), Prefix="runs/", Delimiter="/", StartAfter=after):
        for one in page.get("CommonPrefixes", ()):
            yield one["Prefix"].split("/")[1]


def _receipts(aws: Aws, run_ids: list[str]) -> dict[str, Mapping[str, Any]]:
    s3, bucket = aws.client("s3"), aws.artifact_bucket()

    def read(run_id: str) -> Mapping[str, Any] | None:
        try:
            body = s3.get_object(Bucket=bucket, Key=names.receipt_key(run_id))["Body"]
        except s3.exceptions.NoSuchKey:
            return None
        return receipts.read(body.read(receipts.MOST_BYTES + 1))

    with ThreadPoolExecutor(_THREADS) as pool:
        answers = zip(run_ids, pool.map(read, run_ids), strict=True)
        return {run_id: receipt for run_id, receipt in answers if receipt is not None}


def _of_execution(execution: Mapping[str, Any], sources: _Sources) -> Launched:
    run_id, given = _run_id(execution), _input(execution)
    sources.seen.add(run_id)
    receipt = sources.receipts.get(run_id, {})
    by, known_by = _who(sources.trail.who_started(execution["executionArn"]), given.get("launched_by"))
    return Launched(
        started=execution["startDate"],
        job=execution["job"],
        run=run_id,
        owner=execution["owner"] if receipt.get("owner") is None else receipt["owner"],
        launched_by=by,
        known_by=known_by,
        git_commit=given.get("git_commit", receipt.get("git_commit")),
        git_dirty=given.get("git_dirty", receipt.get("git_dirty")),
        source_sha256=given.get("source_sha256", receipt.get("source_sha256")),
        image_digest=receipt.get("image", {}).get("digest"),
        data=tuple(receipt.get("data", ())),
        status="refused" if execution.get("error") == "Refused" else execution["status"].lower(),
        cost_usd=receipt.get("cost_usd"),
        execution=execution["executionArn"],
    )


def _who(seen: str | None, said: Any) -> tuple[str | None, str]:
    if seen is not None:
        return seen, BY_TRAIL
    return (said, BY_WORD) if isinstance(said, str) else (None, BY_NOTHING)


def _of_receipt(run_id: str, receipt: Mapping[str, Any]) -> Launched:
    """A run whose execution is gone: with its job's machine, or after 90 days."""
    by, known_by = _who(None, receipt.get("launched_by"))
    return Launched(
        started=_started(run_id, receipt),
        job=receipt["job"],
        run=run_id,
        owner=receipt.get("owner"),
        launched_by=by,
        known_by=known_by,
        git_commit=receipt.get("git_commit"),
        git_dirty=receipt.get("git_dirty"),
        source_sha256=receipt.get("source_sha256"),
        image_digest=receipt.get("image", {}).get("digest"),
        data=tuple(receipt.get("data", ())),
        status=str(receipt["outcome"]).lower(),
        cost_usd=receipt.get("cost_usd"),
    )


def _started(run_id: str, receipt: Mapping[str, Any]) -> datetime:
    """As the receipt says, or else as most run ids do."""
    for text in (receipt["started"], run_id[:15].replace("-", "T")):
        try:
            found = datetime.fromisoformat(text)
        except ValueError:
            continue
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found
    return datetime.fromtimestamp(0, UTC)


def _outside(aws: Aws, since: datetime, sources: _Sources) -> Iterator[Launched]:
    """Jobs with the project's tags that no launch made: by a notebook, a script, the console."""
    client, settings = aws.client("sagemaker"), aws.project.settings
    ours = {"project": settings.project, "stage": settings.stage}
    for of in (TRAINING, PROCESSING, TRANSFORM, AUTOML):
        for page in client.get_paginator(f"list_{of.method}s").paginate(CreationTimeAfter=since):
            for job in page[f"{of.resource}Summaries"]:
                name = job[of.name_field]
                if any(f"-{run}-" in name for run in (*sources.seen, *sources.receipts)):
                    continue
                answer = client.list_tags(ResourceArn=job[of.arn_field])
                tags = {tag["Key"]: tag["Value"] for tag in answer["Tags"]}
                if ours.items() <= tags.items():
                    by, known_by = _who(sources.trail.who_made(name, of), None)
                    yield Launched(
                        started=job["CreationTime"],
                        job=tags.get("job"),
                        run=tags.get("run"),
                        owner=tags.get("owner"),
                        launched_by=by,
                        known_by=known_by,
                        status=job[of.status_field].lower(),
                        training_job=name if of is TRAINING else None,
                        processing_job=name if of is PROCESSING else None,
                        transform_job=name if of is TRANSFORM else None,
                        automl_job=name if of is AUTOML else None,
                    )
