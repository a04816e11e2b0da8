"""Who sends a request: the claim that it makes, and whether its signature proves it."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from moto.core.request import Request

from embedded.access import sessions
from embedded.access.sessions import Caller, Key
from embedded.access.signatures import errors, version2, version4
from embedded.access.signatures.bodies import checked_body
from embedded.access.signatures.version4 import Fault, HttpRequest, SignatureFault
from embedded.clients import DEFAULT_REGION
from embedded.operations import ServiceError
from embedded.protocol import BODY_SHA256, Parsed

_HINT = 'Run eval "$(yard cloud env)" to sign with the secret of this embedded cloud.'
"""A shell that was set up for another cloud, or by hand, is the usual cause of a wrong signature here."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Claim:
    """Who a request says that it is from; not believed yet."""

    access_key: str
    region: str
    signing_name: str
    token: str | None
    proof: version4.Signature | version2.OldLink
    http: HttpRequest
    """What was signed."""


def claim_of(request: Request) -> Claim:
    """Read the claim; raises SignatureFault where there is none or it cannot be read."""
    http = _http(request)
    old = version2.read_old(http)
    if old is not None:
        # a link of the old form names no region
        key, token = old.access_key, old.token
        return Claim(access_key=key, region=DEFAULT_REGION, signing_name="s3", token=token, proof=old, http=http)
    signature = version4.read(http)
    return Claim(
        access_key=signature.access_key,
        region=signature.region,
        signing_name=signature.service,
        token=signature.token,
        proof=signature,
        http=http,
    )


def authenticate(request: Request, claim: Claim, parsed: Parsed | None) -> Caller:
    """Believe a claim, or raise the error with which its service refuses it."""
    service, protocol = (claim.signing_name, "json") if parsed is None else (parsed.service, parsed.protocol)
    key = sessions.find_key(claim.access_key, claim.region)
    if key is None:
        raise errors.refusal(service, protocol, errors.UNKNOWN_KEY, f"no such key here: {claim.access_key!r}. {_HINT}")
    if key.token != claim.token:
        raise errors.refusal(service, protocol, errors.UNKNOWN_TOKEN)
    if key.has_expired:
        raise errors.refusal(service, protocol, errors.EXPIRED_TOKEN)
    try:
        _verify(request, claim, key)
    except SignatureFault as fault:
        raise as_error(fault, service, protocol) from None
    return key.caller


def as_error(fault: SignatureFault, service: str, protocol: str) -> ServiceError:
    """The fault in a service's words."""
    hint = f" {_HINT}" if fault.fault is Fault.MISMATCH else ""
    return errors.refusal(service, protocol, fault.fault, fault.message + hint)


def _verify(request: Request, claim: Claim, key: Key) -> None:
    http = claim.http
    http.body_sha256 = request.environ.get(BODY_SHA256)
    if isinstance(claim.proof, version2.OldLink):
        version2.verify_old(http, claim.proof, key.secret)
        return
    version4.verify(http, claim.proof, key.secret)
    said = http.headers.get("x-amz-content-sha256")
    if http.body_sha256 is not None:
        if said is not None and said != http.body_sha256 and said != version4.UNSIGNED_PAYLOAD:
            raise SignatureFault(Fault.PAYLOAD, "The body is not the one that x-amz-content-sha256 was made of.")
        return
    environ = request.environ
    length = environ.get("CONTENT_LENGTH")
    body = checked_body(
        environ["wsgi.input"],
        length=int(length) if length else None if environ.get("wsgi.input_terminated") else 0,
        said=said,
        signature=claim.proof,
        secret=key.secret,
    )
    if body is not None:
        environ["wsgi.input"] = body


def _http(request: Request) -> HttpRequest:
    """The request as it came over the wire; WSGI's PATH_INFO is decoded, and a signature covers what was sent."""
    environ: dict[str, Any] = request.environ
    raw_path, _, raw_query = environ["REQUEST_URI"].partition("?")
    headers = {
        header: value
        for name, value in environ.items()
        if (header := _header(name)) is not None and (value or name not in _WITHOUT_PREFIX)
    }
    return HttpRequest(method=environ["REQUEST_METHOD"], raw_path=raw_path, raw_query=raw_query, headers=headers)


@lru_cache(maxsize=1024)
def _header(name: str) -> str | None:
    """The header that a name of WSGI stands for, in small letters; None for what is no header."""
    if not name.startswith("HTTP_") and name not in _WITHOUT_PREFIX:
        return None
    return name.removeprefix("HTTP_").replace("_", "-").lower()


_WITHOUT_PREFIX = ("CONTENT_TYPE", "CONTENT_LENGTH")
"""How WSGI names the two headers that it treats apart."""
