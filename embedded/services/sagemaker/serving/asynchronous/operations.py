"""InvokeEndpointAsync."""

import uuid
from collections.abc import Mapping
from typing import Any

from embedded.nodes.locations import Location
from embedded.operations import Call, Params, operation
from embedded.services.sagemaker.serving.asynchronous import queue
from embedded.services.sagemaker.serving.asynchronous.item import (
    DEFAULT_TIMEOUT_SECONDS,
    DEFAULT_TTL_SECONDS,
    Item,
)
from embedded.services.sagemaker.serving.invocations import errors, routing

_PASSED_ON = {
    "ContentType": "Content-Type",
    "Accept": "Accept",
    "CustomAttributes": "X-Amzn-SageMaker-Custom-Attributes",
}


@operation("sagemaker-runtime", "InvokeEndpointAsync")
def invoke_endpoint_async(call: Call, params: Params) -> Mapping[str, Any]:
    """Take the inference into the queue, and say where its result will be."""
    endpoint = routing.find(call.account, call.region, params["EndpointName"])
    current = endpoint.current
    config = None if current is None else current.asynchronous
    if config is None:
        raise errors.invalid(f"Endpoint {endpoint.name} is not asynchronous: it is invoked with InvokeEndpoint.")
    body = params.get("Body") or b""
    if bool(body) == ("InputLocation" in params):
        raise errors.invalid("Exactly one of InputLocation and Body must be given.")
    inference_id = params.get("InferenceId", str(uuid.uuid4()))
    output, failure = _places(config["OutputConfig"], params)
    queue.put(
        Item(
            account=call.account,
            region=call.region,
            endpoint=endpoint.name,
            inference_id=inference_id,
            headers=_headers(params, inference_id),
            input_location=params.get("InputLocation"),
            body=body.encode() if isinstance(body, str) else bytes(body),
            output=output,
            failure=failure,
            ttl_seconds=params.get("RequestTTLSeconds", DEFAULT_TTL_SECONDS),
            timeout_seconds=params.get("InvocationTimeoutSeconds", DEFAULT_TIMEOUT_SECONDS),
        )
    )
    answer = {"InferenceId": inference_id, "OutputLocation": output}
    return answer if failure is None else answer | {"FailureLocation": failure}


def _headers(params: Params, inference_id: str) -> dict[str, str]:
    headers = {header: params[name] for name, header in _PASSED_ON.items() if params.get(name)}
    return headers | {"X-Amzn-SageMaker-Inference-Id": inference_id}


def _places(config: Mapping[str, Any], params: Params) -> tuple[str, str | None]:
    """Where the result goes, under a name of its own, and where a failure goes, if the endpoint has a place for it."""
    made = str(uuid.uuid4())
    place = Location.parse(config["S3OutputPath"])
    if "S3OutputPathExtension" in params:
        place = place.below(params["S3OutputPathExtension"].strip("/"))
    output = str(place.below(params.get("Filename", f"{made}.out")))
    if "S3FailurePath" not in config:
        return output, None
    return output, str(Location.parse(config["S3FailurePath"]).below(f"{made}-error.out"))
