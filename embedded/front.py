"""The front: every request passes here, is allowed or denied, and answered by our own operation or by moto."""

import json
import logging
import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qsl

from moto.core.parse import RequestParserError
from moto.core.request import Request
from werkzeug.wrappers import Response

from embedded import protocol, traits
from embedded.access import guard
from embedded.access.sessions import Caller, caller_of
from embedded.clients import DEFAULT_REGION
from embedded.operations import Call, ServiceError, find_admin, find_check, find_operation

log = logging.getLogger(__name__)

ADMIN_PREFIX = "/_yard/"
_CREDENTIAL = re.compile(r"Credential=([^/]+)/\d+/([^/]+)/([^/]+)/aws4_request")
_NOT_EMULATED = 501
"""The status for what this cloud cannot do: clients repeat a 500 for a minute, but not this one."""

Wsgi = Any


class Front:
    """The WSGI application in front of moto's dispatcher."""

    def __init__(self, moto: Wsgi) -> None:
        self._moto = moto

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if environ.get("PATH_INFO", "").startswith(ADMIN_PREFIX):
            return _admin(environ)(environ, start_response)
        request = Request(environ)
        try:
            access_key, region, signing_name = _credential(request)
        except LookupError:
            # unsigned: only S3's public objects and moto's own look-ups have a meaning without a signature
            return self._pass_on(environ, start_response, None)
        try:
            parsed = protocol.parse(request, traits.service_of(signing_name, request.path))
        except (ValueError, KeyError, TypeError, RequestParserError) as error:
            message = f"the request cannot be read by its service's model: {type(error).__name__}: {error}"
            return _json(400, {"__type": "SerializationException", "message": message})(environ, start_response)
        try:
            caller = caller_of(access_key, region)
            environ["HTTP_X_MOTO_ACCOUNT_ID"] = caller.account
        except ServiceError as error:
            refused = _json(error.status, {"__type": error.code, "message": error.message})
            return (refused if parsed is None else protocol.answer_error(parsed, error))(environ, start_response)
        if parsed is None:
            return self._pass_on(environ, start_response, None)
        try:
            guard.check(parsed, caller, region, request)
            response = self._own_answer(request, parsed, caller, region)
        except ServiceError as error:
            response = protocol.answer_error(parsed, error)
        except Exception as error:
            log.exception("%s:%s failed inside the embedded cloud", parsed.service, parsed.operation)
            response = protocol.answer_error(parsed, _broken(parsed, error))
        if response is not None:
            return response(environ, start_response)
        return self._pass_on(environ, start_response, parsed)

    @staticmethod
    def _own_answer(request: Request, parsed: protocol.Parsed, caller: Caller, region: str) -> Response | None:
        function = find_operation(parsed.service, parsed.operation)
        call = Call(account=caller.account, region=region, principal=caller.principal)
        if function is None and traits.of(parsed.service).wholly_ours:
            raise _broken(parsed, NotImplementedError())
        if function is None:
            check = find_check(parsed.service, parsed.operation)
            if check is not None:
                check(call, parsed.params)
            protocol.rewind_if_read(request)
            return None
        return protocol.answer(parsed, function(call, protocol.with_body(request, parsed).params))

    def _pass_on(self, environ: dict[str, Any], start_response: Any, parsed: protocol.Parsed | None) -> Iterable[bytes]:
        try:
            with traits.turn(None if parsed is None else parsed.service):
                answer: Iterable[bytes] = self._moto(environ, start_response)
            return answer
        except Exception as error:
            if parsed is None:
                log.exception("a request without a known operation failed: %s", environ.get("PATH_INFO"))
                return Response(f"{type(error).__name__}: {error}", status=_NOT_EMULATED)(environ, start_response)
            if not isinstance(error, NotImplementedError):
                log.exception("%s:%s failed inside moto", parsed.service, parsed.operation)
            return protocol.answer_error(parsed, _broken(parsed, error))(environ, start_response)


def _broken(parsed: protocol.Parsed, error: Exception) -> ServiceError:
    what = f"{parsed.service}:{parsed.operation}"
    if isinstance(error, NotImplementedError):
        return ServiceError("NotImplemented", f"the embedded cloud does not emulate {what}", _NOT_EMULATED)
    message = f"the embedded cloud failed at {what}: {type(error).__name__}: {error} (its log has the traceback)"
    return ServiceError("InternalFailure", message, _NOT_EMULATED)


def _credential(request: Request) -> tuple[str, str, str]:
    """Access key, region and signing name, from the header or from a pre-signed URL."""
    match = _CREDENTIAL.search(request.headers.get("Authorization", ""))
    if match is not None:
        return match[1], match[2], match[3]
    match = _CREDENTIAL.search(f"Credential={request.args.get('X-Amz-Credential', '')}")
    if match is not None:
        return match[1], match[2], match[3]
    if "AWSAccessKeyId" in request.args:
        # a pre-signed link of the old form, which names no region: only S3 has them
        return request.args["AWSAccessKeyId"], DEFAULT_REGION, "s3"
    raise LookupError("the request is not signed")


def _admin(environ: dict[str, Any]) -> Response:
    """Answer `/_yard/<verb>`: query parameters and a JSON body are the verb's parameters."""
    if "HTTP_ORIGIN" in environ:
        return _json(403, {"error": "not for browsers: a page on the web must not steer this cloud"})
    request = Request(environ)
    verb = environ["PATH_INFO"].removeprefix(ADMIN_PREFIX).strip("/")
    function = find_admin(verb)
    if function is None:
        return _json(404, {"error": f"no such verb: {verb!r}"})
    try:
        body = request.get_data()
        params = dict(parse_qsl(environ.get("QUERY_STRING", ""))) | (json.loads(body) if body else {})
        return _json(200, dict(function(params)))
    except ServiceError as error:
        return _json(error.status, {"error": error.message, "code": error.code})
    except Exception as error:
        log.exception("/_yard/%s failed", verb)
        return _json(500, {"error": f"{type(error).__name__}: {error}"})


def _json(status: int, body: dict[str, Any]) -> Response:
    return Response(json.dumps(body, default=str), status=status, content_type="application/json")
