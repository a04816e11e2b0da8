"""The front: every request passes here, is allowed or denied, and answered by our own operation or by moto."""

import json
import logging
from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import parse_qsl

from moto.backend_index import backend_url_patterns
from moto.core.parse import RequestParserError
from moto.core.request import Request
from werkzeug.wrappers import Response

from embedded import doors, protocol, traits
from embedded.access import authentication, exchanges, guard
from embedded.access.authentication import Claim
from embedded.access.sessions import NOBODY, Caller
from embedded.access.signatures.version4 import Fault, SignatureFault, same
from embedded.clients import DEFAULT_REGION, owner_secret
from embedded.kept import parts
from embedded.model_check import answers, requests
from embedded.operations import (
    Call,
    ServiceError,
    find_admin,
    find_arrival,
    find_by_path,
    find_check,
    find_done,
    find_form_post,
    find_operation,
    has_own_token,
)
from embedded.process.running import SECRET_HEADER

log = logging.getLogger(__name__)

ADMIN_PREFIX = "/_yard/"
_MOTO_PREFIX = "/moto-api"
_NOT_EMULATED = 501
"""The status for what this cloud cannot do: clients repeat a 500 for a minute, but not this one."""
_BY_PATH = "rest-json"
"""The protocol whose operations moto finds by their paths alone."""

_CHANGES = "yard.changes"
"""Where a request's environment says whether it may have changed what is kept."""

_READS = (
    *("BatchGet", "Describe", "Filter", "Get", "Head", "InvokeEndpoint", "List", "Lookup", "Search", "Simulate"),
    "Validate",
)

Wsgi = Any


