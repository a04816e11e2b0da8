"""What a person did, or the cloud said, in one sentence with the next step: never a traceback."""

import errno
from collections.abc import Callable
from enum import IntEnum


class Exit(IntEnum):
    """Exit codes that scripts can rely on."""

    OK = 0
    FIX = 1
    """Something that the person can fix: a setting, a job file, credentials, a missing stack."""
    USAGE = 2
    """The command line was not understood."""
    JOB_FAILED = 3
    """The job was launched and failed, or was refused by preflight."""
    JOB_STOPPED = 4
    """The job was launched and stopped before its end."""
    INTERRUPTED = 130
    """Ctrl-C."""


class UserError(Exception):
    """Something that a person can fix: what happened, with which value, and what to do next."""

    def __init__(self, happened: str, fix: str = "", code: Exit = Exit.FIX) -> None:
        super().__init__(happened)
        self.happened, self.fix, self.code = happened, fix, code


def explain(error: BaseException) -> UserError | None:
    """Turn an error that a person can cause into a sentence; None for a bug of ours, which keeps its traceback."""
    from shardyard.spec.errors import SpecError

    if isinstance(error, UserError):
        return error
    if isinstance(error, SpecError):
        return UserError(str(error))
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return UserError(f"The disk is full while writing {error.filename}.", "Free some space, then run it again.")
    if isinstance(error, PermissionError):
        return UserError(
            f"No permission for {error.filename}.", "Change its owner or its mode, or choose another place."
        )
    if type(error).__module__ == "yard.cloud.lifecycle":  # CloudError, without loading the cloud for a look
        return UserError(str(error))
    if type(error).__module__.startswith(("botocore", "boto3")):
        return _explain_botocore(error)
    return None


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
        return UserError("No region is chosen.", "Set AWS_REGION, or `region` in your AWS profile.")
    if isinstance(error, exceptions.ProfileNotFound):
        return UserError(f"{error}.", "Set AWS_PROFILE to a profile that `aws configure list-profiles` shows.")
    if isinstance(error, exceptions.EndpointConnectionError | exceptions.ConnectTimeoutError):
        return UserError(
            f"Nothing answers at {error.kwargs.get('endpoint_url')}.",
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
}
_DENIED = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError"}


def _explain_answer(error: BaseException) -> UserError:
    answer = error.response["Error"]  # type: ignore[attr-defined]
    code, message = str(answer.get("Code", "")), str(answer.get("Message", ""))
    operation = getattr(error, "operation_name", "the call")
    if code in _EXPIRED:
        return UserError(f"AWS does not accept the credentials any more ({code}).", "Sign in again: aws sso login")
    if code in _DENIED:
        return UserError(
            f"Access denied to {operation}: {message}",
            "Ask for that action on that resource, or use another role (AWS_PROFILE).",
        )
    return UserError(f"{operation} answered {code}: {message}")


def guard(run: Callable[[], None], *, debug: bool) -> int:
    """Run a command; print a sentence instead of a traceback for what a person can cause; return the exit code."""
    from yard.output import complain

    try:
        run()
    except KeyboardInterrupt:
        complain("Interrupted.")
        return Exit.INTERRUPTED
    except SystemExit as leaving:
        return leaving.code if isinstance(leaving.code, int) else Exit.OK
    except Exception as error:
        known = explain(error)
        if debug or known is None:
            raise
        complain(known.happened, known.fix)
        return known.code
    return Exit.OK
