"""Signature Version 4: what a request says about its signer, and whether the signature fits the secret.

Written from the published specification and held against botocore's signers and AWS's worked examples. Errors name what
does not fit; `errors` beside this file gives each service's code for them.
"""

import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from functools import lru_cache
from urllib.parse import quote, unquote_plus

ALGORITHM = "AWS4-HMAC-SHA256"
UNSIGNED_PAYLOAD = "UNSIGNED-PAYLOAD"
EMPTY_SHA256 = hashlib.sha256(b"").hexdigest()

_TIME = "%Y%m%dT%H%M%SZ"
_TIME_WRITTEN = re.compile(r"[0-9]{8}T[0-9]{6}Z")
_SKEW = timedelta(minutes=15)
_LONGEST_LINK_SECONDS = 604_800
_SCOPE = re.compile(r"(?P<key>[^/]+)/(?P<day>\d{8})/(?P<region>[^/]+)/(?P<service>[^/]+)/aws4_request")
_HEADER_FIELD = re.compile(r"(Credential|SignedHeaders|Signature)=([^,\s]*)")
_SPACES = re.compile(r" +")


class Fault(Enum):
    """What is wrong with a signature, whatever the service calls it."""

    MISSING = "missing"
    INCOMPLETE = "incomplete"
    MISMATCH = "mismatch"
    SKEWED = "skewed"
    EXPIRED_LINK = "expired link"
    PAYLOAD = "payload"


class SignatureFault(Exception):
    """A request whose signature is missing, unreadable, out of time or wrong."""

    def __init__(self, fault: Fault, message: str) -> None:
        super().__init__(message)
        self.fault, self.message = fault, message


