"""What ends a job before or without its nodes, and which FailureReason each error becomes."""

import logging

from boto3.exceptions import S3UploadFailedError
from botocore.exceptions import ClientError

from embedded.nodes.channels import ChannelError
from embedded.nodes.image import ImageError
from embedded.operations import ServiceError
from embedded.services.sagemaker.jobs.endings import Reason

INTERNAL_REASON = "InternalServerError: We encountered an internal error. Please try again."

log = logging.getLogger(__name__)


class JobFailure(Exception):
    """The job fails; the message is its FailureReason."""


class JobHalt(Exception):
    """The job ends before its nodes run."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason = reason


def failure_reason(job_name: str, error: Exception) -> str:
    """The FailureReason that an error on the way becomes; what nobody foresaw is in the cloud's log."""
    if isinstance(error, JobFailure | ChannelError | ImageError):
        return str(error)
    if isinstance(error, ServiceError):
        return f"ClientError: {error.message}"
    if isinstance(error, ClientError | S3UploadFailedError):
        return f"ClientError: {error}"
    log.error("job %s failed inside the embedded cloud", job_name, exc_info=error)
    return f"{INTERNAL_REASON} (see the cloud's log)"
