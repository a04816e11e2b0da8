"""Where the event logs of a Spark job lie, and their way to this machine."""

import posixpath
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from yard.aws import Aws
from yard.errors import UserError

_OPTION = "--local-spark-event-logs-dir"
_DEFAULT = "/opt/ml/processing/spark-events"


def find(aws: Aws, named: str) -> tuple[str, str]:
    """The newest processing job that has this in its name, and the prefix of its event logs in S3."""
    sagemaker = aws.client("sagemaker")
    found = sagemaker.list_processing_jobs(
        NameContains=named, SortBy="CreationTime", SortOrder="Descending", MaxResults=1
    )["ProcessingJobSummaries"]
    if not found:
        raise UserError(
            f"No processing job has {named!r} in its name.", "List them: aws sagemaker list-processing-jobs"
        )
    name = str(found[0]["ProcessingJobName"])
    return name, prefix(sagemaker.describe_processing_job(ProcessingJobName=name))


def prefix(described: Mapping[str, Any]) -> str:
    """The S3Uri of the output that the event logs of a described job go to."""
    app = described["AppSpecification"]
    words = [*app.get("ContainerEntrypoint", ()), *app.get("ContainerArguments", ())]
    folder = words[words.index(_OPTION) + 1] if _OPTION in words[:-1] else _DEFAULT
    for output in described.get("ProcessingOutputConfig", {}).get("Outputs", ()):
        s3 = output.get("S3Output", {})
        if posixpath.normpath(s3.get("LocalPath", "/")) == posixpath.normpath(folder):
            return str(s3["S3Uri"])
    raise UserError(
        f"{described['ProcessingJobName']} has no output from {folder}, so its event logs were lost with its nodes.",
        f"Give it one, with smspark-submit {_OPTION} {folder}; the SageMaker SDK does with spark_event_logs_s3_uri.",
    )


def download(aws: Aws, uri: str, folder: Path) -> list[str]:
    """Fetch the event logs below a prefix; their names."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    start = key.rstrip("/") + "/" if key else ""
    s3 = aws.client("s3")
    names = []
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=start):
        for entry in page.get("Contents", ()):
            name = entry["Key"].removeprefix(start)
            # a log is one file; what begins with a dot was on its way when it was uploaded
            if name and "/" not in name and not name.startswith("."):
                s3.download_file(bucket, entry["Key"], str(folder / name))
                names.append(name)
    if not names:
        raise UserError(
            f"There are no event logs below {uri}.",
            "They come while the program runs, and all of them by its end: look again then.",
        )
    return names
