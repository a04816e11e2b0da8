"""Pre-signed URLs of Signature Version 2, which boto3 still makes for S3 in the older regions."""

import base64
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import unquote_plus

from embedded.access.signatures.version4 import Fault, HttpRequest, SignatureFault, same

_SUBRESOURCES = frozenset(
    {
        *("accelerate", "acl", "cors", "defaultObjectAcl", "delete", "lifecycle", "location", "logging"),
        *("notification", "partNumber", "policy", "requestPayment", "restore", "tagging", "torrent"),
        *("uploadId", "uploads", "versionId", "versioning", "versions", "website"),
        *("response-cache-control", "response-content-disposition", "response-content-encoding"),
        *("response-content-language", "response-content-type", "response-expires"),
    }
)


@dataclass(frozen=True, kw_only=True, slots=True)
class OldLink:
    """What a link of the old form says."""

    access_key: str
    expires: int
    """Seconds since 1970."""
    value: str
    token: str | None


def read_old(request: HttpRequest) -> OldLink | None:
    """The link's parts, or None for a request of another kind."""
    query = _query(request)
    if "AWSAccessKeyId" not in query:
        return None
    expires, value = query.get("Expires"), query.get("Signature")
    if expires is None or not expires.isdecimal() or value is None:
        raise SignatureFault(
            Fault.INCOMPLETE,
            "Query-string authentication requires Signature, Expires and AWSAccessKeyId",
        )
    return OldLink(
        access_key=query["AWSAccessKeyId"], expires=int(expires), value=value, token=query.get("x-amz-security-token")
    )


def verify_old(request: HttpRequest, link: OldLink, secret: str, *, now: datetime | None = None) -> None:
    """Raise unless the link was signed with this secret and still holds."""
    if (datetime.now(UTC) if now is None else now).timestamp() > link.expires:
        raise SignatureFault(Fault.EXPIRED_LINK, "Request has expired")
    digest = hmac.digest(secret.encode(), _to_sign(request, link).encode(), "sha1")
    if not same(base64.b64encode(digest).decode(), link.value):
        raise SignatureFault(
            Fault.MISMATCH,
            "The request signature we calculated does not match the signature you provided. "
            "Check your AWS Secret Access Key and signing method.",
        )


def _to_sign(request: HttpRequest, link: OldLink) -> str:
    query = _query(request)
    amz = {name: value.strip() for name, value in request.headers.items() if name.startswith("x-amz-")}
    amz |= {name: value for name, value in query.items() if name.startswith("x-amz-")}
    inner = sorted(f"{name}={value}" if value else name for name, value in query.items() if name in _SUBRESOURCES)
    resource = request.raw_path + (f"?{'&'.join(inner)}" if inner else "")
    headers = "".join(f"{name}:{value}\n" for name, value in sorted(amz.items()))
    first = [
        request.method,
        request.headers.get("content-md5", ""),
        request.headers.get("content-type", ""),
        str(link.expires),
    ]
    return "\n".join(first) + f"\n{headers}{resource}"


def _query(request: HttpRequest) -> Mapping[str, str]:
    parts = (part.partition("=") for part in request.raw_query.split("&") if part)
    return {unquote_plus(key): unquote_plus(value) for key, _, value in parts}
