"""What leaves as an answer's headers."""

from typing import Any

import pytest

from embedded import protocol
from embedded.protocol import Parsed


def parsed(service: str, operation: str) -> Parsed:
    model = protocol.get_service_model(service)
    found = model.operation_model(operation)
    return Parsed(service=service, operation=operation, protocol="rest-json", params={}, model=found)


@pytest.mark.parametrize("said", ["text/csv", "application/x-npy"])
def test_a_body_is_of_the_type_that_the_operation_says(said: str) -> None:
    made = protocol.answer(parsed("sagemaker-runtime", "InvokeEndpoint"), {"Body": b"1", "ContentType": said})
    assert (made.headers["Content-Type"], made.data) == (said, b"1")


@pytest.mark.parametrize("result", [{"InferenceId": "a"}, {"InferenceId": "a", "OutputLocation": "s3://b/c"}])
def test_what_says_no_type_is_json(result: dict[str, Any]) -> None:
    made = protocol.answer(parsed("sagemaker-runtime", "InvokeEndpointAsync"), result)
    assert made.headers["Content-Type"] == "application/json"
