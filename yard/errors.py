"""User mistakes and AWS errors as one sentence with the next step, never a traceback."""

import errno
import re
from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum


class Exit(IntEnum):
    """Exit codes that scripts can rely on."""

    OK = 0
    FIX = 1
    """Something that the user can fix: a setting, a job file, credentials, a missing stack."""
    USAGE = 2
    """The command line was not understood, or a question was asked without a terminal."""
    JOB_FAILED = 3
    """The job was launched and failed, or was refused by preflight."""
    JOB_STOPPED = 4
    """The job was launched and stopped before its end."""
    DIFFERENT = 5
    """Asked for with --exit-code: a deploy would change something."""
    INTERRUPTED = 130
    """Ctrl-C."""


class UserError(Exception):
    """Something that the user can fix: what happened, with which value, and what to do next."""

    def __init__(self, happened: str, fix: str = "", code: Exit = Exit.FIX) -> None:
        super().__init__(happened)
        self.happened, self.fix, self.code = happened, fix, code


class NotDeployedError(UserError):
    """A job that is defined but not deployed, or not in this region."""


def explain(error: BaseException) -> UserError | None:
    """Turn an error that a user can cause into a sentence; None for a bug, which keeps its traceback."""
    from embedded.lifecycle import CloudError
    from embedded.nodes.image import ImageError
    from shardyard.spec.errors import SpecError

    if isinstance(error, UserError):
        return error
    if isinstance(error, SpecError):
        return UserError(str(error))
    if isinstance(error, ImageError):
        return UserError(str(error).removeprefix("ClientError: "), "Correct it, then run it again.")
    if isinstance(error, CloudError):
        return _explain_cloud(str(error))
    if type(error).__module__.startswith(("botocore", "boto3")):  # before OSError, which some of these are
        return _explain_botocore(error)
    return _explain_disk(error) if isinstance(error, OSError) else None


def _explain_disk(error: OSError) -> UserError | None:
    path = error.filename if error.filename is not None else "a file"
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return UserError(f"The disk is full while writing {path}.", "Free some space, then run it again.")
    if error.errno == errno.ENAMETOOLONG:
        return UserError(f"{_short(path)}: the name is too long.", "Choose a shorter one.")
    if error.errno == errno.EROFS:
        return UserError(f"{path} is on a file system that is read-only.", "Choose another path.")
    if isinstance(error, PermissionError):
        return UserError(f"No permission for {path}.", "Change its owner or its mode, or choose another path.")
    return (
        None if error.errno is None else UserError(f"{_short(path)}: {error.strerror}.", "Check the path and the disk.")
    )


def _short(path: object) -> str:
    said = str(path)
    return said if len(said) <= 80 else f"{said[:76]}..."


@contextmanager
def writing(path: object) -> Iterator[None]:
    """Name the path in the error of a failed write: the system names it only when opening a file fails."""
    try:
        yield
    except OSError as error:
        if error.filename is None:
            error.filename = str(path)
        raise


def _explain_cloud(said: str) -> UserError:
    """Capitalise the embedded cloud's sentence; a port that is taken gets its own fix."""
    taken = re.search(r"Port (\d+) is in use", said)
    if taken is not None:
        return UserError(
            f"Port {taken[1]} of 127.0.0.1 is taken by another program.",
            "Choose another (yard cloud up --port N), or omit --port to get a free one.",
        )
    # A setting's own name begins with a small letter
    begins_with_a_word = said.split(" ", 1)[0].isalpha()
    return UserError(
        (said[:1].upper() if begins_with_a_word else said[:1]) + said[1:] + ("" if said.endswith((".", "`")) else ".")
    )


def _explain_botocore(error: BaseException) -> UserError | None:
    from botocore import exceptions

    if isinstance(error, exceptions.ClientError):
        return _explain_answer(error)
    if isinstance(error, exceptions.NoCredentialsError | exceptions.PartialCredentialsError):
        return UserError(
            "There are no AWS credentials.",
            "Sign in (aws sso login, or AWS_PROFILE), or use the embedded cloud: yard cloud up, yard --embedded ...",
        )
    if isinstance(error, exceptions.NoRegionError):
        return UserError(
            "No region is chosen.",
            "Set AWS_REGION, or `region` in your AWS profile; for the embedded cloud: yard --embedded ...",
        )
    if isinstance(error, exceptions.ProfileNotFound):
        return UserError(f"{error}.", "Set AWS_PROFILE to a profile that `aws configure list-profiles` shows.")
    if isinstance(error, exceptions.InvalidRegionError | exceptions.UnknownRegionError):
        return UserError(
            f"There is no region {error.kwargs['region_name']!r}.", "Set AWS_REGION to a region such as us-east-1."
        )
    if isinstance(error, exceptions.ConnectionError | exceptions.HTTPClientError):  # no route, refused, timed out
        where = error.kwargs.get("endpoint_url", "the endpoint")
        return UserError(
            f"Nothing answers at {where}.",
            "For the embedded cloud: yard cloud up. For AWS: check the network and the region.",
        )
    if isinstance(error, exceptions.TokenRetrievalError | exceptions.SSOTokenLoadError | exceptions.SSOError):
        return UserError("The sign-in has expired.", "Run: aws sso login")
    return None


_EXPIRED = {
    "ExpiredToken",
    "ExpiredTokenException",
    "RequestExpired",
    "InvalidClientTokenId",
    "UnrecognizedClientException",
    "InvalidAccessKeyId",
    "SignatureDoesNotMatch",
}
_DENIED = {
    "AccessDenied",
    "AccessDeniedException",
    "UnauthorizedOperation",
    "AuthorizationError",
    "AuthorizationErrorException",
    "403",
    "Forbidden",
}


def _explain_answer(error: BaseException) -> UserError:
    answer = error.response["Error"]  # type: ignore[attr-defined]
    code, message = str(answer.get("Code", "")), str(answer.get("Message", ""))
    operation = getattr(error, "operation_name", "the call")
    if code in _EXPIRED:
        return UserError(f"AWS no longer accepts the credentials ({code}).", "Sign in again: aws sso login")
    if code in _DENIED:
        return UserError(
            _denial(operation, message), "Ask for permission for that action, or use another role (AWS_PROFILE)."
        )
    if code == "OptInRequired":
        return UserError(
            f"{operation} answered {code}: {message}", "Enable the region in your account, or set AWS_REGION."
        )
    return UserError(f"{operation} answered {code}: {message}")


def _denial(operation: str, message: str) -> str:
    """Most services name the action and the role; S3 names neither, so look up the caller."""
    if "not authorized to perform" in message:
        return f"Access denied to {operation}: {message}"
    return f"Access denied to {operation} for {_who()}: {message}"


def _who() -> str:
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        return str(boto3.client("sts").get_caller_identity()["Arn"])
    except (BotoCoreError, ClientError):
        return "the role in use"
