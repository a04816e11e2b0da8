"""The wire: which operation of which service a request asks for, with what parameters, and how an answer is written.

botocore's service models say it all; moto's generic router, parsers and serializers read them for every protocol.
"""

import gzip
import hashlib
import io
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from moto.core.errors import get_error_model
from moto.core.model import OperationModel
from moto.core.parse import PROTOCOL_PARSERS
from moto.core.request import Request, determine_request_protocol
from moto.core.routing import get_service_router
from moto.core.serialize import get_serializer_class
from moto.core.utils import get_service_model
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from embedded import traits
from embedded.model_check import event_streams
from embedded.operations import Params, ServiceError

BODY_SHA256 = "yard.body_sha256"
"""Where a request's environment keeps the hash of its body as it was sent: what the signature covers."""

_DENIED_STATUS = 403
# by protocol, and `ec2` is one of them
_DENIED_CODES = {"ec2": "UnauthorizedOperation", "json": "AccessDeniedException", "rest-json": "AccessDeniedException"}


_ID_HEADERS = ("x-amzn-requestid", "x-amz-request-id")
_ROUTES_MOST = 4096
_routes: dict[tuple[str, str, str], tuple[OperationModel, dict[str, Any]]] = {}


@dataclass(frozen=True, kw_only=True, slots=True)
class Parsed:
    """A request, understood."""

    service: str
    """botocore's name of the service: `sagemaker`, `stepfunctions`."""

    operation: str
    """botocore's name of the operation: `CreateTrainingJob`."""

    protocol: str
    """The protocol that the request came in, and that its answer must have."""

    params: Params
    """The parameters; for a streamed service without its body, those of the path, the query and the headers."""

    model: OperationModel
    """The model of the operation."""


def parse(request: Request, service: str, *, whole_body: bool = False) -> Parsed | None:
    """Understand a request, or return None where botocore has no such service or operation.

    The body of a streamed service is neither read nor parsed, unless the caller needs it.
    """
    streamed = traits.of(service).streamed and not whole_body
    body = b"" if streamed else _read(request)
    try:
        model = get_service_model(service)
        protocol = determine_request_protocol(model, request.content_type)
        operation, url_params = _route(request, service, protocol)
    except (NotFound, NotImplementedError, ValueError):
        return None
    except Exception as error:
        if type(error).__name__ == "UnknownServiceError":
            return None
        raise
    parser = PROTOCOL_PARSERS[protocol](operation)
    request_dict = {
        "method": request.method,
        # the form of a body is only looked for where parameters come in one
        "values": request.args if streamed or protocol.startswith("rest") else request.values,
        "headers": request.headers,
        "body": body,
        "url_path": request.path,
        "url_params": url_params,
    }
    params = dict(url_params) if _has_payload(operation) and streamed else parser.parse(request_dict) or {}
    return Parsed(service=service, operation=operation.name, protocol=protocol, params=params, model=operation)


def _route(request: Request, service: str, protocol: str) -> tuple[OperationModel, dict[str, Any]]:
    """The operation that a request asks for, and the parameters in its path.

    Of a request without a query that the path alone decides, the same path has the same answer, and is looked up once.
    """
    if protocol != "rest-json" or request.environ.get("QUERY_STRING"):
        found: tuple[OperationModel, dict[str, Any]] = get_service_router(service).match(request)
        return found
    key = service, request.method, request.raw_path
    known = _routes.get(key)
    if known is None:
        known = get_service_router(service).match(request)
        if len(_routes) >= _ROUTES_MOST:
            _routes.clear()
        _routes[key] = known
    operation, url_params = known
    return operation, dict(url_params)


def with_body(request: Request, parsed: Parsed) -> Parsed:
    """The request with its body's parameters: a streamed service's is parsed once more, the others' have them."""
    if not traits.of(parsed.service).streamed:
        return parsed
    whole = parse(request, parsed.service, whole_body=True)
    assert whole is not None, "what was understood once is understood again"
    return whole