class Front:
    """The WSGI application in front of moto's dispatcher."""

    def __init__(self, moto: Wsgi) -> None:
        self._moto = moto

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        try:
            return self._answer(environ, start_response)
        finally:
            if environ.get(_CHANGES, True):
                parts.touch()

    def _answer(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        refused = doors.refusal(environ)
        if refused is not None:
            return _json(403, {"error": refused})(environ, start_response)
        path = environ.get("PATH_INFO", "")
        if path.startswith(ADMIN_PREFIX):
            return _admin(environ)(environ, start_response)
        if path.startswith(_MOTO_PREFIX):
            return _json(404, {"error": "moto's own pages are off here"})(environ, start_response)
        plain = find_by_path(environ) or find_form_post(environ)
        if plain is not None:
            return plain(environ)(environ, start_response)
        return self._signed(environ, start_response)

    def _signed(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        # a request that its environment refers to would wait for the garbage collection, with its body
        request = Request(environ, populate_request=False)
        claim: Claim | None = None
        parsed: protocol.Parsed | None = None
        exchange: exchanges.Open | None = None
        try:
            try:
                claim = authentication.claim_of(request)
            except SignatureFault as fault:
                if fault.fault is not Fault.MISSING:
                    raise
            # an unsigned request can only mean S3: all other services know nobody without a signature
            service = "s3" if claim is None else traits.service_of(claim.signing_name, request.path)
            parsed = protocol.parse(request, service)
            environ[_CHANGES] = parsed is None or not parsed.operation.startswith(_READS)
            caller = NOBODY if claim is None else authentication.authenticate(request, claim, parsed)
            region = DEFAULT_REGION if claim is None else claim.region
            environ["HTTP_X_MOTO_ACCOUNT_ID"] = caller.account
            if claim is None and _names_no_bucket(parsed):
                raise SignatureFault(Fault.MISSING, "Request is missing Authentication Token")
            response = None
            if parsed is not None:
                key = None if claim is None else claim.access_key
                exchange = exchanges.Open(parsed, caller, key, region)
                guard.check(parsed, caller, region, request)
                if caller.is_anonymous:
                    # moto answers an unsigned request by the object's ACL; the bucket's policy has decided already
                    environ["HTTP_AUTHORIZATION"] = "allowed by the bucket's policy"
                response = self._own_answer(request, parsed, caller, region, key)
        except SignatureFault as fault:
            response = _refused(parsed, authentication.as_error(fault, *_words(request, claim, parsed)))
        except ServiceError as error:
            response = _refused(parsed, error)
        except Exception as error:
            response = _failed(parsed, error)
        if exchange is None:
            return self._or_moto(response, environ, start_response, parsed)
        begin = exchange.hearing(start_response)
        return exchange.closed(environ, self._or_moto(response, environ, begin, parsed))

    def _or_moto(
        self, response: Response | None, environ: dict[str, Any], start_response: Any, parsed: protocol.Parsed | None
    ) -> Iterable[bytes]:
        if response is not None:
            answer: Iterable[bytes] = response(environ, start_response)
            return answer
        return self._pass_on(environ, start_response, parsed)

    @staticmethod
    def _own_answer(
        request: Request, parsed: protocol.Parsed, caller: Caller, region: str, key: str | None
    ) -> Response | None:
        known = traits.of(parsed.service)
        if known.modelled:
            requests.check(parsed.service, parsed.protocol, parsed.model, parsed.params)
        elif known.missing is not None:
            requests.check_given(parsed.model, parsed.params, *known.missing)
        function = find_operation(parsed.service, parsed.operation)
        call = Call(account=caller.account, region=region, principal=caller.principal, access_key=key)
        if function is None and known.wholly_ours:
            raise _broken(parsed, NotImplementedError())
        if function is None:
            check = find_check(parsed.service, parsed.operation)
            if check is not None:
                check(call, parsed.params)
            take = find_arrival(parsed.service, parsed.operation)
            if take is None:
                protocol.rewind_if_read(request)
            else:
                take(request)
            return None
        result = function(call, protocol.with_body(request, parsed).params)
        answers.check(parsed.model, result)
        return protocol.answer(parsed, result)

    def _moto_answer(
        self, environ: dict[str, Any], start_response: Any, parsed: protocol.Parsed | None
    ) -> Iterable[bytes]:
        """moto's answer; an error where it has no such operation, which it says with a page for people."""
        if parsed is None or parsed.protocol != _BY_PATH:
            found: Iterable[bytes] = self._moto(environ, start_response)
            return found
        told: list[Any] = []
        found = self._moto(environ, lambda status, headers, *rest: told.extend((status, headers, *rest)))
        body = b"".join(found)
        if _is_no_answer(told[0], told[1], body):
            raise NotImplementedError
        start_response(*told)
        return [body]

    def _pass_on(self, environ: dict[str, Any], start_response: Any, parsed: protocol.Parsed | None) -> Iterable[bytes]:
        try:
            with traits.turn(None if parsed is None else parsed.service):
                answer = self._moto_answer(environ, start_response, parsed)
            # moto's request, for the same reason as ours
            environ.pop("werkzeug.request", None)
            hears = None if parsed is None else find_done(parsed.service, parsed.operation)
            if parsed is not None and hears is not None:
                hears(parsed.params)
            return answer
        except SignatureFault as fault:
            # the body was read to its end, and is not what was signed
            service, wire = ("s3", "rest-xml") if parsed is None else (parsed.service, parsed.protocol)
            return _refused(parsed, authentication.as_error(fault, service, wire))(environ, start_response)
        except Exception as error:
            if parsed is None:
                log.exception("a request without a known operation failed: %s", environ.get("PATH_INFO"))
                return Response(f"{type(error).__name__}: {error}", status=_NOT_EMULATED)(environ, start_response)
            if _is_unknown_to_moto(parsed):
                error = NotImplementedError()
            elif not isinstance(error, NotImplementedError):
                log.exception("%s:%s failed inside moto", parsed.service, parsed.operation)
            return protocol.answer_error(parsed, _broken(parsed, error))(environ, start_response)


def _is_no_answer(status: str, headers: Sequence[tuple[str, str]], body: bytes) -> bool:
    """Whether it is the page that says that nothing is at the request's path: moto knows no such operation."""
    kind = next((value for name, value in headers if name.lower() == "content-type"), "")
    return status.startswith("404") and kind.startswith("text/html") and body[:9].lower() == b"<!doctype"


def _is_unknown_to_moto(parsed: protocol.Parsed) -> bool:
    """Whether moto has nothing for the service: its dispatcher then breaks, and says nothing of that."""
    prefix = parsed.model.service_model.metadata["endpointPrefix"]
    address = f"https://{prefix}.{DEFAULT_REGION}.amazonaws.com"
    return not any(pattern.match(address) for _, pattern in backend_url_patterns)


def _broken(parsed: protocol.Parsed, error: Exception) -> ServiceError:
    what = f"{parsed.service}:{parsed.operation}"
    if isinstance(error, NotImplementedError):
        return ServiceError("NotImplemented", f"the embedded cloud does not emulate {what}", _NOT_EMULATED)
    message = f"the embedded cloud failed at {what}: {type(error).__name__}: {error} (its log has the traceback)"
    return ServiceError("InternalFailure", message, _NOT_EMULATED)


def _names_no_bucket(parsed: protocol.Parsed | None) -> bool:
    return parsed is None or "Bucket" not in parsed.params


def _words(request: Request, claim: Claim | None, parsed: protocol.Parsed | None) -> tuple[str, str]:
    """The service and the protocol whose words an error takes, as far as the request tells."""
    if claim is None:
        is_json = "HTTP_X_AMZ_TARGET" in request.environ or "json" in (request.content_type or "")
        return ("", "json") if is_json else ("", "query")
    if parsed is None:
        return claim.signing_name, "json"
    return parsed.service, parsed.protocol


def _refused(parsed: protocol.Parsed | None, error: ServiceError) -> Response:
    if parsed is None:
        return _json(error.status, {"__type": error.code, "message": error.message})
    return protocol.answer_error(parsed, error)


def _failed(parsed: protocol.Parsed | None, error: Exception) -> Response:
    if parsed is not None:
        log.exception("%s:%s failed inside the embedded cloud", parsed.service, parsed.operation)
        return protocol.answer_error(parsed, _broken(parsed, error))
    if not isinstance(error, ValueError | KeyError | TypeError | RequestParserError):
        log.exception("a request could not be read")
    message = f"the request cannot be read by its service's model: {type(error).__name__}: {error}"
    return _json(400, {"__type": "SerializationException", "message": message})


def _admin(environ: dict[str, Any]) -> Response:
    """Answer `/_yard/<verb>`: query parameters and a JSON body are the verb's parameters."""
    request = Request(environ, populate_request=False)
    verb = environ["PATH_INFO"].removeprefix(ADMIN_PREFIX).strip("/")
    environ[_CHANGES] = verb not in ("inventory", "status")
    if not has_own_token(verb):
        if environ["REQUEST_METHOD"] != "POST":
            return _json(405, {"error": f"/_yard/{verb} takes POST alone"})
        if not same(owner_secret(), request.headers.get(SECRET_HEADER, "")):
            return _json(403, {"error": f"/_yard/{verb} needs this cloud's secret in the header {SECRET_HEADER}"})
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
