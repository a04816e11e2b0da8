"""How a run began, as the first lines of its first node tell: with which frameworks, and at which step."""

from collections.abc import Iterable, Mapping
from typing import Any

from contract.images import VERSIONS_LINE
from shardyard.spec.catalogue.service_jobs import TRAINING
from yard.aws import Aws
from yard.runs import jobs, runs
from yard.runs.logs import Line, Tail, reader_of

_LINES_MOST = 2000
"""A program that has not reported anything by then is not waited for."""
_COUNTERS = ("step", "epoch")


def versions(lines: Iterable[Line]) -> dict[str, str]:
    """Python and the frameworks by their names, of the last start that told them."""
    told = [line.text.removeprefix(VERSIONS_LINE) for line in lines if line.text.startswith(VERSIONS_LINE)]
    pairs = [one.rpartition(" ") for one in told[-1].split(", ")] if told else []
    return {name: version for name, _, version in pairs if name}


def first_report(lines: Iterable[Line], described: Mapping[str, Any]) -> dict[str, float]:
    """The step that a program reported first, else the epoch; empty if it reported neither."""
    reader, epoch = reader_of(described), dict[str, float]()
    for line in lines:
        metrics = line.metrics(reader)
        if "step" in metrics:
            return {"step": metrics["step"]}
        if not epoch and "epoch" in metrics:
            epoch = {"epoch": metrics["epoch"]}
    return epoch


def told(aws: Aws, run: runs.Run, receipt: Mapping[str, Any]) -> dict[str, Any]:
    """A receipt with what only the log knows: the frameworks' versions, and where an attempt after another began."""
    attempts = [dict(one) for one in receipt["attempts"]]
    if run.of is not TRAINING or receipt.get("tuning") or not attempts:
        return dict(receipt)
    lines = _head(aws, run, attempts[-1]["name"])
    if len(attempts) > 1:
        attempts[-1]["first_report"] = first_report(lines, jobs.describe(aws, run, attempts[-1]["name"]))
    return {**receipt, "attempts": attempts, "versions": versions(lines)}


def _head(aws: Aws, run: runs.Run, job: str) -> list[Line]:
    """The first lines of a job's first node; none for whoever may not read logs."""
    from botocore.exceptions import ClientError

    try:
        return list(Tail(aws, run.run_id, node=1, log_group=run.of.log_group).head(job, _LINES_MOST))
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("AccessDenied", "AccessDeniedException"):
            raise
        return []
