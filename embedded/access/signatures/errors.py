"""The code and the status that each kind of service gives for a request that it cannot authenticate.

IncompleteSignature, InvalidClientTokenId, MissingAuthenticationToken and their statuses stand on the pages "Common
Errors" of the APIs' references, S3's on its list of error codes. Those pages lack UnrecognizedClientException,
InvalidSignatureException and EC2's AuthFailure with their statuses: these are as clients report them.
"""

from embedded.access.signatures.version4 import Fault
from embedded.operations import ServiceError

UNKNOWN_KEY = "unknown key"
UNKNOWN_TOKEN = "unknown token"
EXPIRED_TOKEN = "expired token"

_QUERY: dict[Fault | str, tuple[str, int]] = {
    Fault.MISSING: ("MissingAuthenticationToken", 403),
    Fault.INCOMPLETE: ("IncompleteSignature", 400),
    Fault.MISMATCH: ("SignatureDoesNotMatch", 403),
    Fault.PAYLOAD: ("SignatureDoesNotMatch", 403),
    Fault.SKEWED: ("SignatureDoesNotMatch", 403),
    Fault.EXPIRED_LINK: ("SignatureDoesNotMatch", 403),
    UNKNOWN_KEY: ("InvalidClientTokenId", 403),
    UNKNOWN_TOKEN: ("InvalidClientTokenId", 403),
    EXPIRED_TOKEN: ("ExpiredToken", 403),
}
_JSON: dict[Fault | str, tuple[str, int]] = {
    Fault.MISSING: ("MissingAuthenticationTokenException", 400),
    Fault.INCOMPLETE: ("IncompleteSignatureException", 400),
    Fault.MISMATCH: ("InvalidSignatureException", 400),
    Fault.PAYLOAD: ("InvalidSignatureException", 400),
    Fault.SKEWED: ("InvalidSignatureException", 400),
    Fault.EXPIRED_LINK: ("InvalidSignatureException", 400),
    UNKNOWN_KEY: ("UnrecognizedClientException", 400),
    UNKNOWN_TOKEN: ("UnrecognizedClientException", 400),
    EXPIRED_TOKEN: ("ExpiredTokenException", 400),
}
_S3: dict[Fault | str, tuple[str, int]] = {
    Fault.MISSING: ("AccessDenied", 403),
    Fault.INCOMPLETE: ("AuthorizationHeaderMalformed", 400),
    Fault.MISMATCH: ("SignatureDoesNotMatch", 403),
    Fault.PAYLOAD: ("XAmzContentSHA256Mismatch", 400),
    Fault.SKEWED: ("RequestTimeTooSkewed", 403),
    Fault.EXPIRED_LINK: ("AccessDenied", 403),
    UNKNOWN_KEY: ("InvalidAccessKeyId", 403),
    UNKNOWN_TOKEN: ("InvalidToken", 400),
    EXPIRED_TOKEN: ("ExpiredToken", 400),
}
_EC2: dict[Fault | str, tuple[str, int]] = {
    **_QUERY,
    Fault.MISSING: ("MissingParameter", 400),
    Fault.MISMATCH: ("AuthFailure", 401),
    Fault.PAYLOAD: ("AuthFailure", 401),
    Fault.SKEWED: ("RequestExpired", 400),
    UNKNOWN_KEY: ("AuthFailure", 401),
    UNKNOWN_TOKEN: ("AuthFailure", 401),
    EXPIRED_TOKEN: ("RequestExpired", 400),
}
_MESSAGES = {
    UNKNOWN_KEY: "The security token included in the request is invalid",
    UNKNOWN_TOKEN: "The security token included in the request is invalid",
    EXPIRED_TOKEN: "The security token included in the request is expired",
}


def refusal(service: str, protocol: str, fault: Fault | str, message: str = "") -> ServiceError:
    """The error of a service for a fault of a signature, a key or a token."""
    code, status = _table(service, protocol)[fault]
    if protocol == "rest-json":
        status = 403
    said = _MESSAGES.get(fault, "") if isinstance(fault, str) else ""
    return ServiceError(code, f"{said}: {message}" if said and message else said + message, status)


def _table(service: str, protocol: str) -> dict[Fault | str, tuple[str, int]]:
    if service in ("s3", "s3control"):
        return _S3
    if protocol == "ec2":
        return _EC2
    return _JSON if protocol in ("json", "rest-json") else _QUERY
