"""How an asynchronous inference ends: objects in S3, a message to a topic, in the form that the service gives them."""

import base64
import json
import logging
import time
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from embedded.nodes.locations import Location
from embedded.services.sagemaker import execution_role
from embedded.services.sagemaker.serving.asynchronous.item import Item
from embedded.services.sagemaker.serving.containers.http import Answer

_RESPONSE_BYTES_MOST = 128 * 1024
log = logging.getLogger(__name__)


class Results:
    """Where an endpoint's results go, in the name of its model's role."""

    def __init__(self, config: Mapping[str, Any], role_arn: str, region: str) -> None:
        """`config` is the AsyncInferenceConfig."""
        self._output: Mapping[str, Any] = config["OutputConfig"]
        self._role, self._region = role_arn, region

    def input_of(self, item: Item) -> bytes:
        """The body of an inference."""
        if item.input_location is None:
            return item.body
        location = Location.parse(item.input_location)
        answer = self._client("s3").get_object(Bucket=location.bucket, Key=location.key)
        body: bytes = answer["Body"].read()
        return body

    def completed(self, item: Item, answer: Answer) -> None:
        """Write the result, and tell of it. A result that cannot be written raises boto3's error."""
        kind = answer.headers.get("content-type", "application/octet-stream")
        self._put(item.output, answer.body, kind)
        message: dict[str, Any] = {"invocationStatus": "Completed"}
        message["responseParameters"] = {"contentType": kind, "outputLocation": item.output}
        if self._includes("SUCCESS_NOTIFICATION_TOPIC"):
            message["responseBody"] = _body(answer.body)
        self._tell("SuccessTopic", item, message)

    def failed(self, item: Item, reason: str, said: bytes = b"") -> None:
        """Write the failure where the endpoint has a place for it, and tell of it."""
        if item.failure is not None:
            try:
                self._put(item.failure, said if said else reason.encode(), "text/plain")
            except (ClientError, BotoCoreError) as error:
                log.warning("a failure cannot be written to %s: %s", item.failure, error)
        message: dict[str, Any] = {"invocationStatus": "Failed", "failureReason": reason}
        if said and self._includes("ERROR_NOTIFICATION_TOPIC"):
            message["responseBody"] = _body(said)
        self._tell("ErrorTopic", item, message)

    def _includes(self, topic: str) -> bool:
        return topic in self._output.get("NotificationConfig", {}).get("IncludeInferenceResponseIn", ())

    def _put(self, uri: str, body: bytes, kind: str) -> None:
        location, key = Location.parse(uri), self._output.get("KmsKeyId")
        sealed = {} if key is None else {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key}
        client = self._client("s3")
        client.put_object(Bucket=location.bucket, Key=location.key, Body=body, ContentType=kind, **sealed)

    def _tell(self, topic: str, item: Item, message: Mapping[str, Any]) -> None:
        arn = self._output.get("NotificationConfig", {}).get(topic)
        if arn is None:
            return
        said = {
            "awsRegion": item.region,
            "eventTime": _time(time.time()),
            "receivedTime": _time(item.received),
            "requestParameters": item.request_parameters(),
            **message,
            "inferenceId": item.inference_id,
            "eventVersion": "1.0",
            "eventSource": "aws:sagemaker",
            "eventName": "InferenceResult",
        }
        try:
            self._client("sns").publish(TopicArn=arn, Message=json.dumps(said))
        except (ClientError, BotoCoreError) as error:
            log.warning("%s was not told of the inference %s: %s", arn, item.inference_id, error)

    def _client(self, service: str) -> Any:
        return execution_role.client(self._role, service, self._region)


def _body(content: bytes) -> dict[str, str]:
    return {"content": base64.b64encode(content[:_RESPONSE_BYTES_MOST]).decode(), "encoding": "BASE64"}


def _time(stamp: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(stamp)) + f".{int(stamp % 1 * 1000):03d}Z"
