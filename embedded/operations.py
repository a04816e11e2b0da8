"""Where the embedded cloud's own service operations are put down, and what they are given.

Everything that is not registered here is answered by moto. An operation takes the parsed request (botocore's
parameter names) and returns the response as a dict, or raises `ServiceError`; the front does the protocol.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from moto.core.request import Request
from werkzeug.wrappers import Response

Params = dict[str, Any]
Operation = Callable[["Call", Params], Mapping[str, Any]]
AdminVerb = Callable[[Params], Mapping[str, Any]]

Check = Callable[["Call", Params], None]
Arrival = Callable[[Request], None]
Done = Callable[[Params], None]
Plain = Callable[[dict[str, Any]], Response]

_checks: dict[tuple[str, str], Check] = {}
_arrivals: dict[tuple[str, str], Arrival] = {}
_operations: dict[tuple[str, str], Operation] = {}
_admin: dict[str, AdminVerb] = {}
_by_token: set[str] = set()
_plain: dict[str, Plain] = {}
_unsigned: set[str] = set()
_form_posts: list[Plain] = []
_done: dict[tuple[str, str], Done] = {}


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """Who asks, and where."""

    account: str
    """The twelve digits of the account."""
    region: str
    """The region the request was signed for."""
    principal: str
    """The caller's ARN: a role session, a user, or the account's root."""
    access_key: str | None = None
    """The key that signed the request; None for what a part of the cloud does itself."""


class ServiceError(Exception):
    """An error as the service would answer it."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code, self.message, self.status = code, message, status


def operation(service: str, name: str) -> Callable[[Operation], Operation]:
    """Register an operation under botocore's names: `@operation("sagemaker", "CreateTrainingJob")`."""

    def register(function: Operation) -> Operation:
        _operations[service, name] = function
        return function

    return register


def check(service: str, *names: str) -> Callable[[Check], Check]:
    """Register what is looked at before moto answers these operations: what moto takes and the service would not."""

    def register(function: Check) -> Check:
        for name in names:
            _checks[service, name] = function
        return function

    return register


def arrival(service: str, *names: str) -> Callable[[Arrival], Arrival]:
    """Register what takes the body of these operations out of a request before moto answers it."""

    def register(function: Arrival) -> Arrival:
        for name in names:
            _arrivals[service, name] = function
        return function

    return register


def done(service: str, *names: str) -> Callable[[Done], Done]:
    """Register what hears of these operations when moto has done them, before their client does."""

    def register(function: Done) -> Done:
        for name in names:
            _done[service, name] = function
        return function

    return register


def find_done(service: str, name: str) -> Done | None:
    """Who hears that an operation was done, or None."""
    return _done.get((service, name))


def admin(verb: str, *, own_token: bool = False) -> Callable[[AdminVerb], AdminVerb]:
    """Register a verb of the cloud's own interface, `POST /_yard/<verb>` with a JSON body: faults, quotas, status.

    The owner's secret opens it; one with `own_token` is given out as an address that holds a token of its own.
    """

    def register(function: AdminVerb) -> AdminVerb:
        _admin[verb] = function
        if own_token:
            _by_token.add(verb)
        return function

    return register


def by_path(prefix: str, *, unsigned: bool = False) -> Callable[[Plain], Plain]:
    """Register who answers all requests whose path begins so, whatever they are: they ask for no service of AWS.

    With `unsigned`, a request with a signature of AWS's is none of them: services have paths that begin so, too.
    """

    def register(function: Plain) -> Plain:
        _plain[prefix] = function
        if unsigned:
            _unsigned.add(prefix)
        return function

    return register


def find_by_path(environ: Mapping[str, Any]) -> Plain | None:
    """Who answers a request to this path, or None where it is a request to a service."""
    path = environ.get("PATH_INFO", "")
    prefix = next((prefix for prefix in _plain if path.startswith(prefix)), None)
    if prefix is None or (prefix in _unsigned and _is_signed(environ)):
        return None
    return _plain[prefix]


def _is_signed(environ: Mapping[str, Any]) -> bool:
    return environ.get("HTTP_AUTHORIZATION", "").startswith("AWS") or "X-Amz-" in environ.get("QUERY_STRING", "")


def form_posts(function: Plain) -> Plain:
    """Register who answers forms that are posted without a signature of the request's own."""
    _form_posts.append(function)
    return function


def find_form_post(environ: Mapping[str, Any]) -> Plain | None:
    """Who answers such a form, or None where a request is none."""
    is_form = str(environ.get("CONTENT_TYPE", "")).startswith("multipart/form-data")
    if environ["REQUEST_METHOD"] != "POST" or not is_form or "HTTP_AUTHORIZATION" in environ:
        return None
    return None if "X-Amz-" in environ.get("QUERY_STRING", "") else next(iter(_form_posts), None)


def find_operation(service: str, name: str) -> Operation | None:
    """The registered operation, or None where moto answers."""
    return _operations.get((service, name))


def find_check(service: str, name: str) -> Check | None:
    """The registered check, or None."""
    return _checks.get((service, name))


def find_arrival(service: str, name: str) -> Arrival | None:
    """What is registered to take the body, or None where moto reads it."""
    return _arrivals.get((service, name))


def find_admin(verb: str) -> AdminVerb | None:
    """The registered verb, or None."""
    return _admin.get(verb)


def has_own_token(verb: str) -> bool:
    """Whether a verb is opened by a token in its address."""
    return verb in _by_token


def operations() -> list[tuple[str, str]]:
    """Every registered operation: service and name, in order."""
    return sorted(_operations)


def verbs() -> list[str]:
    """Every registered verb, in order."""
    return sorted(_admin)


def amount(name: str, value: object) -> float:
    """A number from 0 on; whatever else is refused by its name."""
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        raise ServiceError("ValidationException", f"{name}: {str(value)[:80]!r} is not a number") from None
    if not math.isfinite(number):
        raise ServiceError("ValidationException", f"{name}: {number} is not a finite number")
    if number < 0:
        raise ServiceError("ValidationException", f"{name}: {str(value)[:80]} is negative")
    return number
