"""Every operation of every emulated service, asked for too little and for the least: what moto answers otherwise.

Two requests each: one that lacks what it must have is refused, and the least one that the model allows is answered or
refused with an error of the operation's own. What is otherwise stands in one table, with the reason.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import boto3
import botocore.session
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from embedded import lifecycle, loading, traits
from embedded.operations import operations
from tests.cloud.conftest import REGION, Cloud, start
from tests.support.cloud import moto_truths
from tests.support.cloud.least_requests import bare, least

pytestmark = pytest.mark.slow

SESSION = botocore.session.get_session()
COMMON = {
    # the errors that every API reference has under "Common Errors", and ValidationException, their newer name
    *("AccessDeniedException", "InvalidParameterCombination", "InvalidParameterValue", "MissingParameter"),
    *("ThrottlingException", "ValidationError", "ValidationException"),
}
OF_SERVICE = {
    "s3": {"404", "InvalidBucketName", "MissingRequestBodyError", "NoSuchBucket"},
    "sqs": {"AWS.SimpleQueueService.EmptyBatchRequest", "AWS.SimpleQueueService.NonExistentQueue"},
}
"""What a service answers with and its model does not have."""
CLIENT_ADDS = {("ec2", "CopySnapshot"): "botocore signs an address in it, from what it must have"}


def services() -> list[str]:
    loading.load()
    return sorted({name for name, _ in operations()} | {name for name, _ in traits.described()})


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """A cloud of its own: hundreds of things are made in it, and none is taken away."""
    running = start(tmp_path_factory.mktemp("cloud"))
    yield running
    lifecycle.down(running.folder)


def outcome(client: Any, operation: Any, request: Mapping[str, Any]) -> str:
    """`accepted`, `absent`, `broken`, `refused`, or the code that is none of the operation's."""
    service = client.meta.service_model.service_name
    try:
        client._make_api_call(operation.name, dict(request))
    except ClientError as error:
        code = str(error.response["Error"].get("Code", ""))
        message = str(error.response["Error"].get("Message") or "")
        if "does not emulate" in message:
            return "absent"
        if error.response["ResponseMetadata"]["HTTPStatusCode"] >= 500:
            return "broken"
        modelled = {shape.name for shape in operation.error_shapes}
        modelled |= {str(shape.metadata.get("error", {}).get("code")) for shape in operation.error_shapes}
        known = COMMON | modelled | OF_SERVICE.get(service, set())
        return "refused" if code in known or not operation.error_shapes else f"{operation.name}={code}"
    return "accepted"


@pytest.mark.parametrize("service", services())
def test_what_moto_answers_otherwise_is_listed(alone: Cloud, service: str) -> None:
    config = Config(parameter_validation=False, retries={"total_max_attempts": 1}, s3={"addressing_style": "path"})
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": alone.state.secret}
    client = boto3.client(service, region_name=REGION, endpoint_url=alone.endpoint, config=config, **keys)
    model, ours = SESSION.get_service_model(service), set(operations())
    found: dict[str, list[str]] = {"too little": [], "accepts": [], "breaks": [], "other code": []}
    asked = 0
    for name in model.operation_names:
        operation = model.operation_model(name)
        is_special = operation.has_event_stream_output or operation.endpoint or operation.auth_type == "none"
        if is_special or (service, name) in CLIENT_ADDS:
            continue
        too_little = bare(operation.input_shape)
        if too_little is not None:
            asked += 1
            said = outcome(client, operation, too_little)
            found["too little"] += [name] if said == "broken" else []
            found["accepts"] += [name] if said == "accepted" else []
        if (service, name) not in ours:
            asked += 1
            said = outcome(client, operation, {} if operation.input_shape is None else least(operation.input_shape))
            found["breaks"] += [name] if said == "broken" else []
            found["other code"] += [said] if "=" in said else []
    assert asked
    listed = {
        "too little": moto_truths.TOO_LITTLE,
        "accepts": moto_truths.ACCEPTS,
        "breaks": moto_truths.BREAKS,
        "other code": moto_truths.OTHER_CODE,
    }
    assert found == {kind: sorted(table.get(service, "").split()) for kind, table in listed.items()}
