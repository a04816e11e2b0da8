"""Lambda: moto keeps the functions, and here their code really runs.

Everything in moto that invokes a function (the API, SNS, S3 notifications, event source mappings) ends in
`LambdaFunction.invoke`; this module puts its own subclass in that class's place, once, for moto 5.2.5.
"""

import base64
import hashlib
import json
import logging
import threading
import time
import uuid
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import moto.awslambda.models as lambda_models
from moto.awslambda.exceptions import LambdaClientError
from moto.utilities.utils import get_partition

from embedded import clients, clock, moto_patches
from embedded.access import roles
from embedded.bus.deliveries import deliver
from embedded.operations import ServiceError
from embedded.services.lambda_ import provenance
from embedded.services.lambda_.function_files import unpacked
from embedded.services.lambda_.function_logs import write_log
from embedded.services.lambda_.pool import FunctionPool
from embedded.services.lambda_.runner import FunctionSpec, Outcome

SYNC_PAYLOAD_BYTES = 6_291_456
"""The most that a RequestResponse invocation carries, each way."""
ASYNC_PAYLOAD_BYTES = 1_048_576
"""The most that an Event invocation carries."""
RETRY_SECONDS = [60.0, 120.0]
"""How long an Event invocation waits before its first and second retry, by the cloud's clock."""

_log = logging.getLogger(__name__)
_pool = FunctionPool()
_events = ThreadPoolExecutor(max_workers=8, thread_name_prefix="lambda-event")
_counting = threading.Lock()
_running: Counter[str] = Counter()


class RealFunction(lambda_models.LambdaFunction):  # type: ignore[misc]
    """moto's function with code that runs, and with the settings that moto forgets."""

    def __init__(self, account_id: str, spec: dict[str, Any], region: str, version: str | int = 1) -> None:
        _check_role(spec["Role"], region)
        super().__init__(account_id=account_id, spec=spec, region=region, version=version)
        self.dead_letter_config: dict[str, Any] = spec.get("DeadLetterConfig") or {}
        self.logging_config: dict[str, Any] = {}
        self._set_logging(spec.get("LoggingConfig"))
        self.revision_id = str(uuid.uuid4())
        self.urls: dict[str | None, Any] = {}
        """Its URLs, by the alias that they call; None is the function itself."""

    def _set_logging(self, config: dict[str, Any] | None) -> None:
        default = {"LogFormat": "Text", "LogGroup": f"/aws/lambda/{self.function_name}"}
        levels = {"ApplicationLogLevel": "INFO", "SystemLogLevel": "INFO"}
        given = config or {}
        self.logging_config = default | (levels if given.get("LogFormat") == "JSON" else {}) | given
        self.logs_group_name = self.logging_config["LogGroup"]

    def get_configuration(self, on_create: bool = False) -> dict[str, Any]:
        """The configuration as the API answers it."""
        answer: dict[str, Any] = super().get_configuration(on_create)
        answer["LoggingConfig"] = self.logging_config
        answer["RevisionId"] = self.revision_id
        if self.run_time:
            version = hashlib.sha256(str(self.run_time).encode()).hexdigest()
            arn = f"arn:{get_partition(self.region)}:lambda:{self.region}::runtime:{version}"
            answer["RuntimeVersionConfig"] = {"RuntimeVersionArn": arn}
        if not answer["Layers"]:
            del answer["Layers"]
        if self.dead_letter_config:
            answer["DeadLetterConfig"] = self.dead_letter_config
        return answer

    def get_code(self) -> dict[str, Any]:
        """What GetFunction answers; a version has no tags."""
        answer: dict[str, Any] = super().get_code()
        if str(self.version) != "$LATEST":
            answer.pop("Tags", None)
        return answer

    def update_configuration(self, config_updates: dict[str, Any]) -> dict[str, Any]:
        """Change the configuration; the next invocation runs with the new one."""
        if "Role" in config_updates:
            _check_role(config_updates["Role"], self.region)
        if "DeadLetterConfig" in config_updates:
            self.dead_letter_config = config_updates["DeadLetterConfig"] or {}
        if "LoggingConfig" in config_updates:
            self._set_logging(config_updates["LoggingConfig"])
        super().update_configuration(config_updates)
        self.revision_id = str(uuid.uuid4())
        return self.get_configuration()

    def update_function_code(self, updated_spec: dict[str, Any]) -> dict[str, Any]:
        """Change the code, which makes another revision too."""
        super().update_function_code(updated_spec)
        self.revision_id = str(uuid.uuid4())
        return self.get_configuration()

    def invoke(self, body: str | bytes, request_headers: Any, response_headers: Any) -> bytes:
        """Answer an invocation of any type; failures are told in the response's headers, as the service does."""
        kind = request_headers.get("X-Amz-Invocation-Type") or "RequestResponse"
        event = _event(body, kind)
        text = _not_isolated(self)
        if text is not None:
            # said to who asks, and not only to the log: a stack would wait an hour for the answer of its function
            raise LambdaClientError("InvalidRuntimeException", text)
        response_headers["x-amz-executed-version"] = str(self.version)
        if kind == "DryRun":
            return b""
        if kind == "Event":
            invoke_later(self, event)
            return b""
        outcome = invoke_now(self, event)
        if outcome.failed:
            response_headers["x-amz-function-error"] = "Unhandled"
        tail = "\n".join(text for _, text in outcome.logs).encode()[-4096:]
        response_headers["x-amz-log-result"] = base64.b64encode(tail).decode()
        return outcome.payload.encode()


