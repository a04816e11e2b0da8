"""One request to an endpoint: what is sent as what, and where the answer comes from."""

import re
import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from shardyard.spec.endpoints.endpoint import EndpointSpec
from shardyard.spec.requests.endpoints import answer_place
from yard.aws import Aws
from yard.errors import Exit, UserError
from yard.serving.endpoints import service_name

TYPES: Mapping[str, str] = {
    ".csv": "text/csv",
    ".json": "application/json",
    ".jsonl": "application/jsonlines",
    ".npy": "application/x-npy",
    ".npz": "application/x-npz",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".txt": "text/plain",
}
MOST_BYTES = 6_291_456
"""What InvokeEndpoint takes; an asynchronous endpoint takes a gigabyte."""
_MOST_SERVERLESS_BYTES = 4_000_000
_MOST_QUEUED_BYTES = 10**9
_HEADER = re.compile(r"[\x20-\x7e]{1,1024}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """What is sent."""

    body: bytes
    content_type: str
    accept: str = "application/json"
    variant: str | None = None
    target_model: str | None = None

    def __post_init__(self) -> None:
        headers = {
            "--content-type": self.content_type,
            "--accept": self.accept,
            "--variant": self.variant,
            "--target-model": self.target_model,
        }
        bad = [name for name, value in headers.items() if value is not None and not _HEADER.fullmatch(value)]
        if bad:
            said = f"{', '.join(bad)}: 1 to 1024 printable letters of ASCII, which a header can carry, are wanted."
            raise UserError(said, code=Exit.USAGE)

    def fields(self, endpoint_name: str) -> dict[str, Any]:
        """InvokeEndpoint's fields."""
        optional = {"TargetVariant": self.variant, "TargetModel": self.target_model}
        given = {key: value for key, value in optional.items() if value is not None}
        return {
            "EndpointName": endpoint_name,
            "Body": self.body,
            "ContentType": self.content_type,
            "Accept": self.accept,
            **given,
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What came back."""

    body: bytes
    content_type: str
    variant: str
    seconds: float
    headers: Mapping[str, str] = field(default_factory=dict)


def read_body(
    path: Path | None, json_text: str | None, csv_text: str | None, content_type: str | None
) -> tuple[bytes, str]:
    """The body and its type, from exactly one of a file, a JSON text and a CSV text."""
    given = [one for one in (path, json_text, csv_text) if one is not None]
    if len(given) != 1:
        raise UserError("Give one of FILE, --json and --csv: what to send.", code=Exit.USAGE)
    if path is None:
        text, type_ = (json_text, TYPES[".json"]) if json_text is not None else (csv_text, TYPES[".csv"])
        try:
            return str(text).encode(), type_ if content_type is None else content_type
        except UnicodeEncodeError:
            raise UserError("What to send holds bytes that are no text.", "Send it as a FILE.", Exit.USAGE) from None
    known = TYPES.get(path.suffix.lower()) if content_type is None else content_type
    if known is None:
        known_types = ", ".join(TYPES)
        raise UserError(f"{path.name}: the type of its content is not known ({known_types}).", "Give --content-type.")
    with path.open("rb") as file:
        body = file.read(_MOST_QUEUED_BYTES + 1)
    if len(body) > _MOST_QUEUED_BYTES:
        raise UserError(f"{path} has more than {_MOST_QUEUED_BYTES:,} bytes, which no endpoint takes.")
    return body, known


def check_size(spec: EndpointSpec, body: bytes) -> None:
    """Refuse what the service would cut off."""
    most = _MOST_SERVERLESS_BYTES if spec.kind == "serverless" else MOST_BYTES
    if spec.kind != "asynchronous" and len(body) > most:
        raise UserError(
            f"The request has {len(body):,} bytes, and a {spec.kind} endpoint takes {most:,}.",
            'Send less at once, or make the endpoint one of kind = "asynchronous".',
        )


def invoke(aws: Aws, spec: EndpointSpec, request: Request) -> Answer:
    """Send one request and read the whole answer."""
    began = time.perf_counter()
    given = request.fields(service_name(aws.project, spec.name))
    found = aws.client("sagemaker-runtime").invoke_endpoint(**given)
    body = found["Body"].read()
    return Answer(
        body=body,
        content_type=found.get("ContentType", ""),
        variant=found.get("InvokedProductionVariant", ""),
        seconds=time.perf_counter() - began,
    )


def stream(aws: Aws, spec: EndpointSpec, request: Request) -> Iterator[bytes]:
    """Send one request and give each part of the answer as it comes."""
    given = request.fields(service_name(aws.project, spec.name))
    found = aws.client("sagemaker-runtime").invoke_endpoint_with_response_stream(**given)
    for event in found["Body"]:
        if "PayloadPart" in event:
            yield event["PayloadPart"]["Bytes"]
            continue
        ((kind, error),) = event.items()
        raise UserError(
            f"The stream broke off: {kind}: {error.get('Message', '')}", f"See: yard endpoint logs {spec.name}"
        )


def invoke_later(aws: Aws, spec: EndpointSpec, request: Request, *, wait_seconds: float) -> Answer:
    """Put a request into the queue of an asynchronous endpoint, and wait for its answer in S3."""
    place = answer_place(spec)
    address = place if place.startswith("s3://") else f"s3://{aws.artifact_bucket()}/{place}"
    bucket, _, prefix = address.removeprefix("s3://").partition("/")
    key, began = f"{prefix}requests/{uuid.uuid4().hex}", time.perf_counter()
    aws.client("s3").put_object(Bucket=bucket, Key=key, Body=request.body, ContentType=request.content_type)
    found = aws.client("sagemaker-runtime").invoke_endpoint_async(
        EndpointName=service_name(aws.project, spec.name),
        InputLocation=f"s3://{bucket}/{key}",
        ContentType=request.content_type,
        Accept=request.accept,
    )
    while time.perf_counter() - began < wait_seconds:
        answer = _object(aws, found["OutputLocation"])
        if answer is not None:
            return Answer(body=answer, content_type=request.accept, variant="", seconds=time.perf_counter() - began)
        failure = _object(aws, found["FailureLocation"]) if found.get("FailureLocation") else None
        if failure is not None:
            raise UserError(
                f"The request failed: {failure.decode(errors='replace')[:500]}", f"See: yard endpoint logs {spec.name}"
            )
        time.sleep(1)
    raise UserError(
        f"No answer within {wait_seconds:g} seconds; it will lie at {found['OutputLocation']}.",
        f"How the queue stands: yard endpoint status {spec.name}",
    )


def _object(aws: Aws, address: str) -> bytes | None:
    from botocore.exceptions import ClientError

    bucket, _, key = address.removeprefix("s3://").partition("/")
    try:
        body: bytes = aws.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("NoSuchKey", "404"):
            raise
        return None
    return body
