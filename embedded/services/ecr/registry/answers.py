"""How the registry answers: JSON errors by the names of OCI's distribution specification."""

import json

from botocore.exceptions import ClientError
from werkzeug.wrappers import Response

from embedded.operations import ServiceError

_VERSION = {"Docker-Distribution-Api-Version": "registry/2.0"}
_OF_ECR = {
    "RepositoryNotFoundException": (404, "NAME_UNKNOWN"),
    "LayersNotFoundException": (404, "BLOB_UNKNOWN"),
    "UploadNotFoundException": (404, "BLOB_UPLOAD_UNKNOWN"),
    "ImageNotFoundException": (404, "MANIFEST_UNKNOWN"),
    "AccessDeniedException": (403, "DENIED"),
    "InvalidLayerException": (400, "DIGEST_INVALID"),
    "InvalidLayerPartException": (416, "BLOB_UPLOAD_INVALID"),
    "EmptyUploadException": (400, "BLOB_UPLOAD_INVALID"),
    "ImageAlreadyExistsException": (400, "TAG_INVALID"),
    "ImageTagAlreadyExistsException": (400, "TAG_INVALID"),
}


class Refused(Exception):
    """What the registry refuses."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code = status, code


def answer(status: int, body: bytes | str = b"", **headers: str) -> Response:
    """An answer; `Docker_Content_Digest="..."` is a header."""
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(body, status=status, headers={**_VERSION, **given})


def refusal(error: Refused | ServiceError | ClientError) -> Response:
    """The answer that says why not."""
    if isinstance(error, Refused):
        return _error(error.status, error.code, str(error))
    said = error.response["Error"] if isinstance(error, ClientError) else {"Code": error.code, "Message": str(error)}
    status, code = _OF_ECR.get(said["Code"], (400, "UNSUPPORTED"))
    return _error(status, code, f"{said['Code']}: {said['Message']}")


def no_entry(message: str) -> Response:
    """The answer to who has not logged in."""
    found = _error(401, "UNAUTHORIZED", message)
    found.headers["Www-Authenticate"] = 'Basic realm="the embedded cloud",service="ecr.amazonaws.com"'
    return found


def _error(status: int, code: str, message: str) -> Response:
    body = json.dumps({"errors": [{"code": code, "message": message}]})
    return answer(status, body, Content_Type="application/json")