moto_patches.replace(lambda_models, "LambdaFunction", RealFunction, reason="its code does not run without Docker")


def _check_role(role_arn: str, region: str) -> None:
    try:
        roles.assume(role_arn, service="lambda.amazonaws.com", session="check", region=region)
    except ServiceError as error:
        text = "The role defined for the function cannot be assumed by Lambda."
        raise LambdaClientError("InvalidParameterValueException", f"{text} ({error.message})") from error


def _event(body: str | bytes, kind: str) -> Any:
    raw = body.encode() if isinstance(body, str) else body or b""
    limit = ASYNC_PAYLOAD_BYTES if kind == "Event" else SYNC_PAYLOAD_BYTES
    if len(raw) > limit:
        text = f"{len(raw)} byte payload is too large for the {kind} invocation type (limit {limit} bytes)"
        error = LambdaClientError("RequestTooLargeException", text)
        error.code = 413
        raise error
    try:
        return json.loads(raw) if raw else {}
    except ValueError as error:
        text = f"Could not parse request body into json: {error}"
        raise LambdaClientError("InvalidRequestContentException", text) from error


def invoke_now(function: RealFunction, event: Any, request_id: str | None = None) -> Outcome:
    """Run the function once and write its log; the outcome says how it ended."""
    request_id = str(uuid.uuid4()) if request_id is None else request_id
    if function.package_type != "Zip" or not str(function.run_time).startswith("python"):
        what = function.run_time or f"an {function.package_type} package"
        said = f"The embedded cloud runs Python functions from zip files; {function.function_name} is {what}."
        return _refusal({"errorType": "Runtime.NotEmulated", "errorMessage": said})
    text = _not_isolated(function)
    if text is not None:
        return _refusal({"errorType": "Runtime.NotIsolated", "errorMessage": text})
    with _one_more_running(function):
        outcome = _pool.invoke(
            _spec(function),
            {
                "request_id": request_id,
                "function_arn": function.function_arn,
                "event": event,
                "timeout_seconds": function.timeout,
            },
        )
    if len(outcome.payload.encode()) > SYNC_PAYLOAD_BYTES + 100:
        text = "Response payload size exceeded maximum allowed payload size (6291556 bytes)."
        too_large = {"errorType": "Function.ResponseSizeTooLarge", "errorMessage": text}
        outcome.payload, outcome.failed = json.dumps(too_large), True
    write_log(function, request_id, outcome)
    return outcome


def _not_isolated(function: RealFunction) -> str | None:
    return provenance.refusal(function.function_name, [function.code_bytes, *_layer_zips(function)])


