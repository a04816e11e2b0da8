"""Data capture: a sample of requests and answers, as JSON lines in S3, a file for each variant and hour."""

import base64
import json
import logging
import random
import threading
import time
import uuid
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from boto3.exceptions import Boto3Error
from botocore.exceptions import BotoCoreError, ClientError

from embedded.nodes.locations import Location
from embedded.services.sagemaker import execution_role
from embedded.services.sagemaker.serving.containers.http import Answer
from embedded.services.sagemaker.serving.endpoints.endpoint import Endpoint
from embedded.services.sagemaker.serving.fleets.fleet import Fleet
from embedded.services.sagemaker.serving.fleets.generation import Generation
from embedded.services.sagemaker.serving.fleets.plan import FleetPlan
from embedded.services.sagemaker.serving.invocations.request import Inference

_FLUSH_SECONDS = 1.0
"""How soon a file is written; AWS takes minutes."""
log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Target:
    """Where records of one variant go."""

    plan_role: str
    region: str
    prefix: str
    """The S3 URI below which the hours' folders lie."""
    key: str


_waiting: dict[_Target, list[str]] = defaultdict(list)
_lock = threading.Lock()


def note(endpoint: Endpoint, generation: Generation, fleet: Fleet, inference: Inference, answer: Answer) -> None:
    """Take a request with its answer into the sample, if the configuration says so."""
    config = generation.capture
    if config is None or not config.get("EnableCapture"):
        return
    if random.random() * 100 >= config["InitialSamplingPercentage"]:
        return
    line = json.dumps(record(config, inference, answer, now=datetime.now(UTC)), separators=(",", ":"))
    with _lock:
        _waiting[_target(endpoint, config, fleet.plan)].append(line)


def _target(endpoint: Endpoint, config: Mapping[str, Any], plan: FleetPlan) -> _Target:
    return _Target(
        plan_role=plan.model["ExecutionRoleArn"],
        region=endpoint.region,
        prefix=f"{config['DestinationS3Uri'].rstrip('/')}/{endpoint.name}/{plan.name}",
        key=config.get("KmsKeyId", ""),
    )


def record(config: Mapping[str, Any], inference: Inference, answer: Answer, *, now: datetime) -> dict[str, Any]:
    """One line of a capture file."""
    modes = {one["CaptureMode"] for one in config["CaptureOptions"]}
    data: dict[str, Any] = {}
    if modes & {"Input", "InputAndOutput"}:
        data["endpointInput"] = _side(config, "INPUT", inference.content_type, inference.body)
    if modes & {"Output", "InputAndOutput"}:
        data["endpointOutput"] = _side(config, "OUTPUT", answer.headers.get("content-type", ""), answer.body)
    meta = {"eventId": str(uuid.uuid4()), "inferenceTime": now.strftime("%Y-%m-%dT%H:%M:%SZ")}
    if inference.inference_id is not None:
        meta["inferenceId"] = inference.inference_id
    return {"captureData": data, "eventMetadata": meta, "eventVersion": "0"}


def _side(config: Mapping[str, Any], mode: str, content_type: str, body: bytes) -> dict[str, str]:
    """One side of an exchange: as text where its content type is listed, in base 64 otherwise."""
    listed = config.get("CaptureContentTypeHeader", {})
    kind = content_type.partition(";")[0].strip()
    encoding = "BASE64"
    for name, field in (("CSV", "CsvContentTypes"), ("JSON", "JsonContentTypes")):
        if kind in listed.get(field, ()):
            encoding = name
    text = base64.b64encode(body).decode() if encoding == "BASE64" else body.decode(errors="replace")
    return {"observedContentType": content_type, "mode": mode, "data": text, "encoding": encoding}


def flush() -> None:
    """Write what waits, one file for each variant."""
    with _lock:
        found = dict(_waiting)
        _waiting.clear()
    for target, lines in found.items():
        now = datetime.now(UTC)
        name = f"{now:%M-%S}-{now.microsecond // 1000:03d}-{uuid.uuid4()}.jsonl"
        location = Location.parse(f"{target.prefix}/{now:%Y/%m/%d/%H}/{name}")
        sealed = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": target.key} if target.key else {}
        try:
            s3 = execution_role.client(target.plan_role, "s3", target.region)
            s3.put_object(Bucket=location.bucket, Key=location.key, Body="\n".join(lines).encode() + b"\n", **sealed)
        except (BotoCoreError, Boto3Error, ClientError) as error:
            log.warning("captured data cannot be written to %s: %s", location, error)


def _flush_now_and_then() -> None:
    while True:
        time.sleep(_FLUSH_SECONDS)
        if _waiting:
            flush()


threading.Thread(target=_flush_now_and_then, name="data capture", daemon=True).start()
