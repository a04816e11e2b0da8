"""Requests whose body says what to do, sent without one: moto reads the nothing as XML and breaks."""

from moto.core.request import Request

from embedded.operations import ServiceError, arrival
from embedded.protocol import rewind_if_read


@arrival(
    "s3",
    "CompleteMultipartUpload",
    "CreateBucketMetadataConfiguration",
    "CreateBucketMetadataTableConfiguration",
    "DeleteObjects",
    "PutBucketAccelerateConfiguration",
    "PutBucketCors",
    "PutBucketEncryption",
    "PutBucketInventoryConfiguration",
    "PutBucketNotification",
    "PutBucketNotificationConfiguration",
    "PutBucketOwnershipControls",
    "PutBucketTagging",
    "PutPublicAccessBlock",
)
def must_say_something(request: Request) -> None:
    """Refuse an empty body; one that comes in chunks has no length yet."""
    if not request.content_length and request.headers.get("Transfer-Encoding") is None:
        raise ServiceError("MissingRequestBodyError", "Request Body is empty")
    rewind_if_read(request)
