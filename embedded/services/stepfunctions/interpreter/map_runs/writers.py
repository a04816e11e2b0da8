"""The results of a map run in S3: a file for each outcome and a manifest; moto writes the manifest alone, and empty."""

import json
from datetime import datetime
from typing import Any

from moto.stepfunctions.parser.asl.component.state.exec.state_map.result_writer.resource_eval.resource_eval_s3 import (
    ResourceEvalS3,
)

from embedded import moto_patches
from embedded.services.stepfunctions.interpreter.map_runs.children import Child, of

_FILES = {"SUCCEEDED": "SUCCEEDED", "FAILED": "FAILED", "TIMED_OUT": "FAILED", "ABORTED": "FAILED"}


def _put_object(env: Any, resource_runtime_part: Any, state_credentials: Any) -> None:
    parameters = env.stack.pop()
    env.stack.pop()  # the results: the state's output says where they are
    s3 = ResourceEvalS3._get_s3_client(resource_runtime_part=resource_runtime_part, state_credentials=state_credentials)
    record = max(env.map_run_record_pool_manager.get_all(), key=lambda one: one.start_date)
    prefix = parameters.get("Prefix", "")
    folder = f"{prefix.rstrip('/')}/" if prefix else ""
    place = f"{folder}{record.map_run_arn.split(':')[-1]}"
    files: dict[str, list[dict[str, Any]]] = {"FAILED": [], "PENDING": [], "SUCCEEDED": []}
    for kind, listed in files.items():
        some = [_shown(one, record) for one in of(record).all if _FILES.get(one.status, "PENDING") == kind]
        if some:
            body, key = json.dumps(some).encode(), f"{place}/{kind}_0.json"
            s3.put_object(Bucket=parameters["Bucket"], Key=key, Body=body)
            listed.append({"Key": key, "Size": len(body)})
    manifest = {"DestinationBucket": parameters["Bucket"], "MapRunArn": record.map_run_arn, "ResultFiles": files}
    key = f"{place}/manifest.json"
    s3.put_object(Bucket=parameters["Bucket"], Key=key, Body=json.dumps(manifest).encode())
    details = {"Bucket": parameters["Bucket"], "Key": key}
    env.stack.append({"MapRunArn": record.map_run_arn, "ResultWriterDetails": details})


def _shown(child: Child, record: Any) -> dict[str, Any]:
    """One child as the files tell it."""
    machine = record.map_state_machine_arn
    shown = {
        "ExecutionArn": f"{machine.replace(':stateMachine:', ':execution:')}:{child.name}",
        "Input": json.dumps(child.given, separators=(",", ":")),
        "InputDetails": {"Included": True},
        "Name": child.name,
        "OutputDetails": {"Included": child.status == "SUCCEEDED"},
        "RedriveCount": 0,
        "StartDate": _stamp(child.started),
        "StateMachineArn": machine,
        "Status": child.status,
        "StopDate": None if child.stopped is None else _stamp(child.stopped),
    }
    if child.status == "SUCCEEDED":
        reason = "Execution is SUCCEEDED and cannot be redriven"
        output = json.dumps(child.output, separators=(",", ":"))
        return shown | {"Output": output, "RedriveStatus": "NOT_REDRIVABLE", "RedriveStatusReason": reason}
    told = {"Error": child.error, "Cause": child.cause}
    told = {name: value for name, value in told.items() if value is not None}
    return shown | told | {"RedriveStatus": "REDRIVABLE_BY_MAP_RUN"}


def _stamp(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def install() -> None:
    """Replace moto's parts."""
    moto_patches.replace(
        ResourceEvalS3,
        "_handle_put_object",
        staticmethod(_put_object),
        reason="it writes no results, and an empty manifest",
    )