@dataclass(kw_only=True, slots=True)
class HttpRequest:
    """A request as it came over the wire; every request of the cloud makes one, so it is not frozen, which costs."""

    method: str
    raw_path: str
    """The path as sent, still percent-encoded."""

    raw_query: str
    """The query as sent, still percent-encoded."""

    headers: Mapping[str, str]
    """By lower-case name."""

    body_sha256: str | None = None
    """The hash of the body where it has been read by now; None where it streams."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Signature:
    """What a request says about who signed it and how."""

    access_key: str
    day: str
    region: str
    service: str
    time: datetime
    signed_headers: tuple[str, ...]
    value: str
    token: str | None
    expires_seconds: int | None = None
    """How long a pre-signed URL holds; None for a signature in the header."""

    @property
    def scope(self) -> str:
        return f"{self.day}/{self.region}/{self.service}/aws4_request"


def read(request: HttpRequest) -> Signature:
    """Read the signature of a request, from its header or from a pre-signed URL."""
    header = request.headers.get("authorization", "")
    query = dict(_pairs(request.raw_query))
    if header.startswith(f"{ALGORITHM} "):
        return _of_header(request, header)
    if header:
        raise SignatureFault(
            Fault.INCOMPLETE, f"Unsupported signature algorithm {header.partition(' ')[0]!r}: use {ALGORITHM}"
        )
    if "X-Amz-Algorithm" in query or "X-Amz-Credential" in query:
        return _of_query(query)
    raise SignatureFault(Fault.MISSING, "Missing Authentication Token")


def verify(request: HttpRequest, signature: Signature, secret: str, *, now: datetime | None = None) -> None:
    """Raise unless the request was signed with this secret, for this moment."""
    _check_time(signature, datetime.now(UTC) if now is None else now)
    for name in _must_be_signed(request):
        if name not in signature.signed_headers:
            raise SignatureFault(
                Fault.MISMATCH, f"There were headers present in the request which were not signed: {name}"
            )
    text = canonical(request, signature)
    expected = sign(signing_key(secret, signature.day, signature.region, signature.service), _to_sign(signature, text))
    if not same(expected, signature.value):
        raise SignatureFault(
            Fault.MISMATCH,
            "The request signature we calculated does not match the signature you provided. "
            "Check your AWS Secret Access Key and signing method.",
        )


def canonical(request: HttpRequest, signature: Signature) -> str:
    """The canonical request, as the specification calls it."""
    path = request.raw_path or "/"
    if signature.service != "s3":
        # S3 alone signs the path as it is sent
        path = _canonical_path(path)
    pairs = [(key, value) for key, value in _pairs(request.raw_query) if key != "X-Amz-Signature"]
    query = "&".join(f"{key}={value}" for key, value in sorted((_encoded(k), _encoded(v)) for k, v in pairs))
    headers = "".join(
        f"{name}:{_SPACES.sub(' ', request.headers.get(name, '').strip())}\n" for name in signature.signed_headers
    )
    parts = [request.method, path, query, headers, ";".join(signature.signed_headers), _payload(request, signature)]
    return "\n".join(parts)


@lru_cache(maxsize=256)
def _canonical_path(path: str) -> str:
    return quote(_normalized(path), safe="/~")


@lru_cache(maxsize=256)
def signing_key(secret: str, day: str, region: str, service: str) -> bytes:
    """The key of a day, a region and a service; every request of that day has the same."""
    key = f"AWS4{secret}".encode()
    for part in (day, region, service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


def sign(key: bytes, text: str) -> str:
    """The signature of a text."""
    return hmac.digest(key, text.encode(), "sha256").hex()


def same(expected: str, said: str) -> bool:
    """Compare two secrets in constant time; what a stranger says may hold any letters."""
    return hmac.compare_digest(expected.encode(), said.encode(errors="surrogateescape"))


@lru_cache(maxsize=256)
def timestamp(time: datetime) -> str:
    """A moment as signatures write it."""
    return time.strftime(_TIME)


def _to_sign(signature: Signature, text: str) -> str:
    digest = hashlib.sha256(text.encode()).hexdigest()
    return "\n".join([ALGORITHM, timestamp(signature.time), signature.scope, digest])


def _of_header(request: HttpRequest, header: str) -> Signature:
    fields = dict(_HEADER_FIELD.findall(header))
    missing = [name for name in ("Credential", "SignedHeaders", "Signature") if not fields.get(name)]
    if missing:
        raise SignatureFault(Fault.INCOMPLETE, f"Authorization header requires {', '.join(missing)}")
    written = request.headers.get("x-amz-date")
    if written is None:
        raise SignatureFault(Fault.INCOMPLETE, "Authorization header requires an 'X-Amz-Date' header")
    return _signature(
        fields["Credential"],
        time=written,
        signed_headers=fields["SignedHeaders"],
        value=fields["Signature"],
        token=request.headers.get("x-amz-security-token"),
    )


def _of_query(query: Mapping[str, str]) -> Signature:
    names = ("Algorithm", "Credential", "Date", "Expires", "SignedHeaders", "Signature")
    missing = [f"X-Amz-{name}" for name in names if not query.get(f"X-Amz-{name}")]
    if missing:
        raise SignatureFault(Fault.INCOMPLETE, f"Query-string authentication requires {', '.join(missing)}")
    if query["X-Amz-Algorithm"] != ALGORITHM:
        raise SignatureFault(Fault.INCOMPLETE, f"X-Amz-Algorithm only supports {ALGORITHM}")
    expires = query["X-Amz-Expires"]
    if not expires.isdecimal() or not 0 < int(expires) <= _LONGEST_LINK_SECONDS:
        raise SignatureFault(
            Fault.INCOMPLETE,
            f"X-Amz-Expires must be a number of seconds from 1 to {_LONGEST_LINK_SECONDS}, not {expires!r}",
        )
    return _signature(
        query["X-Amz-Credential"],
        time=query["X-Amz-Date"],
        signed_headers=query["X-Amz-SignedHeaders"],
        value=query["X-Amz-Signature"],
        token=query.get("X-Amz-Security-Token"),
        expires_seconds=int(expires),
    )


def _signature(
    credential: str,
    *,
    time: str,
    signed_headers: str,
    value: str,
    token: str | None,
    expires_seconds: int | None = None,
) -> Signature:
    scope = _SCOPE.fullmatch(credential)
    if scope is None:
        raise SignatureFault(
            Fault.INCOMPLETE, f"Credential must be KEY/DATE/REGION/SERVICE/aws4_request, not {credential!r}"
        )
    try:
        moment = datetime.fromisoformat(time) if _TIME_WRITTEN.fullmatch(time) else None
    except ValueError:  # the 13th month
        moment = None
    if moment is None:
        raise SignatureFault(Fault.INCOMPLETE, f"X-Amz-Date must look like 20261129T120000Z, not {time!r}")
    if scope["day"] != time[:8]:
        raise SignatureFault(
            Fault.MISMATCH, f"Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date: {time}"
        )
    return Signature(
        access_key=scope["key"],
        day=scope["day"],
        region=scope["region"],
        service=scope["service"],
        time=moment,
        signed_headers=tuple(signed_headers.lower().split(";")),
        value=value,
        token=token,
        expires_seconds=expires_seconds,
    )


def _check_time(signature: Signature, now: datetime) -> None:
    if signature.expires_seconds is not None:
        if now > signature.time + timedelta(seconds=signature.expires_seconds):
            raise SignatureFault(Fault.EXPIRED_LINK, "Request has expired")
        if signature.time > now + _SKEW:
            raise SignatureFault(Fault.EXPIRED_LINK, "Request is not valid yet")
        return
    if abs(now - signature.time) > _SKEW:
        older = signature.time < now
        what = "Signature expired" if older else "Signature not yet current"
        raise SignatureFault(
            Fault.SKEWED,
            f"{what}: {timestamp(signature.time)} is now {'earlier' if older else 'later'} than "
            f"{timestamp(now - _SKEW if older else now + _SKEW)} "
            f"({timestamp(now)} {'-' if older else '+'} 15 min.)",
        )


def _must_be_signed(request: HttpRequest) -> Iterable[str]:
    """Headers that change what a request means, so that AWS insists on their signature."""
    yield "host"
    # content-type may be unsigned everywhere; of x-amz-*, all that are there count
    yield from (name for name in request.headers if name.startswith("x-amz-") and name not in _MAY_BE_UNSIGNED)


_MAY_BE_UNSIGNED = frozenset({"x-amz-content-sha256", "x-amz-date", "x-amzn-trace-id"})


def _payload(request: HttpRequest, signature: Signature) -> str:
    said = request.headers.get("x-amz-content-sha256")
    if said is not None:
        return said
    if signature.service == "s3":
        return UNSIGNED_PAYLOAD
    return EMPTY_SHA256 if request.body_sha256 is None else request.body_sha256


def _pairs(raw_query: str) -> list[tuple[str, str]]:
    parts = [part.partition("=") for part in raw_query.split("&") if part]
    return [(unquote_plus(key), unquote_plus(value)) for key, _, value in parts]


def _encoded(text: str) -> str:
    return quote(text, safe="-_.~")


def _normalized(path: str) -> str:
    kept: list[str] = []
    for part in path.split("/"):
        if part == "..":
            kept[-1:] = []
        elif part not in ("", "."):
            kept.append(part)
    return "/" + "/".join(kept) + ("/" if path.endswith("/") and kept else "")
