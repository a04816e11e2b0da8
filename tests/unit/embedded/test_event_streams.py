"""Event streams as botocore reads them."""

from typing import Any

import botocore.session
from botocore.eventstream import EventStreamBuffer

from embedded.model_check.event_streams import encoded


def test_what_is_written_is_what_a_client_reads() -> None:
    model: Any = botocore.session.get_session().get_service_model("sagemaker-runtime")
    shape = model.operation_model("InvokeEndpointWithResponseStream").output_shape.members["Body"]
    broken = {"ModelStreamError": {"Message": "it broke", "ErrorCode": "StreamBroken"}}
    reader = EventStreamBuffer()
    reader.add_data(b"".join(encoded(shape, [{"PayloadPart": {"Bytes": b"one \xff"}}, broken])))
    part, error = list(reader)
    assert (part.headers[":message-type"], part.headers[":event-type"], part.payload) == (
        "event",
        "PayloadPart",
        b"one \xff",
    )
    assert (error.headers[":message-type"], error.headers[":exception-type"]) == ("exception", "ModelStreamError")
    assert b"StreamBroken" in error.payload
