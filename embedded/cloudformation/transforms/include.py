"""AWS::Include: a snippet of a template out of a bucket."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from botocore.exceptions import ClientError

from embedded import clients
from embedded.cloudformation.errors import TemplateError, TransformError
from embedded.cloudformation.templates.template import read_document
from embedded.operations import Call

_FAILED = "Transform AWS::Include failed with:"


def read(given: Mapping[str, Any], call: Call) -> Any:
    """The snippet at the Location, an S3 URI."""
    location = str(given.get("Location", ""))
    parts = urlsplit(location)
    if parts.scheme != "s3" or not parts.netloc or not parts.path.strip("/"):
        raise TransformError(f"{_FAILED} The location parameter is not a valid S3 uri.")
    s3 = clients.client("s3", call.account, call.region)
    try:
        body: bytes = s3.get_object(Bucket=parts.netloc, Key=parts.path.lstrip("/"))["Body"].read()
    except ClientError as error:
        if error.response["Error"]["Code"] == "NoSuchBucket":
            raise TransformError(f"{_FAILED} S3 bucket [{parts.netloc}] does not exist.") from None
        raise TransformError(f"{_FAILED} The specified S3 object's content could not be read: {location}") from None
    try:
        return read_document(body.decode())
    except (TemplateError, UnicodeDecodeError):
        message = "The specified S3 object's content should be valid Yaml/JSON"
        raise TransformError(f"{_FAILED} {message}") from None