def _refusal(error: Mapping[str, str]) -> Outcome:
    return Outcome(
        payload=json.dumps(error),
        failed=True,
        logs=[],
        init_logs=[],
        stream="",
        duration_seconds=0.0,
        init_seconds=None,
        peak_mb=0,
    )


def invoke_later(function: RealFunction, event: Any) -> None:
    """Queue an Event invocation: two retries, then the dead-letter queue or the failure destination."""
    _events.submit(_attempts, function, event, str(uuid.uuid4()))


def _attempts(function: RealFunction, event: Any, request_id: str) -> None:
    try:
        waits = RETRY_SECONDS[: _retries_allowed(function)]
        outcome = invoke_now(function, event, request_id)
        for wait in waits:
            if not outcome.failed:
                return
            clock.sleep(wait)
            outcome = invoke_now(function, event, request_id)
        if outcome.failed:
            _log.warning("%s failed on an event: %s", function.function_name, outcome.payload)
            _send_failure(function, event, request_id, outcome, attempts=1 + len(waits))
    except Exception:
        _log.exception("an event for %s was lost", function.function_name)


def _retries_allowed(function: RealFunction) -> int:
    for config in function.event_invoke_config:
        most = config.config.get("MaximumRetryAttempts")
        if most is not None:
            return int(most)
    return len(RETRY_SECONDS)


def _send_failure(function: RealFunction, event: Any, request_id: str, outcome: Outcome, *, attempts: int) -> None:
    dead_letters = function.dead_letter_config.get("TargetArn")
    if dead_letters:
        deliver(dead_letters, event, source="lambda.amazonaws.com", role_arn=function.role)
    for config in function.event_invoke_config:
        destination = config.config.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination")
        if destination:
            record = {
                "version": "1.0",
                "timestamp": time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime()),
                "requestContext": {
                    "requestId": request_id,
                    "functionArn": f"{function.function_arn}:{function.version}",
                    "condition": "RetriesExhausted",
                    "approximateInvokeCount": attempts,
                },
                "requestPayload": event,
                "responseContext": {"statusCode": 200, "functionError": "Unhandled"},
                "responsePayload": json.loads(outcome.payload),
            }
            deliver(destination, record, source="lambda.amazonaws.com", role_arn=function.role)


@contextmanager
def _one_more_running(function: RealFunction) -> Any:
    """Hold the reserved concurrency, if the function has one."""
    reserved = function.reserved_concurrency
    with _counting:
        if reserved is not None and _running[function.function_arn] >= int(reserved):
            error = LambdaClientError("TooManyRequestsException", "Rate Exceeded.")
            error.code = 429
            raise error
        _running[function.function_arn] += 1
    try:
        yield
    finally:
        with _counting:
            _running[function.function_arn] -= 1


def _spec(function: RealFunction) -> FunctionSpec:
    name, region = function.function_name, function.region
    session = roles.assume(function.role, service="lambda.amazonaws.com", session=name, region=region)
    own = session.environment() | {
        "_HANDLER": function.handler,
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "AWS_ENDPOINT_URL": clients.endpoint(),
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{function.run_time}",
        "AWS_LAMBDA_FUNCTION_NAME": name,
        "AWS_LAMBDA_FUNCTION_VERSION": str(function.version),
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_size),
        "AWS_LAMBDA_LOG_GROUP_NAME": function.logs_group_name,
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "LANG": "en_US.UTF-8",
        "TZ": ":UTC",
    }
    layers = _layer_zips(function)
    return FunctionSpec(
        name=name,
        version=str(function.version),
        handler=function.handler,
        code=unpacked(function.code_bytes),
        layers=unpacked(*layers) if layers else None,
        memory_mb=int(function.memory_size),
        environment=tuple(sorted((function.environment_vars | own).items())),
    )


def _layer_zips(function: RealFunction) -> list[bytes]:
    """The zips of the function's layers; a later layer's files hide an earlier one's."""
    backend = lambda_models.lambda_backends[function.account_id][function.region]
    found = [backend.layers_versions_by_arn(layer["Arn"]) for layer in function.layers]
    return [layer.code_bytes for layer in found if layer is not None]
