"""A plain HTTP request becomes an event of the payload format 2.0, and what the function returns becomes the answer."""

import base64
import json
import time
import uuid
from collections.abc import Mapping
from typing import Any

from moto.awslambda.exceptions import LambdaClientError
from moto.awslambda.models import lambda_backends
from moto.core.request import Request
from werkzeug.wrappers import Response

from embedded.operations import by_path
from embedded.services.lambda_.operations import SYNC_PAYLOAD_BYTES, RealFunction, invoke_now
from embedded.services.lambda_.urls import access
from embedded.services.lambda_.urls.configs import PREFIX, UrlConfig, find

_TEXTS = ("text/", "application/json", "application/javascript", "application/xml", "application/x-www-form-urlencoded")


@by_path(PREFIX)
def answer(environ: dict[str, Any]) -> Response:
    """Answer a request to a function URL."""
    request = Request(environ, populate_request=False)
    wanted, _, rest = request.path.removeprefix(PREFIX).partition("/")
    found = find(wanted)
    if found is None:
        return _message(404, None)
    function, config = found
    try:
        principal = access.check(request, function, config)
    except access.Refused as refusal:
        return _message(403, str(refusal))
    if len(request.get_data(cache=True)) > SYNC_PAYLOAD_BYTES:
        return _message(413, "Request must be smaller than 6291456 bytes for the InvokeFunction operation")
    backend = lambda_backends[function.account_id][function.region]
    called = function if config.qualifier is None else backend.get_function(function.function_name, config.qualifier)
    try:
        outcome = invoke_now(called, _event(request, f"/{rest}", config, function, principal))
    except LambdaClientError:
        return _message(429, "Rate Exceeded.")
    try:
        return _message(502, "Internal Server Error") if outcome.failed else _response(outcome.payload)
    except (TypeError, ValueError):
        # no status, no base64, no headers: Lambda says no more of it either
        return _message(502, "Internal Server Error")


def _message(status: int, text: str | None) -> Response:
    return Response(json.dumps({"Message": text}), status=status, content_type="application/json")


def _event(
    request: Request, path: str, config: UrlConfig, function: RealFunction, principal: str | None
) -> dict[str, Any]:
    headers: dict[str, str] = {}
    for name, value in request.headers.items():
        if name.lower() != "cookie":
            headers[name.lower()] = f"{headers[name.lower()]},{value}" if name.lower() in headers else value
    body, now = request.get_data(cache=True), time.time()
    context: dict[str, Any] = {
        "accountId": function.account_id if principal is not None else "anonymous",
        "apiId": config.id,
        "domainName": request.host,
        "domainPrefix": config.id,
        "http": {
            "method": request.method,
            "path": path,
            "protocol": request.environ.get("SERVER_PROTOCOL", "HTTP/1.1"),
            "sourceIp": request.remote_addr,
            "userAgent": request.headers.get("User-Agent", ""),
        },
        "requestId": str(uuid.uuid4()),
        "routeKey": "$default",
        "stage": "$default",
        "time": time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(now)),
        "timeEpoch": int(now * 1000),
    }
    if principal is not None:
        context["authorizer"] = {"iam": {"accountId": function.account_id, "userArn": principal}}
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": request.query_string.decode(),
        "headers": headers,
        "requestContext": context,
        "isBase64Encoded": False,
    }
    if request.args:
        event["queryStringParameters"] = {name: ",".join(request.args.getlist(name)) for name in request.args}
    if request.cookies:
        event["cookies"] = [f"{name}={value}" for name, value in request.cookies.items()]
    if body:
        is_text = (request.content_type or "").startswith(_TEXTS)
        event["body"] = body.decode() if is_text else base64.b64encode(body).decode()
        event["isBase64Encoded"] = not is_text
    return event


def _response(payload: str) -> Response:
    """Lambda takes what a function returns for a whole response if it has a status, and for the body otherwise."""
    value = json.loads(payload) if payload else None
    if not isinstance(value, Mapping) or "statusCode" not in value:
        text = value if isinstance(value, str) else json.dumps(value)
        return Response(text, status=200, content_type="application/json")
    body: Any = value.get("body", "")
    if value.get("isBase64Encoded"):
        body = base64.b64decode(body)
    elif not isinstance(body, str):
        body = json.dumps(body)
    headers = {str(name).lower(): str(item) for name, item in (value.get("headers") or {}).items()}
    response = Response(body, status=int(value["statusCode"]))
    response.headers["Content-Type"] = headers.pop("content-type", "application/json")
    for name, item in headers.items():
        response.headers[name] = item
    for cookie in value.get("cookies") or ():
        response.headers.add("Set-Cookie", cookie)
    return response