def answer(parsed: Parsed, result: Mapping[str, Any]) -> Response:
    """Write an operation's result as its protocol wants it."""
    if parsed.model.has_event_stream_output:
        return _streamed(parsed, result)
    serializer = get_serializer_class(parsed.service, parsed.protocol)(parsed.model)
    serialized = serializer.serialize(result)
    serialized["headers"].update(_content_type(parsed.model, result))
    return _response(serialized)


def _content_type(model: OperationModel, result: Mapping[str, Any]) -> dict[str, str]:
    """The type of a body that is not the protocol's own; moto writes the protocol's over it."""
    members = {} if model.output_shape is None else model.output_shape.members
    for name, shape in members.items():
        if shape.serialization.get("name") == "Content-Type" and result.get(name) is not None:
            return {"Content-Type": str(result[name])}
    return {}


def _streamed(parsed: Parsed, result: Mapping[str, Any]) -> Response:
    """An answer whose events leave as they come; its other members are headers."""
    shape = parsed.model.output_shape
    name = shape.event_stream_name
    response = Response(event_streams.encoded(shape.members[name], result[name]))
    response.headers["Content-Type"] = event_streams.CONTENT_TYPE
    for member, value in result.items():
        where = shape.members[member].serialization
        if where.get("location") == "header" and value is not None:
            response.headers[where["name"]] = str(value)
    return _with_id(response)


def answer_error(parsed: Parsed, error: ServiceError) -> Response:
    """Write an error in the service's own shape."""
    serializer = get_serializer_class(parsed.service, parsed.protocol)(parsed.model)
    response = _response(serializer.serialize(error))
    modelled = get_error_model(error, parsed.model.service_model).metadata.get("error", {}).get("httpStatusCode")
    response.status_code = modelled if modelled is not None else error.status
    if parsed.model.http.get("method") == "HEAD":
        response.data = b""
    return response


def denied(parsed: Parsed, message: str) -> ServiceError:
    """The error that this service gives for a missing permission."""
    code = _DENIED_CODES.get(parsed.protocol, "AccessDenied")
    return ServiceError(code, message, 400 if parsed.protocol == "json" else _DENIED_STATUS)


def _read(request: Request) -> bytes:
    """Read the body once and put it back, so that moto can read it again; what is compressed arrives unpacked."""
    body = request.get_data(cache=True)
    request.environ.setdefault(BODY_SHA256, hashlib.sha256(body).hexdigest())
    if request.headers.get("Content-Encoding") == "gzip":
        body = gzip.decompress(body)
        request._cached_data = body
    request.environ["wsgi.input"] = io.BytesIO(body)
    request.environ["CONTENT_LENGTH"] = str(len(body))
    request.environ.pop("HTTP_TRANSFER_ENCODING", None)
    return bytes(body)


def rewind_if_read(request: Request) -> None:
    """Let the next reader start at the body's beginning; what arrived compressed is unpacked by now.

    The header that says so is a signed one, and stays until the signature was looked at.
    """
    stream = request.environ["wsgi.input"]
    if isinstance(stream, io.BytesIO):
        stream.seek(0)
        request.environ.pop("HTTP_CONTENT_ENCODING", None)


def _has_payload(operation: OperationModel) -> bool:
    shape = operation.input_shape
    return shape is not None and any("location" not in member.serialization for member in shape.members.values())


def _response(serialized: Mapping[str, Any]) -> Response:
    # all at once: werkzeug looks through all headers for each that is set
    headers = [(name, str(value)) for name, value in serialized["headers"].items() if name.lower() not in _ID_HEADERS]
    return Response(serialized["body"], status=serialized["status_code"], headers=headers + _ids())


def _with_id(response: Response) -> Response:
    response.headers.update(_ids())
    return response


def _ids() -> list[tuple[str, str]]:
    request_id = str(uuid.uuid4())
    return [(name, request_id) for name in _ID_HEADERS]
